//! The invalidation orders an edge has taken, so that a stored response cannot outlive one by a restart.
//!
//! One file, one order a line, JSON after its checksum. Invariant: an order is on the disk before it is acknowledged, and
//! every line before it is whole: what a failed write left is written over. The file is written anew at each start and when
//! it has grown, with the newest orders of each distribution only, as the lists in memory keep them. A whole line that is
//! damaged was acknowledged once: what it said is lost, so nothing that is stored may outlive it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_64;

/// A file that has grown by so much is written anew, in bytes.
const MOST_GROWTH: u64 = 16 << 20;

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

/// Says which orders are still needed.
pub(crate) type Keep = fn(Vec<TakenOrder>) -> Vec<TakenOrder>;

/// The file.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    keep: Keep,
    /// `None` while another process keeps the journal.
    open: Mutex<Option<OpenJournal>>,
}

#[derive(Debug)]
struct OpenJournal {
    file: File,
    /// Of the lines that are whole.
    length: u64,
    /// It is written anew when it is longer.
    most: u64,
}

impl Journal {
    /// Opens the journal in `directory` and returns what is in it, the oldest first. `keep` says what of it is still
    /// needed; the rest is left out from then on.
    ///
    /// # Errors
    /// The directory cannot be read or written.
    pub(crate) fn open(directory: &Path, keep: Keep) -> io::Result<(Journal, Vec<TakenOrder>)> {
        let path = path_in(directory);
        let orders = keep(read(&path)?.orders);
        let open = Mutex::new(Some(write_anew(&path, &orders)?));
        Ok((Journal { path, keep, open }, orders))
    }

    /// Takes an order; when this returns, it is on the disk, unless another process keeps the journal.
    ///
    /// # Errors
    /// It is not: the order must not be acknowledged.
    pub(crate) fn append(&self, order: &TakenOrder) -> io::Result<()> {
        let mut kept = self.open.lock();
        let Some(open) = &mut *kept else { return Ok(()) };
        open.append(order)?;
        if open.length > open.most {
            match self.written_anew() {
                Ok(anew) => *open = anew,
                // The order is in the old file, which is as good, and only longer.
                Err(_failed) => open.most = open.length + MOST_GROWTH,
            }
        }
        Ok(())
    }

    /// Leaves the journal to another process, which is told the same orders.
    pub(crate) fn leave(&self) {
        *self.open.lock() = None;
    }

    /// Keeps the journal again.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub(crate) fn take_back(&self) -> io::Result<()> {
        *self.open.lock() = Some(self.written_anew()?);
        Ok(())
    }

    fn written_anew(&self) -> io::Result<OpenJournal> {
        write_anew(&self.path, &(self.keep)(read(&self.path)?.orders))
    }
}

impl OpenJournal {
    fn append(&mut self, order: &TakenOrder) -> io::Result<()> {
        let line = line(order)?;
        let written = self.file.write_all_at(line.as_bytes(), self.length).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.length += line.len() as u64,
            // Whatever is left of it is written over by the next one, at the latest.
            Err(_) => _ = self.file.set_len(self.length),
        }
        written
    }
}

/// Whether orders that were acknowledged can be read no more.
pub(super) fn is_damaged(directory: &Path) -> io::Result<bool> {
    Ok(read(&path_in(directory))?.is_damaged)
}

fn path_in(directory: &Path) -> PathBuf {
    directory.join("invalidations")
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Taken {
    orders: Vec<TakenOrder>,
    is_damaged: bool,
}

fn read(path: &Path) -> io::Result<Taken> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Taken::of(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Taken::default()),
        Err(error) => Err(error),
    }
}

impl Taken {
    fn of(bytes: &[u8]) -> Taken {
        // What comes behind the last end of a line was being written, and never acknowledged.
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
        let lines: Vec<Option<TakenOrder>> = lines.map(parse).collect();
        let is_damaged = lines.iter().any(Option::is_none);
        Taken { orders: lines.into_iter().flatten().collect(), is_damaged }
    }
}

/// `None` for a line that is not whole.
fn parse(line: &[u8]) -> Option<TakenOrder> {
    let (checksum, json) = line.split_at_checked(17)?;
    let expected = format!("{:016x} ", xxh3_64(json));
    if checksum != expected.as_bytes() { None } else { serde_json::from_slice(json).ok() }
}

fn line(order: &TakenOrder) -> io::Result<String> {
    let json = serde_json::to_string(order)?;
    Ok(format!("{:016x} {json}\n", xxh3_64(json.as_bytes())))
}

fn write_anew(path: &Path, orders: &[TakenOrder]) -> io::Result<OpenJournal> {
    let new: PathBuf = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    let mut length = 0;
    for order in orders {
        let line = line(order)?;
        file.write_all(line.as_bytes())?;
        length += line.len() as u64;
    }
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    // The name, too.
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())?;
    Ok(OpenJournal { file, length, most: length + MOST_GROWTH })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(sequence: u64) -> TakenOrder {
        TakenOrder { distribution: "E1".to_owned(), sequence, patterns: vec!["/a*".to_owned(), "#tag".to_owned()] }
    }

    fn open(directory: &Path) -> (Journal, Vec<TakenOrder>) {
        Journal::open(directory, |orders| orders).unwrap()
    }

    /// The bytes of two orders, and where the second begins.
    fn two_orders(directory: &Path) -> (Vec<u8>, usize) {
        let (journal, before) = open(directory);
        assert!(before.is_empty());
        journal.append(&order(1)).unwrap();
        journal.append(&order(2)).unwrap();
        let whole = std::fs::read(path_in(directory)).unwrap();
        let second = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        (whole, second)
    }

    #[test]
    fn orders_are_found_again_and_a_torn_line_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let (whole, second) = two_orders(directory.path());
        for length in 0..=whole.len() {
            let lines = usize::from(length >= second) + usize::from(length == whole.len());
            let orders = [order(1), order(2)][..lines].to_vec();
            assert_eq!(Taken::of(&whole[..length]), Taken { orders, is_damaged: false }, "{length}");
        }
        std::fs::write(path_in(directory.path()), &whole[..second + 5]).unwrap();
        let (journal, before) = open(directory.path());
        assert_eq!(before, [order(1)]);
        journal.append(&order(3)).unwrap();
        assert_eq!(open(directory.path()).1, [order(1), order(3)], "what is torn does not hide what comes later");
    }

    #[test]
    fn what_a_failed_write_left_does_not_hide_what_comes_later() {
        let directory = tempfile::tempdir().unwrap();
        let (whole, second) = two_orders(directory.path());
        let (journal, _) = open(directory.path());
        let left = [&whole[..], &whole[second..second + 30]].concat();
        std::fs::write(path_in(directory.path()), left).unwrap();
        journal.append(&order(3)).unwrap();
        let orders = vec![order(1), order(2), order(3)];
        assert_eq!(read(&path_in(directory.path())).unwrap(), Taken { orders, is_damaged: false });
    }

    #[test]
    fn an_order_that_was_acknowledged_and_cannot_be_read_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let (whole, second) = two_orders(directory.path());
        assert!(!is_damaged(directory.path()).unwrap());
        for at in 0..whole.len() - 1 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            let taken = Taken::of(&damaged);
            assert!(taken.is_damaged, "byte {at}");
            let other = if at == second - 1 { vec![] } else { vec![order(if at < second { 2 } else { 1 })] };
            assert_eq!(taken.orders, other, "byte {at}");
        }
    }

    #[test]
    fn a_journal_that_another_process_keeps_is_not_written_until_it_is_taken_back() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, _) = open(directory.path());
        journal.append(&order(1)).unwrap();
        journal.leave();
        let (other, before) = open(directory.path());
        other.append(&order(2)).unwrap();
        journal.append(&order(2)).unwrap();
        assert_eq!((before, open(directory.path()).1), (vec![order(1)], vec![order(1), order(2)]));
        drop(other);
        journal.take_back().unwrap();
        journal.append(&order(3)).unwrap();
        assert_eq!(open(directory.path()).1, [order(1), order(2), order(3)]);
    }

    #[test]
    fn a_file_that_has_grown_is_written_anew_with_what_is_needed() {
        let directory = tempfile::tempdir().unwrap();
        let newest = |orders: Vec<TakenOrder>| orders.into_iter().rev().take(1).collect();
        let (journal, _) = Journal::open(directory.path(), newest).unwrap();
        let length = || path_in(directory.path()).metadata().unwrap().len();
        journal.append(&order(1)).unwrap();
        let line = length();
        journal.open.lock().as_mut().unwrap().most = 3 * line;
        [2, 3].iter().for_each(|sequence| journal.append(&order(*sequence)).unwrap());
        assert_eq!(length(), 3 * line);
        [4, 5].iter().for_each(|sequence| journal.append(&order(*sequence)).unwrap());
        assert_eq!(read(&path_in(directory.path())).unwrap().orders, [order(4), order(5)]);
    }
}
