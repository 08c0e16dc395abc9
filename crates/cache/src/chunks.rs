//! Content in chunks of one size, any of which may be missing: how large responses are kept.
//!
//! A chunk is kept whole or not at all, so that a range of a large file costs the chunks it touches and a part that was
//! evicted can be fetched again by itself. Invariant: all chunks under one `ContentId` are of one representation, which a
//! strong validator vouches for when they come from several responses (RFC 9110 section 15.3.7.3). `MemoryChunks` keeps
//! them in memory; the disk tier has its own.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use parking_lot::RwLock;

use crate::store::Arena;
use crate::time::Timestamp;

/// Chunks are this long, in bytes, but for the last of a content.
pub const CHUNK: u64 = 256 * 1024;

/// Shorter chunks lie on the heap: nothing is gained by sending them from a file.
const LEAST_IN_ARENA: usize = 16 * 1024;

/// Names the chunks of one content; drawn at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentId(pub u64);

/// How a chunk goes to the viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// As it lies: the kernel sends the pages of its file, which nobody in this process need read.
    Clear,
    /// Read by this process, to be encrypted.
    Encrypted,
}

/// What there is of a chunk.
#[derive(Debug)]
pub enum Chunk {
    /// All of it.
    Here(Bytes),
    /// On disk; to be read, or read once to be verified.
    Unread(Box<dyn UnreadChunk>),
    /// Nothing.
    Missing,
}

/// A chunk that takes reading a disk.
pub trait UnreadChunk: Debug + Send {
    /// Reads and verifies it on a thread that may wait; `None` when that fails: it counts as missing from then on.
    fn read(self: Box<Self>) -> Pending<Option<Bytes>>;
}

/// A future that a chunk store returns.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A chunk could not be kept: there is no room for it, or the disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotKept;

/// Where the chunks of one content are kept.
pub trait Chunks: Debug + Send + Sync {
    /// Which content's.
    fn id(&self) -> ContentId;

    /// What there is of chunk `index`. At `now` what lies on a disk may have to be verified again.
    fn find(&self, index: u32, delivery: Delivery, now: Timestamp) -> Chunk;

    /// Whether there is something of chunk `index`.
    fn has(&self, index: u32) -> bool;

    /// Keeps the pieces that make up chunk `index`.
    fn keep(&self, index: u32, pieces: Vec<Bytes>) -> Pending<Result<(), NotKept>>;

    /// Memory that the kept chunks take, in bytes.
    fn bytes_in_memory(&self) -> usize;
}

/// The index of the chunk that holds the byte at `offset`.
pub fn index_of(offset: u64) -> u32 {
    // Content is bounded far below 2^32 chunks; beyond them a chunk is never found.
    u32::try_from(offset / CHUNK).unwrap_or(u32::MAX)
}

/// Where chunk `index` begins.
pub fn start_of(index: u32) -> u64 {
    u64::from(index) * CHUNK
}

/// Chunks in memory.
#[derive(Debug)]
pub(crate) struct MemoryChunks {
    id: ContentId,
    /// They take at most this many bytes.
    most: usize,
    /// Where they lie; without one, on the heap.
    arena: Option<Arc<Arena>>,
    held: AtomicUsize,
    chunks: RwLock<BTreeMap<u32, Bytes>>,
}

impl MemoryChunks {
    pub(crate) fn new(id: ContentId, most: usize, arena: Option<Arc<Arena>>) -> MemoryChunks {
        MemoryChunks { id, most, arena, held: AtomicUsize::new(0), chunks: RwLock::default() }
    }

    fn insert(&self, index: u32, pieces: &[Bytes]) -> Result<(), NotKept> {
        let length = pieces.iter().map(Bytes::len).sum::<usize>();
        let mut chunks = self.chunks.write();
        if chunks.contains_key(&index) {
            return Ok(());
        }
        if self.held.load(Ordering::Relaxed) + length > self.most {
            return Err(NotKept);
        }
        let arena = self.arena.as_ref().filter(|_| length >= LEAST_IN_ARENA);
        let chunk = arena.and_then(|arena| arena.store(pieces)).unwrap_or_else(|| joined(pieces, length));
        chunks.insert(index, chunk);
        self.held.fetch_add(length, Ordering::Relaxed);
        Ok(())
    }
}

impl Chunks for MemoryChunks {
    fn id(&self) -> ContentId {
        self.id
    }

    fn find(&self, index: u32, _: Delivery, _: Timestamp) -> Chunk {
        self.chunks.read().get(&index).map_or(Chunk::Missing, |chunk| Chunk::Here(chunk.clone()))
    }

    fn has(&self, index: u32) -> bool {
        self.chunks.read().contains_key(&index)
    }

    fn keep(&self, index: u32, pieces: Vec<Bytes>) -> Pending<Result<(), NotKept>> {
        Box::pin(std::future::ready(self.insert(index, &pieces)))
    }

    fn bytes_in_memory(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

/// One piece of exactly the right size: what came from an origin may lie in a buffer twice as large.
pub(crate) fn joined(pieces: &[Bytes], length: usize) -> Bytes {
    let mut joined = BytesMut::with_capacity(length);
    pieces.iter().for_each(|piece| joined.extend_from_slice(piece));
    joined.freeze()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{CHUNK, Chunk, Chunks, ContentId, Delivery, MemoryChunks, NotKept, index_of, start_of};
    use crate::time::Timestamp;

    #[test]
    fn a_byte_lies_in_the_chunk_that_begins_at_or_before_it() {
        for (offset, index) in [(0, 0), (CHUNK - 1, 0), (CHUNK, 1), (20_000_000_000, 76_293)] {
            assert_eq!(index_of(offset), index);
            assert!(start_of(index) <= offset && offset < start_of(index + 1));
        }
        assert_eq!(index_of(u64::MAX), u32::MAX);
    }

    #[test]
    fn what_is_kept_is_found_and_the_limit_holds() {
        let chunks = MemoryChunks::new(ContentId(1), 5, None);
        assert_eq!(chunks.insert(7, &[Bytes::from_static(b"ab"), Bytes::from_static(b"c")]), Ok(()));
        assert_eq!(chunks.insert(8, &[Bytes::from_static(b"def")]), Err(NotKept));
        assert_eq!(chunks.insert(7, &[Bytes::from_static(b"again")]), Ok(()), "it is there already");
        let found = chunks.find(7, Delivery::Clear, Timestamp::from_secs(0));
        assert!(matches!(found, Chunk::Here(bytes) if bytes == "abc"));
        assert!(chunks.has(7) && !chunks.has(8));
        assert_eq!(chunks.bytes_in_memory(), 3);
    }
}
