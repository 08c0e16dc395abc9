//! How a record lies in a segment: a head of fixed size, then key, metadata and content.
//!
//! Invariant: `Head::parse` accepts only what `Head::write` wrote, by its checksum; lengths that it returns are bounded.
//! Whether key, metadata and content are right is a checksum of their own, compared when they are read. Numbers are
//! little-endian. Pure.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::chunks::CHUNK;

/// Bytes of a head.
pub(super) const HEAD: usize = 64;
/// Records begin at multiples of this.
pub(super) const ALIGNMENT: u64 = 8;
/// The content of a chunk begins at multiples of this, so that whole pages can be sent.
pub(super) const PAGE: u64 = 4096;
const MAGIC: u32 = 0x4557_4443;
/// Key and metadata together: far more than the 28 KB that a request and a response may have in their header sections.
const MOST_DESCRIPTION: u64 = 256 * 1024;
/// No record is longer.
pub(super) const LONGEST: u64 = HEAD as u64 + PAGE + MOST_DESCRIPTION + CHUNK;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A stored response.
    Response,
    /// A chunk of content.
    Chunk,
    /// All responses with the hash are gone.
    Removal,
}

impl Kind {
    pub(super) fn code(self) -> u32 {
        match self {
            Kind::Response => 1,
            Kind::Chunk => 2,
            Kind::Removal => 3,
        }
    }

    pub(super) fn of(code: u32) -> Option<Kind> {
        [Kind::Response, Kind::Chunk, Kind::Removal].into_iter().find(|kind| kind.code() == code)
    }
}

/// What names a record: one that is written later with an equal name stands in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) kind: Kind,
    /// Of a response's key, or of a chunk's place.
    pub(super) hash: u64,
    /// Which of the responses with its key, or whose chunk.
    pub(super) tag: u64,
    /// Of a chunk; else 0.
    pub(super) index: u32,
}

/// The head of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: Name,
    pub(super) key_length: u32,
    pub(super) meta_length: u32,
    pub(super) content_length: u32,
    /// Of key, metadata and content.
    pub(super) checksum: u64,
}

impl Head {
    pub(super) fn write(&self) -> [u8; HEAD] {
        let mut out = [0; HEAD];
        let Name { kind, hash, tag, index } = self.name;
        let numbers = [MAGIC, kind.code(), index, self.key_length, self.meta_length, self.content_length];
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        bytes.extend([hash, tag, self.checksum].iter().flat_map(|number| number.to_le_bytes()));
        bytes.resize(HEAD - 8, 0);
        let own = xxh3_64(&bytes).to_le_bytes();
        bytes.extend(own);
        out.copy_from_slice(&bytes);
        out
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Head> {
        let (body, own) = bytes.get(..HEAD)?.split_at(HEAD - 8);
        let short = |at: usize| Some(u32::from_le_bytes(body.get(at..at + 4)?.try_into().ok()?));
        let long = |at: usize| Some(u64::from_le_bytes(body.get(at..at + 8)?.try_into().ok()?));
        if short(0)? != MAGIC || xxh3_64(body).to_le_bytes() != own {
            return None;
        }
        let head = Head {
            name: Name { kind: Kind::of(short(4)?)?, index: short(8)?, hash: long(24)?, tag: long(32)? },
            key_length: short(12)?,
            meta_length: short(16)?,
            content_length: short(20)?,
            checksum: long(40)?,
        };
        head.is_bounded().then_some(head)
    }

    fn is_bounded(&self) -> bool {
        fits(u64::from(self.key_length) + u64::from(self.meta_length), self.content_length.into())
    }

    /// From the beginning of the record at `offset` of its segment to the beginning of its key.
    pub(super) fn gap(&self, offset: u64) -> u64 {
        gap(self.name.kind, offset)
    }

    /// Bytes of key, metadata and content.
    pub(super) fn payload(&self) -> u64 {
        u64::from(self.key_length) + u64::from(self.meta_length) + u64::from(self.content_length)
    }

    /// Bytes of the whole record at `offset`.
    pub(super) fn size(&self, offset: u64) -> u64 {
        self.gap(offset) + self.payload()
    }
}

/// Whether there is a record with so many bytes of key and metadata, and of content.
pub(super) fn fits(description: u64, content: u64) -> bool {
    description <= MOST_DESCRIPTION && content <= CHUNK
}

/// As `Head::gap`.
pub(super) fn gap(kind: Kind, offset: u64) -> u64 {
    match kind {
        Kind::Chunk => (offset + HEAD as u64).next_multiple_of(PAGE) - offset,
        Kind::Response | Kind::Removal => HEAD as u64,
    }
}

/// The checksum of key, metadata and content, in pieces.
pub(super) fn checksum<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut sum = Xxh3::new();
    pieces.into_iter().for_each(|piece| sum.update(piece));
    sum.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(kind: Kind) -> Head {
        Head {
            name: Name { kind, hash: 1 << 63, tag: 7, index: 3 },
            key_length: 100,
            meta_length: 200,
            content_length: 1_000,
            checksum: 42,
        }
    }

    #[test]
    fn a_head_is_read_as_it_was_written_and_no_other_bytes_are_one() {
        for kind in [Kind::Response, Kind::Chunk, Kind::Removal] {
            let bytes = head(kind).write();
            assert_eq!(Head::parse(&bytes), Some(head(kind)));
            for at in 0..HEAD {
                let mut broken = bytes;
                broken[at] ^= 1;
                assert_eq!(Head::parse(&broken), None, "byte {at}");
                assert_eq!(Head::parse(&bytes[..at]), None);
            }
        }
        assert_eq!(Head::parse(&[0; HEAD]), None);
        let long = Head { content_length: CHUNK as u32 + 1, ..head(Kind::Chunk) };
        assert_eq!(Head::parse(&long.write()), None);
    }

    #[test]
    fn the_content_of_a_chunk_begins_with_a_page() {
        for offset in [0, 16, 4032, 4040, 4096, 100_000] {
            assert!((offset + head(Kind::Chunk).gap(offset)).is_multiple_of(PAGE));
            assert!(head(Kind::Chunk).gap(offset) >= HEAD as u64);
            assert_eq!(head(Kind::Response).gap(offset), HEAD as u64);
        }
    }
}
