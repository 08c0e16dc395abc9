//! The invalidation orders an edge has taken, so that a stored response cannot outlive one by a restart.
//!
//! One file, one order a line, JSON after its checksum. Invariant: an order is on the disk before it is acknowledged; a
//! torn last line was not. The file is written anew at each start, with the newest orders of each distribution only, as the
//! lists in memory keep them; `floor` says what was left out.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_64;

/// An invalidation order that was taken.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakenOrder {
    /// Distribution id.
    pub(crate) distribution: String,
    /// Numbered within the distribution.
    pub(crate) sequence: u64,
    /// What it invalidates.
    pub(crate) patterns: Vec<String>,
}

/// The file.
#[derive(Debug)]
pub(crate) struct Journal {
    file: Mutex<File>,
}

impl Journal {
    /// Opens the journal in `directory` and returns what is in it, the oldest first. `keep` says what of it is still
    /// needed; the rest is left out from then on.
    ///
    /// # Errors
    /// The directory cannot be read or written.
    pub(crate) fn open(
        directory: &Path,
        keep: impl FnOnce(Vec<TakenOrder>) -> Vec<TakenOrder>,
    ) -> io::Result<(Journal, Vec<TakenOrder>)> {
        let path = directory.join("invalidations");
        let orders = keep(read(&path)?);
        let file = write_anew(&path, &orders)?;
        Ok((Journal { file: Mutex::new(file) }, orders))
    }

    /// Takes an order; when this returns, it is on the disk.
    ///
    /// # Errors
    /// It is not: the order must not be acknowledged.
    pub(crate) fn append(&self, order: &TakenOrder) -> io::Result<()> {
        let mut file = self.file.lock();
        file.write_all(line(order)?.as_bytes())?;
        file.sync_data()
    }
}

fn read(path: &Path) -> io::Result<Vec<TakenOrder>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes.split(|byte| *byte == b'\n').map_while(parse).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// `None` for a line that is not whole: it and what comes after it were never acknowledged.
fn parse(line: &[u8]) -> Option<TakenOrder> {
    let (checksum, json) = line.split_at_checked(17)?;
    let expected = format!("{:016x} ", xxh3_64(json));
    if checksum != expected.as_bytes() { None } else { serde_json::from_slice(json).ok() }
}

fn line(order: &TakenOrder) -> io::Result<String> {
    let json = serde_json::to_string(order)?;
    Ok(format!("{:016x} {json}\n", xxh3_64(json.as_bytes())))
}

fn write_anew(path: &Path, orders: &[TakenOrder]) -> io::Result<File> {
    let new: PathBuf = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    for order in orders {
        file.write_all(line(order)?.as_bytes())?;
    }
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    // The name, too.
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(sequence: u64) -> TakenOrder {
        TakenOrder { distribution: "E1".to_owned(), sequence, patterns: vec!["/a*".to_owned(), "#tag".to_owned()] }
    }

    #[test]
    fn orders_are_found_again_and_a_torn_line_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Journal::open(directory.path(), |orders| orders).unwrap();
        let (journal, before) = open();
        assert!(before.is_empty());
        journal.append(&order(1)).unwrap();
        journal.append(&order(2)).unwrap();
        drop(journal);
        let path = directory.path().join("invalidations");
        let whole = std::fs::read(&path).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for (length, whole_lines) in
            [(whole.len(), 2), (whole.len() - 2, 1), (first + 20, 1), (first, 1), (first - 2, 0), (0, 0)]
        {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(read(&path).unwrap(), [order(1), order(2)][..whole_lines], "{length}");
        }
        std::fs::write(&path, &whole[..first + 5]).unwrap();
        let (journal, before) = open();
        assert_eq!(before, [order(1)]);
        journal.append(&order(3)).unwrap();
        assert_eq!(open().1, [order(1), order(3)], "what is torn does not hide what comes later");
    }
}
