//! Records of one worker until there are enough of them to hand to the segment writer.

use std::sync::Arc;

use ahash::AHashMap;
use edgeward_cache::Timestamp;
use parking_lot::Mutex;

use super::gzip::MEMBER;
use super::record::Prepared;
use super::segments::{LogBatch, SegmentSender};

/// Records are handed over when those of a distribution take this many bytes, which are compressed where they are; a quiet
/// worker is emptied by the edge's housekeeping once a second.
const FULL: usize = MEMBER;

/// Under which name records are kept that belong to no distribution.
const UNROUTED: &str = "unrouted";

/// One worker's records. Only this worker writes; housekeeping takes what is there.
pub(crate) struct LogBuffer {
    sender: Option<SegmentSender>,
    unrouted: Arc<str>,
    records: Mutex<Records>,
}

#[derive(Default)]
struct Records {
    by_distribution: AHashMap<Arc<str>, Vec<u8>>,
    prepared: Prepared,
}

impl LogBuffer {
    /// Without a `sender` nothing is recorded.
    pub(crate) fn new(sender: Option<SegmentSender>) -> LogBuffer {
        LogBuffer { sender, unrouted: UNROUTED.into(), records: Mutex::default() }
    }

    /// Has `write` append one record to those of `distribution`.
    pub(crate) fn append(
        &self,
        distribution: Option<&Arc<str>>,
        now: Timestamp,
        write: impl FnOnce(&mut Prepared, &mut Vec<u8>),
    ) {
        let Some(sender) = &self.sender else { return };
        let distribution = distribution.unwrap_or(&self.unrouted);
        let mut guard = self.records.lock();
        let Records { by_distribution, prepared } = &mut *guard;
        let lines = match by_distribution.get_mut(distribution) {
            Some(lines) => lines,
            None => by_distribution.entry(Arc::clone(distribution)).or_default(),
        };
        write(prepared, lines);
        if lines.len() >= FULL {
            let full = std::mem::replace(lines, Vec::with_capacity(FULL + FULL / 8));
            sender.send(LogBatch { distribution: Arc::clone(distribution), records: full, time: now.secs() });
        }
    }

    /// Hands everything over.
    pub(crate) fn hand_over(&self, now: Timestamp) {
        let Some(sender) = &self.sender else { return };
        // Bound first: a lock taken in the head of the loop would be held to its end.
        let gathered = std::mem::take(&mut self.records.lock().by_distribution);
        for (distribution, records) in gathered {
            if !records.is_empty() {
                sender.send(LogBatch { distribution, records, time: now.secs() });
            }
        }
    }
}
