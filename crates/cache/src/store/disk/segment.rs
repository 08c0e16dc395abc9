//! One file of the log: records one after the other, and at its end, once it is sealed, a table of them.
//!
//! Invariant: bytes that were written are not written again, and the file gets no shorter while it is mapped. A segment
//! goes away by losing its name: whoever still sends from it holds it.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use edgeward_mapped::{MappedFile, MappedFiles};
use rustix::io::ReadWriteFlags;
use xxhash_rust::xxh3::xxh3_64;

use super::frame::{Head, Kind, LONGEST, Name, gap};

/// What a segment begins with: the format and its version.
const OPENING: &[u8; 16] = b"edgeward-log 1\n\0";
const CLOSING: &[u8; 8] = b"sealed 1";
/// Bytes of a row in the table.
const ROW: usize = 40;
/// Bytes after the table: number of rows, checksum of the table, `CLOSING`.
const TRAILER: usize = 24;

/// A file of the log.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u32,
    path: PathBuf,
    file: Arc<MappedFile>,
}

/// A row of the table: a record and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: Name,
    pub(super) offset: u32,
    pub(super) size: u32,
}

/// Where the first record of a segment begins.
pub(super) const FIRST: u64 = OPENING.len() as u64;

impl Segment {
    /// A new file, empty but for its opening. `length` is how long its records may become.
    pub(super) fn create(directory: &Path, number: u32, length: u64, files: &MappedFiles) -> io::Result<Segment> {
        let path = path_of(directory, number);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        let created = file.write_all_at(OPENING, 0).and_then(|()| Self::of(path.clone(), number, file, length, files));
        if created.is_err() {
            let _the_first_error_counts = std::fs::remove_file(&path);
        }
        created
    }

    /// A file of an earlier process, whose records end before `length`.
    pub(super) fn open(path: PathBuf, number: u32, length: u64, files: &MappedFiles) -> io::Result<Segment> {
        let file = File::open(&path)?;
        Self::of(path, number, file, length, files)
    }

    fn of(path: PathBuf, number: u32, file: File, length: u64, files: &MappedFiles) -> io::Result<Segment> {
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
        Ok(Segment { number, path, file: files.map(file, length)? })
    }

    /// Writes `pieces` one after the other from `offset` on.
    pub(super) fn write(&self, offset: u64, pieces: &[&[u8]]) -> io::Result<()> {
        write(self.file.file(), offset, pieces)
    }

    /// Reads into all of `buffer`. May wait for the disk.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.file().read_exact_at(buffer, offset)
    }

    /// Reads into all of `buffer` if that takes no wait for the disk.
    pub(super) fn read_now(&self, buffer: &mut [u8], offset: u64) -> bool {
        let length = buffer.len();
        let mut slices = [io::IoSliceMut::new(buffer)];
        let read = rustix::io::preadv2(self.file.file(), &mut slices, offset, ReadWriteFlags::NOWAIT);
        read.is_ok_and(|read| read == length)
    }

    /// What lies at an offset, to be sent as it is.
    pub(super) fn mapped(&self, offset: u64, length: usize) -> Bytes {
        let start = offset as usize;
        self.file.bytes(start..start + length)
    }

    /// Writes the table of its records behind them. Nothing is added afterwards. Returns the length of the file.
    pub(super) fn seal(&self, end: u64, rows: &[Row]) -> io::Result<u64> {
        seal(self.file.file(), end, rows)
    }

    /// The table of a sealed segment.
    pub(super) fn rows(&self) -> io::Result<Vec<Row>> {
        read_table(self.file.file()).map(|table| table.map(|(rows, _)| rows).unwrap_or_default())
    }

    /// Takes its name away, if nobody has yet; what is being sent from it is not disturbed.
    pub(super) fn unlink(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }
}

fn write(file: &File, offset: u64, pieces: &[&[u8]]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let (mut rest, mut offset) = (slices.as_mut_slice(), offset);
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match rustix::io::pwritev(file, rest, offset)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => {
                IoSlice::advance_slices(&mut rest, written);
                offset += written as u64;
            }
        }
    }
    Ok(())
}

/// Writes the table of a segment whose records end at `end`. Returns the length of the file.
pub(super) fn seal(file: &File, end: u64, rows: &[Row]) -> io::Result<u64> {
    let table: Vec<u8> = rows.iter().flat_map(Row::write).collect();
    let mut trailer = Vec::with_capacity(TRAILER);
    trailer.extend((rows.len() as u64).to_le_bytes());
    trailer.extend(xxh3_64(&table).to_le_bytes());
    trailer.extend(CLOSING);
    write(file, end, &[&table, &trailer])?;
    Ok(end + (table.len() + trailer.len()) as u64)
}

/// Bytes of the table of so many records, and of what comes after it.
pub(super) fn table_length(rows: usize) -> u64 {
    (rows * ROW + TRAILER) as u64
}

impl Row {
    fn write(&self) -> Vec<u8> {
        let Name { kind, hash, tag, index } = self.name;
        let mut out = Vec::with_capacity(ROW);
        out.extend([hash, tag].iter().flat_map(|number| number.to_le_bytes()));
        out.extend([kind.code(), index, self.offset, self.size].iter().flat_map(|number| number.to_le_bytes()));
        out.resize(ROW, 0);
        out
    }

    fn parse(bytes: &[u8]) -> Option<Row> {
        let short = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let long = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let name = Name { hash: long(0)?, tag: long(8)?, kind: Kind::of(short(16)?)?, index: short(20)? };
        Some(Row { name, offset: short(24)?, size: short(28)? })
    }

    /// Whether it can be that of a record before `end`.
    fn is_possible(&self, end: u64) -> bool {
        let (offset, size) = (u64::from(self.offset), u64::from(self.size));
        (gap(self.name.kind, offset)..=LONGEST).contains(&size) && offset + size <= end
    }
}

pub(super) fn path_of(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("{number:010}.segment"))
}

/// The number in the name of a segment's file.
pub(super) fn number_of(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(".segment").filter(|digits| digits.len() == 10)?.parse().ok()
}

/// What an earlier process left in a file.
#[derive(Debug)]
pub(super) enum Left {
    /// Its records, and where they end.
    Sealed(Vec<Row>, u64),
    /// It was being written: the records that are whole, and where they end.
    Open(Vec<Row>, u64),
    /// It is not a segment of this format.
    Foreign,
}

/// Reads what was left in `file`.
pub(super) fn inspect(file: &mut File) -> io::Result<Left> {
    let mut opening = [0; OPENING.len()];
    if file.read_exact_at(&mut opening, 0).is_err() || opening != *OPENING {
        return Ok(Left::Foreign);
    }
    match read_table(file)? {
        Some((rows, end)) => Ok(Left::Sealed(rows, end)),
        None => {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0))?;
            // Places are 32 bits long; no segment comes near that.
            file.take(u32::MAX.into()).read_to_end(&mut bytes)?;
            let (rows, end) = scan(&bytes);
            Ok(Left::Open(rows, end))
        }
    }
}

/// The table and where it begins; `None` when there is none that can be trusted.
fn read_table(file: &File) -> io::Result<Option<(Vec<Row>, u64)>> {
    let length = file.metadata()?.len();
    let Some(trailer_at) = length.checked_sub(TRAILER as u64) else { return Ok(None) };
    let mut trailer = [0; TRAILER];
    file.read_exact_at(&mut trailer, trailer_at)?;
    let (count, rest) = trailer.split_at(8);
    let (checksum, closing) = rest.split_at(8);
    let count = count.try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
    let table_at = count.checked_mul(ROW as u64).and_then(|table| trailer_at.checked_sub(table));
    let (true, Some(table_at)) = (closing == CLOSING, table_at) else { return Ok(None) };
    let mut table = vec![0; (trailer_at - table_at) as usize];
    file.read_exact_at(&mut table, table_at)?;
    if xxh3_64(&table).to_le_bytes() != checksum {
        return Ok(None);
    }
    let row = |bytes| Row::parse(bytes).filter(|row| row.is_possible(table_at));
    Ok(table.chunks_exact(ROW).map(row).collect::<Option<Vec<Row>>>().map(|rows| (rows, table_at)))
}

/// The records from the beginning to the first that is not whole.
fn scan(bytes: &[u8]) -> (Vec<Row>, u64) {
    let (mut rows, mut offset) = (Vec::new(), FIRST);
    while let Some((head, size)) = whole_record(bytes, offset) {
        rows.push(Row { name: head.name, offset: offset as u32, size: size as u32 });
        offset = (offset + size).next_multiple_of(super::frame::ALIGNMENT);
    }
    (rows, offset.min(bytes.len() as u64))
}

fn whole_record(bytes: &[u8], offset: u64) -> Option<(Head, u64)> {
    let record = bytes.get(usize::try_from(offset).ok()?..)?;
    let head = Head::parse(record)?;
    let (gap, size) = (head.gap(offset) as usize, head.size(offset));
    let payload = record.get(gap..usize::try_from(size).ok()?)?;
    (super::frame::checksum([payload]) == head.checksum).then_some((head, size))
}
