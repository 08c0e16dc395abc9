//! Content that lies in files: mapped, so that it can be handed around as `Bytes`, and told again from its address, so
//! that a socket in clear can have the kernel send the pages of the file (`sendfile`) where others would copy them.
//!
//! Invariant: bytes that were handed out are never written again, and a file that is mapped never gets shorter: whoever
//! maps a file only appends to it. Called by `cache`, which keeps chunks in such files, and by `net`, which sends them.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use memmap2::{Mmap, MmapOptions};
use parking_lot::RwLock;

/// All files that are mapped for one edge. Its clones are one.
#[derive(Debug, Clone, Default)]
pub struct MappedFiles {
    /// By the address where the mapping begins.
    by_address: Arc<RwLock<BTreeMap<usize, Weak<MappedFile>>>>,
}

impl MappedFiles {
    /// None yet.
    pub fn new() -> MappedFiles {
        MappedFiles::default()
    }

    /// Maps the first `length` bytes of `file` for reading; they need not be there yet. It stays mapped as long as the
    /// result or bytes of it live.
    ///
    /// # Errors
    /// What the system says, for instance that there is no room for so large a mapping.
    pub fn map(&self, file: File, length: usize) -> io::Result<Arc<MappedFile>> {
        let mapping = map_for_reading(&file, length)?;
        let mapped = Arc::new(MappedFile { file, mapping, files: self.clone() });
        self.by_address.write().insert(mapped.address(), Arc::downgrade(&mapped));
        Ok(mapped)
    }

    /// Where `slice` lies, if it lies in one of these files.
    pub fn find(&self, slice: &[u8]) -> Option<FilePart> {
        let address = slice.as_ptr() as usize;
        let (start, file) = {
            let files = self.by_address.read();
            let (start, file) = files.range(..=address).next_back()?;
            (*start, file.upgrade()?)
        };
        let offset = address - start;
        let is_inside = offset.checked_add(slice.len()).is_some_and(|end| end <= file.mapping.len());
        is_inside.then_some(FilePart { file, offset: offset as u64 })
    }
}

/// The one unsafe act: what the mapping shows may change under it when the file does.
#[expect(unsafe_code, reason = "mapping a file is unsafe by nature; see SAFETY")]
fn map_for_reading(file: &File, length: usize) -> io::Result<Mmap> {
    // SAFETY: the files of an edge are its own, in a directory that it alone writes, or without a name. By the invariant of
    // this crate they are only appended to, and `MappedFile::bytes` is called for what is complete: no byte changes that a
    // slice shows. A page that cannot be read raises SIGBUS, which ends the process and corrupts nothing; whoever reads
    // through a mapping of a disk makes sure that the pages were read before.
    unsafe { MmapOptions::new().len(length).map(file) }
}

/// A file and where it is mapped.
#[derive(Debug)]
pub struct MappedFile {
    file: File,
    mapping: Mmap,
    files: MappedFiles,
}

impl MappedFile {
    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The bytes at `range`, which are complete and never change again. Nothing is copied; outside the mapping there are
    /// none.
    pub fn bytes(self: &Arc<MappedFile>, range: Range<usize>) -> Bytes {
        Bytes::from_owner(Part { file: Arc::clone(self), range })
    }

    fn address(&self) -> usize {
        self.mapping.as_ptr() as usize
    }
}

impl Drop for MappedFile {
    fn drop(&mut self) {
        // Before the mapping goes: its address may be given out again at once.
        self.files.by_address.write().remove(&self.address());
    }
}

/// Keeps a file mapped while bytes of it live.
struct Part {
    file: Arc<MappedFile>,
    range: Range<usize>,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        self.file.mapping.get(self.range.clone()).unwrap_or_default()
    }
}

/// A place in a mapped file.
#[derive(Debug)]
pub struct FilePart {
    /// The file.
    pub file: Arc<MappedFile>,
    /// From its beginning, in bytes.
    pub offset: u64,
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn bytes_of_a_file_are_told_from_others_by_their_address() {
        let files = MappedFiles::new();
        let mut file = tempfile::tempfile().unwrap();
        let (one, other) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let mapped = files.map(file.try_clone().unwrap(), 1 << 20).unwrap();
        let _others = [files.map(one, 4096).unwrap(), files.map(other, 4096).unwrap()];
        file.write_all(b"0123456789").unwrap();
        let bytes = mapped.bytes(2..8);
        assert_eq!(bytes, "234567");
        let part = files.find(&bytes.slice(1..)).unwrap();
        assert!(Arc::ptr_eq(&part.file, &mapped));
        assert_eq!(part.offset, 3);
        assert!(files.find(b"elsewhere").is_none());
        assert!(MappedFiles::new().find(&bytes).is_none());
        assert!(mapped.bytes((1 << 20)..(1 << 20) + 1).is_empty());
    }

    #[test]
    fn a_file_is_known_as_long_as_bytes_of_it_live() {
        let files = MappedFiles::new();
        let mapped = files.map(tempfile::tempfile().unwrap(), 4096).unwrap();
        let bytes = mapped.bytes(0..16);
        drop(mapped);
        assert!(files.find(&bytes.slice(..0)).is_some());
        drop(bytes);
        assert!(files.by_address.read().is_empty());
    }
}
