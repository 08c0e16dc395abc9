//! The writer of access log segments: one thread that compresses batches of records into one gzip file for each
//! distribution.
//!
//! Invariants: a file has its final name only when it is complete, and never holds records of two hours; a sender never
//! waits, a full queue costs the batch; an I/O error costs the segment it struck, is counted, and the next batch begins
//! anew. Time comes with the batches and ticks, so tests and the manual clock need no real time. A crash loses the
//! segments still open.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

use edgeward_http_rules::date::UtcTime;
use thiserror::Error;

use super::gzip::{GzipCompressor, GzipFile};

/// Where and how segments are written.
#[derive(Debug, Clone)]
pub(crate) struct LogSettings {
    /// The folder of the segments, created with mode 0700 when it is missing.
    pub(crate) directory: PathBuf,
    /// Age in seconds at which a segment is finished.
    pub(crate) segment_seconds: u64,
    /// Bytes of records, before compression, at which a segment is finished.
    pub(crate) segment_bytes: u64,
    /// The lines at the beginning of each segment.
    pub(crate) header: String,
}

/// Records of one distribution.
#[derive(Debug, Clone)]
pub(crate) struct LogBatch {
    /// The distribution's id.
    pub(crate) distribution: Arc<str>,
    /// Complete lines, each ended by a line feed.
    pub(crate) records: Vec<u8>,
    /// When the last of them was made, in Unix seconds.
    pub(crate) time: u64,
}

/// What happened to the log since the start.
#[derive(Debug, Default)]
pub(crate) struct LogCounters {
    /// Records lost because the queue was full or the disk failed.
    pub(crate) dropped_records: AtomicU64,
    /// Failed attempts to create, write or finish a segment.
    pub(crate) io_errors: AtomicU64,
    /// Segments that have their final name.
    pub(crate) finished_segments: AtomicU64,
}

impl LogCounters {
    fn drop_records(&self, records: u64) {
        self.dropped_records.fetch_add(records, Ordering::Relaxed);
    }
}

/// The writer was stopped before.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the access log writer has stopped; restart the edge to log again")]
pub(crate) struct WriterStopped;

/// The way of records to the writer. Cheap to clone; every worker has its own.
#[derive(Debug, Clone)]
pub(crate) struct SegmentSender {
    queue: SyncSender<Message>,
    counters: Arc<LogCounters>,
}

impl SegmentSender {
    /// Hands over a batch without waiting. When the queue is full or the writer has stopped, its records are counted as
    /// dropped.
    pub(crate) fn send(&self, batch: LogBatch) {
        let refused = match self.queue.try_send(Message::Batch(batch)) {
            Ok(()) => return,
            Err(mpsc::TrySendError::Full(message) | mpsc::TrySendError::Disconnected(message)) => message,
        };
        if let Message::Batch(batch) = refused {
            self.counters.drop_records(count_records(&batch.records));
        }
    }

    /// Tells the time in Unix seconds, so that segments without new records are finished too. Never waits; a tick lost
    /// to a full queue does not matter, because the queue is full of batches with later times.
    pub(crate) fn tick(&self, now: u64) {
        drop(self.queue.try_send(Message::Tick(now)));
    }

    /// Finishes all segments of records sent before, and returns when they have their final names.
    ///
    /// # Errors
    /// [`WriterStopped`] when there is no writer any more.
    pub(crate) fn flush(&self) -> Result<(), WriterStopped> {
        let (finished, answer) = mpsc::sync_channel(1);
        self.queue.send(Message::Flush(finished)).map_err(|_| WriterStopped)?;
        answer.recv().map_err(|_| WriterStopped)
    }

    /// The counters, for the edge's status.
    pub(crate) fn counters(&self) -> &LogCounters {
        &self.counters
    }
}

/// The running writer. Dropping it leaves the thread to end when the last sender is gone; `stop` ends it now.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    sender: SegmentSender,
    thread: JoinHandle<()>,
}

impl SegmentWriter {
    /// Creates the directory and starts the thread.
    ///
    /// # Errors
    /// When the directory cannot be created or the thread not be started.
    pub(crate) fn start(settings: LogSettings) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&settings.directory)?;
        let (queue, messages) = mpsc::sync_channel(QUEUED_BATCHES);
        let counters = Arc::new(LogCounters::default());
        let segments = Segments::new(settings, Arc::clone(&counters));
        let thread = thread::Builder::new().name("access-log".to_owned()).spawn(move || segments.run(&messages))?;
        Ok(Self { sender: SegmentSender { queue, counters }, thread })
    }

    /// A sender to this writer.
    pub(crate) fn sender(&self) -> SegmentSender {
        self.sender.clone()
    }

    /// Finishes all segments and ends the thread. Batches that come later are counted as dropped.
    pub(crate) fn stop(self) {
        if self.sender.queue.send(Message::Stop).is_ok() {
            // The thread's only other end is a panic, which has already written its message to standard error.
            drop(self.thread.join());
        }
    }
}

#[derive(Debug)]
enum Message {
    Batch(LogBatch),
    Tick(u64),
    Flush(SyncSender<()>),
    Stop,
}

/// The open segments. Lives in the writer's thread.
struct Segments {
    settings: LogSettings,
    counters: Arc<LogCounters>,
    open: HashMap<Arc<str>, Segment>,
    compressor: GzipCompressor,
    now: u64,
    batches: u64,
    is_failing: bool,
}

impl Segments {
    fn new(settings: LogSettings, counters: Arc<LogCounters>) -> Self {
        Self {
            settings,
            counters,
            open: HashMap::new(),
            compressor: GzipCompressor::new(),
            now: 0,
            batches: 0,
            is_failing: false,
        }
    }

    fn run(mut self, messages: &Receiver<Message>) {
        for message in messages {
            match message {
                Message::Batch(batch) => self.write(&batch),
                Message::Tick(now) => self.advance(now),
                Message::Flush(finished) => {
                    self.finish_all(|_| true);
                    // Who asked may have given up waiting.
                    let _ = finished.send(());
                }
                Message::Stop => break,
            }
        }
        self.write_rest(messages);
        self.finish_all(|_| true);
    }

    /// Batches that were accepted after the order to stop.
    fn write_rest(&mut self, messages: &Receiver<Message>) {
        for message in messages.try_iter().take(QUEUED_BATCHES) {
            if let Message::Batch(batch) = message {
                self.write(&batch);
            }
        }
    }

    fn write(&mut self, batch: &LogBatch) {
        self.advance(batch.time);
        if let Err(error) = self.append(batch) {
            let written = self.open.remove(&batch.distribution).map_or(0, Segment::discard);
            self.count_failure(&error, written + count_records(&batch.records));
        }
    }

    fn append(&mut self, batch: &LogBatch) -> io::Result<()> {
        self.batches += 1;
        self.open_segment(&batch.distribution)?;
        let segment = self.open.get_mut(&batch.distribution).ok_or(io::ErrorKind::NotFound)?;
        segment.file.append(&batch.records, &mut self.compressor)?;
        segment.last_batch = self.batches;
        segment.bytes += batch.records.len() as u64;
        segment.records += count_records(&batch.records);
        if segment.bytes >= self.settings.segment_bytes {
            self.finish(&batch.distribution);
        }
        Ok(())
    }

    fn open_segment(&mut self, distribution: &Arc<str>) -> io::Result<()> {
        if !self.open.contains_key(distribution) {
            self.make_room();
            let segment = Segment::create(&self.settings, distribution, self.now, &mut self.compressor)?;
            self.open.insert(Arc::clone(distribution), segment);
        }
        Ok(())
    }

    /// Finishes the segment that was idle longest when there are as many as may be open.
    fn make_room(&mut self) {
        if self.open.len() >= OPEN_SEGMENTS {
            let idle = self.open.iter().min_by_key(|(_, segment)| segment.last_batch).map(|(id, _)| Arc::clone(id));
            idle.into_iter().for_each(|distribution| self.finish(&distribution));
        }
    }

    /// Time only moves forward here; a late batch belongs to the segment that is open.
    fn advance(&mut self, now: u64) {
        if now > self.now {
            self.now = now;
            let limit = self.settings.segment_seconds;
            self.finish_all(|segment| now - segment.opened >= limit || now / 3600 != segment.opened / 3600);
        }
    }

    fn finish_all(&mut self, is_due: impl Fn(&Segment) -> bool) {
        let due: Vec<_> =
            self.open.iter().filter(|(_, segment)| is_due(segment)).map(|(id, _)| Arc::clone(id)).collect();
        due.iter().for_each(|distribution| self.finish(distribution));
    }

    fn finish(&mut self, distribution: &Arc<str>) {
        let Some(segment) = self.open.remove(distribution) else { return };
        let records = segment.records;
        match segment.finish(&mut self.compressor) {
            Ok(()) => {
                self.is_failing = false;
                self.counters.finished_segments.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => self.count_failure(&error, records),
        }
    }

    /// Counts every failure and tells the operator of the first in a row.
    fn count_failure(&mut self, error: &io::Error, lost_records: u64) {
        self.counters.io_errors.fetch_add(1, Ordering::Relaxed);
        self.counters.drop_records(lost_records);
        if !self.is_failing {
            let directory = self.settings.directory.display();
            eprintln!("access log: {error} in {directory}; records are lost until it can be written again");
        }
        self.is_failing = true;
    }
}

/// One file that is being written, under a hidden name.
struct Segment {
    file: GzipFile<File>,
    part: PathBuf,
    path: PathBuf,
    opened: u64,
    bytes: u64,
    records: u64,
    last_batch: u64,
}

impl Segment {
    fn create(
        settings: &LogSettings,
        distribution: &str,
        now: u64,
        compressor: &mut GzipCompressor,
    ) -> io::Result<Self> {
        let (file, part, path) = create_unique(&settings.directory, distribution, now)?;
        let mut file = GzipFile::new(file);
        file.append(settings.header.as_bytes(), compressor)?;
        Ok(Self { file, part, path, opened: now, bytes: 0, records: 0, last_batch: 0 })
    }

    fn finish(self, compressor: &mut GzipCompressor) -> io::Result<()> {
        let written = self.file.finish(compressor);
        let renamed = written.and_then(|_file| fs::rename(&self.part, &self.path));
        if renamed.is_err() {
            remove(&self.part);
        }
        renamed
    }

    /// Removes the file; returns the number of records it held.
    fn discard(self) -> u64 {
        drop(self.file);
        remove(&self.part);
        self.records
    }
}

/// Creates `.<name>.part`, for a name `<distribution>.YYYY-MM-DD-HH.<8 hex digits>.gz` that neither has been given
/// away.
fn create_unique(directory: &Path, distribution: &str, now: u64) -> io::Result<(File, PathBuf, PathBuf)> {
    let UtcTime { year, month, day, hour, .. } = UtcTime::from_unix_seconds(now);
    if !is_id(distribution) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a distribution's id is not letters and digits"));
    }
    for _ in 0..NAME_DRAWS {
        let name = format!("{distribution}.{year:04}-{month:02}-{day:02}-{hour:02}.{:08x}.gz", fastrand::u32(..));
        let (part, path) = (directory.join(format!(".{name}.part")), directory.join(name));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part) {
            Ok(file) if !path.exists() => return Ok((file, part, path)),
            Ok(_taken) => remove(&part),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A distribution's id becomes part of a file name.
fn is_id(distribution: &str) -> bool {
    !distribution.is_empty() && distribution.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Of a file that is of no use: that it cannot be removed either is part of the failure already counted.
fn remove(part: &Path) {
    drop(fs::remove_file(part));
}

fn count_records(records: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', records).count() as u64
}

/// Bounds the records that wait: 32 MB in batches of 128 KiB.
const QUEUED_BATCHES: usize = 256;
/// With the text they gather, at most about 100 MB when all segments are open.
const OPEN_SEGMENTS: usize = 512;
const NAME_DRAWS: usize = 16;

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    use flate2::read::MultiGzDecoder;

    use super::*;

    /// 2023-11-14 22:00:00 UTC
    const HOUR: u64 = 1_699_999_200;
    const HEADER: &str = "#Fields: a\n";

    /// A folder for one test, removed with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            Self(std::env::temp_dir().join(format!("edgeward-segments-{:016x}", fastrand::u64(..))))
        }

        fn names(&self) -> Vec<String> {
            let mut names: Vec<_> =
                fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }

        fn text(&self, name: &str) -> String {
            let mut text = String::new();
            MultiGzDecoder::new(File::open(self.0.join(name)).unwrap()).read_to_string(&mut text).unwrap();
            text
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn start(folder: &Folder) -> (SegmentWriter, SegmentSender) {
        let directory = folder.0.join("");
        let writer = SegmentWriter::start(LogSettings {
            directory,
            segment_seconds: 60,
            segment_bytes: 1000,
            header: HEADER.to_owned(),
        })
        .unwrap();
        let sender = writer.sender();
        (writer, sender)
    }

    fn batch(distribution: &str, records: &str, time: u64) -> LogBatch {
        LogBatch { distribution: distribution.into(), records: records.into(), time }
    }

    fn counts(sender: &SegmentSender) -> (u64, u64, u64) {
        let LogCounters { dropped_records, io_errors, finished_segments } = sender.counters();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(dropped_records), read(io_errors), read(finished_segments))
    }

    #[test]
    fn a_segment_is_a_private_gzip_file_with_a_header_named_after_distribution_and_hour() {
        let folder = Folder::new();
        let (writer, sender) = start(&folder);
        sender.send(batch("E1", "a\nb\n", HOUR));
        sender.send(batch("E1", "c\n", HOUR + 59));
        sender.flush().unwrap();
        let names = folder.names();
        let [name] = names.as_slice() else { panic!("{names:?}") };
        let unique = name.strip_prefix("E1.2023-11-14-22.").and_then(|rest| rest.strip_suffix(".gz")).unwrap();
        assert!(unique.len() == 8 && unique.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
        assert_eq!(folder.text(name), format!("{HEADER}a\nb\nc\n"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder.0), mode(&folder.0.join(name))), (0o700, 0o600));
        writer.stop();
        assert_eq!(counts(&sender), (0, 0, 1));
    }

    #[test]
    fn a_segment_is_finished_by_age_and_at_the_turn_of_the_hour() {
        for (opened, now, is_finished) in [
            (HOUR, HOUR + 59, false),
            (HOUR, HOUR + 60, true),
            (HOUR + 3590, HOUR + 3599, false),
            (HOUR + 3590, HOUR + 3600, true),
            (HOUR, HOUR - 7200, false),
        ] {
            let folder = Folder::new();
            let mut segments = open_segments(&folder);
            segments.write(&batch("E1", "a\n", opened));
            segments.advance(now);
            let names = folder.names();
            let [name] = names.as_slice() else { panic!("{names:?}") };
            assert_eq!(name.ends_with(".gz") && name.starts_with("E1."), is_finished, "{now} {name}");
            assert_eq!(name.ends_with(".gz.part") && name.starts_with(".E1."), !is_finished, "{now} {name}");
        }
    }

    #[test]
    fn a_segment_is_finished_by_size_and_each_distribution_has_its_own() {
        let folder = Folder::new();
        let mut segments = open_segments(&folder);
        segments.write(&batch("E1", &"a\n".repeat(499), HOUR));
        segments.write(&batch("E2", "b\n", HOUR));
        assert_eq!(segments.open.len(), 2);
        segments.write(&batch("E1", "a\n", HOUR));
        assert!(segments.open.len() == 1 && segments.open.contains_key("E2"));
    }

    #[test]
    fn ticks_and_stop_finish_segments_without_new_records() {
        let folder = Folder::new();
        let (writer, sender) = start(&folder);
        sender.send(batch("E1", "a\n", HOUR));
        sender.tick(HOUR + 60);
        sender.send(batch("E2", "b\n", HOUR + 60));
        writer.stop();
        assert_eq!(counts(&sender), (0, 0, 2));
        assert!(folder.names().iter().all(|name| name.ends_with(".gz")));
    }

    #[test]
    fn no_more_than_512_segments_are_open_and_the_idlest_makes_room() {
        let folder = Folder::new();
        let mut segments = open_segments(&folder);
        for number in (0..OPEN_SEGMENTS).chain([0]) {
            segments.write(&batch(&format!("E{number}"), "a\n", HOUR));
        }
        segments.write(&batch("ENEW", "a\n", HOUR));
        assert_eq!(segments.open.len(), OPEN_SEGMENTS);
        assert!(segments.open.contains_key("E0") && !segments.open.contains_key("E1"));
    }

    #[test]
    fn a_failing_disk_costs_the_records_it_struck_and_the_next_batch_begins_anew() {
        let folder = Folder::new();
        let (writer, sender) = start(&folder);
        sender.send(batch("E1", "a\nb\n", HOUR));
        sender.send(batch("../E2", "c\n", HOUR));
        sender.flush().unwrap();
        assert_eq!(counts(&sender), (1, 1, 1));
        fs::remove_dir_all(&folder.0).unwrap();
        sender.send(batch("E1", "d\ne\n", HOUR));
        sender.flush().unwrap();
        assert_eq!(counts(&sender), (3, 2, 1));
        fs::create_dir(&folder.0).unwrap();
        sender.send(batch("E1", "f\n", HOUR));
        writer.stop();
        assert_eq!(counts(&sender), (3, 2, 2));
        assert!(folder.text(&folder.names()[0]).ends_with("\nf\n"));
    }

    #[test]
    fn a_full_queue_and_a_stopped_writer_cost_the_batch_and_never_wait() {
        let (queue, messages) = mpsc::sync_channel(1);
        let sender = SegmentSender { queue, counters: Arc::default() };
        for _ in 0..3 {
            sender.send(batch("E1", "a\nb\n", HOUR));
        }
        assert_eq!(counts(&sender), (4, 0, 0));
        drop(messages);
        sender.send(batch("E1", "a\n", HOUR));
        assert_eq!(counts(&sender), (5, 0, 0));
        assert_eq!(sender.flush(), Err(WriterStopped));
    }

    fn open_segments(folder: &Folder) -> Segments {
        fs::create_dir(&folder.0).unwrap();
        let settings = LogSettings {
            directory: folder.0.clone(),
            segment_seconds: 60,
            segment_bytes: 1000,
            header: HEADER.to_owned(),
        };
        Segments::new(settings, Arc::default())
    }
}
