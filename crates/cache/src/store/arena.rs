//! Chunks of content in memory, in one file without a name, so that the kernel can send their pages as they lie.
//!
//! The file is as long as it might ever need to be and holds memory only where a chunk lies: each has a slot of its own,
//! and a slot whose chunk is dropped is emptied before another takes it. Invariant: a slot is written once between two
//! emptyings; pages that a socket still has to send were taken out of the file by then and stay as they were.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use edgeward_mapped::{MappedFile, MappedFiles};
use parking_lot::Mutex;
use rustix::fs::{FallocateFlags, MemfdFlags};

use crate::chunks::CHUNK;

/// Where chunks lie in memory.
#[derive(Debug)]
pub(crate) struct Arena {
    file: Arc<MappedFile>,
    slots: Mutex<Slots>,
    /// Bytes of content in it.
    used: AtomicU64,
}

#[derive(Debug)]
struct Slots {
    emptied: Vec<u64>,
    /// From here on none has been used.
    next: u64,
    count: u64,
}

impl Arena {
    /// For as many chunks as fit into `length` bytes when every chunk is full.
    ///
    /// # Errors
    /// The system has no memory files, or no addresses for one of this length.
    pub(crate) fn new(files: &MappedFiles, length: u64) -> io::Result<Arena> {
        let count = length.div_ceil(CHUNK);
        let file = std::fs::File::from(rustix::fs::memfd_create("edgeward-chunks", MemfdFlags::CLOEXEC)?);
        file.set_len(count * CHUNK)?;
        let length = usize::try_from(count * CHUNK).map_err(|_| io::ErrorKind::InvalidInput)?;
        let slots = Mutex::new(Slots { emptied: Vec::new(), next: 0, count });
        Ok(Arena { file: files.map(file, length)?, slots, used: AtomicU64::new(0) })
    }

    /// Copies a chunk in. `None` when there is no slot or no memory for it.
    pub(crate) fn store(self: &Arc<Arena>, pieces: &[Bytes]) -> Option<Bytes> {
        let slot = self.take_slot()?;
        let start = slot * CHUNK;
        let mut chunk = Slot { arena: Arc::clone(self), start, bytes: Bytes::new() };
        let mut length = 0;
        for piece in pieces {
            std::os::unix::fs::FileExt::write_all_at(self.file.file(), piece, start + length).ok()?;
            length += piece.len() as u64;
        }
        self.used.fetch_add(length, Ordering::Relaxed);
        chunk.bytes = self.file.bytes(start as usize..(start + length) as usize);
        Some(Bytes::from_owner(chunk))
    }

    fn take_slot(&self) -> Option<u64> {
        let mut slots = self.slots.lock();
        slots.emptied.pop().or_else(|| {
            let next = slots.next;
            (next < slots.count).then(|| {
                slots.next += 1;
                next
            })
        })
    }

    /// Gives the memory of a slot back. One that cannot be emptied is not used again.
    fn empty(&self, start: u64, length: u64) {
        self.used.fetch_sub(length, Ordering::Relaxed);
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        if rustix::fs::fallocate(self.file.file(), hole, start, CHUNK).is_ok() {
            self.slots.lock().emptied.push(start / CHUNK);
        }
    }
}

/// A chunk in its slot; the owner of all `Bytes` of it.
struct Slot {
    arena: Arc<Arena>,
    start: u64,
    bytes: Bytes,
}

impl AsRef<[u8]> for Slot {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.arena.empty(self.start, self.bytes.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn arena(chunks: u64) -> (MappedFiles, Arc<Arena>) {
        let files = MappedFiles::new();
        let arena = Arena::new(&files, chunks * CHUNK).unwrap();
        (files, Arc::new(arena))
    }

    #[test]
    fn a_chunk_lies_in_the_file_until_its_last_bytes_are_dropped() {
        let (files, arena) = arena(1);
        let chunk = arena.store(&[Bytes::from_static(b"ab"), Bytes::from_static(b"cd")]).unwrap();
        assert_eq!(chunk, "abcd");
        assert_eq!(files.find(&chunk.slice(1..)).unwrap().offset, 1);
        assert!(arena.store(&[Bytes::from_static(b"x")]).is_none(), "there is one slot");
        let part = chunk.slice(2..);
        drop(chunk);
        assert!(arena.store(&[Bytes::from_static(b"x")]).is_none());
        drop(part);
        assert_eq!(arena.used.load(Ordering::Relaxed), 0);
        assert_eq!(arena.store(&[Bytes::from_static(b"x")]).unwrap(), "x");
    }

    #[test]
    fn what_a_socket_has_yet_to_send_stays_as_it_was_when_the_slot_is_used_again() {
        let (_files, arena) = arena(1);
        let (sending, mut receiving) = UnixStream::pair().unwrap();
        let first = arena.store(&[Bytes::from(vec![1; 65_536])]).unwrap();
        let sent = rustix::fs::sendfile(&sending, arena.file.file(), Some(&mut 0), 65_536).unwrap();
        drop(first);
        let second = arena.store(&[Bytes::from(vec![2; 65_536])]).unwrap();
        drop(sending);
        let mut seen = Vec::new();
        receiving.read_to_end(&mut seen).unwrap();
        assert!(sent > 0 && seen == vec![1; sent] && second.iter().all(|byte| *byte == 2));
    }
}
