//! Compresses content piece by piece.
//!
//! Levels are moderate: an edge compresses once for each coding and serves the result often, and it has other viewers
//! to serve meanwhile. Memory is bounded by the length of the content, which is known. Called by `storing`.

use std::io::{self, Write};

use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::Coding;

/// Of 1 to 9.
const GZIP_LEVEL: u32 = 6;
/// Of 0 to 11.
const BROTLI_QUALITY: i32 = 5;
/// Brotli works off what it has gathered in one go, 10 ms for a large response. Told to do so after every 128 KiB it takes
/// 2 ms, and the content grows by 3 %.
const BROTLI_SPAN: usize = 128 * 1024;
/// The windows of brotli, as powers of two: a window larger than the content only costs memory.
const SMALLEST_WINDOW: u32 = 10;
const LARGEST_WINDOW: u32 = 22;
/// Of 1 to 22. Its window is 2 MiB, of the 8 MiB that RFC 9659 allows.
const ZSTD_LEVEL: i32 = 3;
/// Output gathered before it goes on.
const BUFFER: usize = 16 * 1024;

/// A compressor in the middle of one response.
pub(crate) enum Encoder {
    Gzip(Box<GzEncoder<Vec<u8>>>),
    Brotli {
        writer: Box<CompressorWriter<Vec<u8>>>,
        /// Bytes of content that it has gathered.
        gathered: usize,
    },
    Zstd(Box<zstd::Encoder<'static, Vec<u8>>>),
}

impl Encoder {
    /// For content of `length` bytes.
    pub(crate) fn new(coding: Coding, length: u64) -> io::Result<Encoder> {
        Ok(match coding {
            Coding::Gzip => Encoder::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL)))),
            Coding::Zstd => {
                let mut encoder = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
                encoder.set_pledged_src_size(Some(length))?;
                Encoder::Zstd(Box::new(encoder))
            }
            Coding::Brotli => {
                let parameters = BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: window(length) as i32,
                    size_hint: usize::try_from(length).unwrap_or(usize::MAX),
                    ..BrotliEncoderParams::default()
                };
                let writer = CompressorWriter::with_params(Vec::new(), BUFFER, &parameters);
                Encoder::Brotli { writer: Box::new(writer), gathered: 0 }
            }
        })
    }

    /// Takes the next piece of content; returns what is ready, which may be nothing.
    pub(crate) fn push(&mut self, piece: &[u8]) -> io::Result<Bytes> {
        let ready = match self {
            Encoder::Gzip(encoder) => {
                encoder.write_all(piece)?;
                std::mem::take(encoder.get_mut())
            }
            Encoder::Zstd(encoder) => {
                encoder.write_all(piece)?;
                std::mem::take(encoder.get_mut())
            }
            Encoder::Brotli { writer, gathered } => {
                writer.write_all(piece)?;
                *gathered += piece.len();
                if *gathered >= BROTLI_SPAN {
                    writer.flush()?;
                    *gathered = 0;
                }
                std::mem::take(writer.get_mut())
            }
        };
        Ok(ready.into())
    }

    /// The rest.
    pub(crate) fn finish(self) -> io::Result<Bytes> {
        match self {
            Encoder::Gzip(encoder) => Ok(encoder.finish()?.into()),
            Encoder::Zstd(encoder) => Ok(encoder.finish()?.into()),
            Encoder::Brotli { writer, .. } => Ok(writer.into_inner().into()),
        }
    }
}

/// The smallest power of two that holds `length`.
fn window(length: u64) -> u32 {
    (u64::BITS - length.leading_zeros()).clamp(SMALLEST_WINDOW, LARGEST_WINDOW)
}
