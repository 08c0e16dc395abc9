//! What a start makes of the files it finds.
//!
//! Sealed segments tell their records by their tables; one that was being written is read to the first record that is not
//! whole, and sealed there. Invariant: later records stand in the place of earlier ones, and a removal makes all before it
//! forgotten, as when they were written.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::io::Errno;

use super::frame::Kind;
use super::index::Place;
use super::segment::{self, Left, Row, Segment};
use super::shared::Shared;

/// The segments that were found, the oldest first, with the lengths of their files, and the number of the next one.
pub(super) struct Recovered {
    pub(super) sealed: VecDeque<(Arc<Segment>, u64)>,
    pub(super) next_number: u32,
}

/// Fills the index of `shared` from the files in its directory.
pub(super) fn recover(shared: &Shared) -> io::Result<Recovered> {
    let mut found = segments(shared)?;
    found.sort_unstable();
    let next_number = found.last().map_or(0, |(number, _)| number.saturating_add(1));
    let mut sealed = VecDeque::with_capacity(found.len());
    for (number, path) in found {
        match restore(shared, number, &path) {
            Ok(Some(segment)) => sealed.push_back(segment),
            Ok(None) => {}
            Err(error) if is_of_the_process(&error) => return Err(error),
            // A file that cannot be read is no reason not to start.
            Err(_unreadable) => set_aside(shared, &path),
        }
    }
    let bytes = sealed.iter().map(|(_, length)| length).sum();
    shared.bytes.store(bytes, Ordering::Relaxed);
    Ok(Recovered { sealed, next_number })
}

/// The number of the next segment, by the files that are there.
pub(super) fn next_number(shared: &Shared) -> io::Result<u32> {
    let numbers = segments(shared)?.into_iter().map(|(number, _)| number);
    Ok(numbers.max().map_or(0, |number| number.saturating_add(1)))
}

/// Removes every segment: it is no longer known what of them was invalidated.
pub(super) fn discard(shared: &Shared) -> io::Result<()> {
    for (_, path) in segments(shared)? {
        std::fs::remove_file(path)?;
        shared.counters.discarded_segments.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// The files of the log, by number.
fn segments(shared: &Shared) -> io::Result<Vec<(u32, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&shared.directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "segment") {
            match segment::number_of(&path) {
                Some(number) => found.push((number, path)),
                None => set_aside(shared, &path),
            }
        }
    }
    Ok(found)
}

/// Whether it says that this process may open or map no more files, and so nothing about the file.
fn is_of_the_process(error: &io::Error) -> bool {
    let of_the_process = [Errno::MFILE, Errno::NFILE, Errno::NOMEM].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| of_the_process.contains(&code))
}

fn restore(shared: &Shared, number: u32, path: &Path) -> io::Result<Option<(Arc<Segment>, u64)>> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let (rows, end) = match segment::inspect(&mut file)? {
        Left::Sealed(rows, end) => (rows, end),
        Left::Open(rows, end) => {
            // Nothing maps it yet: what is not whole can go.
            file.set_len(end)?;
            (rows, end)
        }
        Left::Foreign => {
            set_aside(shared, path);
            return Ok(None);
        }
    };
    if rows.is_empty() {
        std::fs::remove_file(path)?;
        return Ok(None);
    }
    let segment = Segment::open(path.to_owned(), number, end, &shared.files)?;
    let length = file.metadata()?.len();
    // Where the disk is full it stays without a table.
    let length = if length == end { segment::seal(&file, end, &rows).unwrap_or(end) } else { length };
    rows.iter().for_each(|row| replay(shared, number, row));
    Ok(Some((shared.add_segment(segment), length)))
}

fn replay(shared: &Shared, number: u32, row: &Row) {
    match row.name.kind {
        Kind::Removal => shared.index.drop_responses(row.name.hash),
        Kind::Response | Kind::Chunk => {
            shared.index.restore(&row.name, Place { segment: number, offset: row.offset }, row.size);
        }
    }
}

/// Out of the way of the log, for whoever wants to look at it.
fn set_aside(shared: &Shared, path: &Path) {
    let mut aside: PathBuf = path.to_owned();
    aside.set_extension("foreign");
    // If it cannot be renamed it is met again at the next start, and does no harm until then.
    let _renamed = std::fs::rename(path, aside);
    shared.counters.foreign_files.fetch_add(1, Ordering::Relaxed);
}
