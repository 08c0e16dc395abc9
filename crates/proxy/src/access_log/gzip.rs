//! gzip in members: text is gathered and compressed a block at a time, each block a gzip member of its own.
//!
//! Members one after the other are one gzip file (RFC 1952 section 2.2). Whole blocks let the compressor be shared by all
//! open files, and a file that was cut off is readable up to its last member. Called by `segments`.

use std::io::{self, Write};

use libdeflater::{CompressionLvl, Compressor};

/// Text of one member, in bytes: more compresses hardly better and waits longer.
pub(super) const MEMBER: usize = 128 * 1024;

/// A file of gzip members that is being written.
pub(super) struct GzipFile<W> {
    file: W,
    text: Vec<u8>,
}

impl<W: Write> GzipFile<W> {
    pub(super) fn new(file: W) -> GzipFile<W> {
        GzipFile { file, text: Vec::new() }
    }

    /// Takes text; writes a member when there is enough for one, without a copy when there is enough in `text` alone.
    pub(super) fn append(&mut self, text: &[u8], compressor: &mut GzipCompressor) -> io::Result<()> {
        if self.text.is_empty() && text.len() >= MEMBER {
            return self.file.write_all(compressor.member(text)?);
        }
        self.text.extend_from_slice(text);
        if self.text.len() >= MEMBER { self.write_member(compressor) } else { Ok(()) }
    }

    /// Writes what is left and gives the file back.
    pub(super) fn finish(mut self, compressor: &mut GzipCompressor) -> io::Result<W> {
        if !self.text.is_empty() {
            self.write_member(compressor)?;
        }
        self.file.flush()?;
        Ok(self.file)
    }

    fn write_member(&mut self, compressor: &mut GzipCompressor) -> io::Result<()> {
        let written = self.file.write_all(compressor.member(&self.text)?);
        self.text.clear();
        written
    }
}

/// The one compressor of the log, and its output buffer.
pub(super) struct GzipCompressor {
    compressor: Compressor,
    member: Vec<u8>,
}

impl GzipCompressor {
    pub(super) fn new() -> GzipCompressor {
        GzipCompressor { compressor: Compressor::new(CompressionLvl::fastest()), member: Vec::new() }
    }

    fn member(&mut self, text: &[u8]) -> io::Result<&[u8]> {
        self.member.resize(self.compressor.gzip_compress_bound(text.len()), 0);
        let length = self.compressor.gzip_compress(text, &mut self.member).map_err(io::Error::other)?;
        Ok(self.member.get(..length).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{GzipCompressor, GzipFile, MEMBER};

    #[test]
    fn members_read_as_one_file_whatever_the_pieces_were() {
        let text: Vec<u8> = (0..MEMBER * 2 + 12_345).map(|n| b"edgeward\n"[n % 9]).collect();
        for piece_length in [50_000, MEMBER, MEMBER + 1] {
            let mut compressor = GzipCompressor::new();
            let mut file = GzipFile::new(Vec::new());
            for piece in text.chunks(piece_length) {
                file.append(piece, &mut compressor).unwrap();
            }
            let written = file.finish(&mut compressor).unwrap();
            let mut read = Vec::new();
            flate2::read::MultiGzDecoder::new(written.as_slice()).read_to_end(&mut read).unwrap();
            assert!(read == text);
        }
    }

    #[test]
    fn a_file_without_text_is_empty() {
        assert!(GzipFile::new(Vec::new()).finish(&mut GzipCompressor::new()).unwrap().is_empty());
    }
}
