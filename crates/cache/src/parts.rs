//! Parts of stored contents that are being fetched: viewers of the same part share one origin request.
//!
//! Invariant: a part is announced until its feed ends, so that whoever misses a chunk either reads along or leads. Called
//! by `Cache`.

use std::sync::{Arc, Weak};

use ahash::AHashMap;
use parking_lot::Mutex;

use crate::arriving::{Arriving, Feed, Reader};
use crate::chunks::{ContentId, Delivery, index_of, start_of};
use crate::stored::Chunked;
use crate::time::Timestamp;

/// Chunks that one origin request fetches at most: 1 GiB of content. The rest is asked for when it is come to.
const LONGEST_RUN: u32 = 4096;

/// Which parts of which contents are arriving.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    announced: Mutex<AHashMap<ContentId, Vec<Weak<Arriving>>>>,
}

/// How a viewer of a missing chunk goes on.
#[derive(Debug)]
pub enum JoinedPart {
    /// It is arriving.
    Follower(Reader),
    /// It is to be fetched.
    Leader(PartFlight),
}

/// A part that is to be fetched.
#[derive(Debug)]
pub struct PartFlight {
    /// Position of its first byte.
    pub first: u64,
    /// The position after its last byte.
    pub end: u64,
    /// Takes its bytes.
    pub feed: Feed,
    /// Keeps it announced.
    pub announcement: Announcement,
}

/// A part that others may read along with, as long as this is held.
#[derive(Debug)]
pub struct Announcement {
    parts: Arc<Parts>,
    id: ContentId,
    content: Arc<Arriving>,
}

impl Parts {
    /// For the byte at `offset` of a content, of which bytes before `end` are wanted.
    pub(crate) fn join(
        self: &Arc<Parts>,
        content: &Chunked,
        offset: u64,
        end: u64,
        (delivery, now): (Delivery, Timestamp),
    ) -> JoinedPart {
        let id = content.chunks.id();
        let mut announced = self.announced.lock();
        let near = announced.get(&id).into_iter().flatten().filter_map(Weak::upgrade);
        if let Some(reader) = near.filter(|part| part.is_near(offset)).find_map(|part| part.reader(offset, delivery)) {
            return JoinedPart::Follower(reader);
        }
        let (first, end) = missing_run(content, offset, end);
        let (arriving, feed) = Arriving::begin_part(first, end, Some(Arc::clone(&content.chunks)), now);
        announced.entry(id).or_default().push(Arc::downgrade(&arriving));
        let announcement = Announcement { parts: Arc::clone(self), id, content: arriving };
        JoinedPart::Leader(PartFlight { first, end, feed, announcement })
    }

    /// Whether any part is arriving.
    pub(crate) fn are_arriving(&self) -> bool {
        !self.announced.lock().is_empty()
    }

    /// Announces a part that is arriving already.
    pub(crate) fn announce(self: &Arc<Parts>, id: ContentId, content: Arc<Arriving>) -> Announcement {
        self.announced.lock().entry(id).or_default().push(Arc::downgrade(&content));
        Announcement { parts: Arc::clone(self), id, content }
    }

    /// A reader of the byte at `offset`, if it is arriving.
    pub(crate) fn reader(&self, id: ContentId, offset: u64, delivery: Delivery) -> Option<Reader> {
        let announced = self.announced.lock();
        let near = announced.get(&id).into_iter().flatten().filter_map(Weak::upgrade);
        near.filter(|part| part.is_near(offset)).find_map(|part| part.reader(offset, delivery))
    }
}

/// The missing chunks from the one with the byte at `offset` on, up to one that is there, as positions of bytes.
fn missing_run(content: &Chunked, offset: u64, end: u64) -> (u64, u64) {
    let from = index_of(offset);
    let is_wanted = |index: &u32| start_of(*index) < end && !content.chunks.has(*index);
    let missing = (from.saturating_add(1)..from.saturating_add(LONGEST_RUN)).take_while(is_wanted).count();
    let after = start_of(from) + (missing as u64 + 1) * crate::chunks::CHUNK;
    (start_of(from), after.min(content.length))
}

impl Announcement {
    /// A reader of the part.
    pub fn reader(&self, offset: u64, delivery: Delivery) -> Option<Reader> {
        self.content.reader(offset, delivery)
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        let mut announced = self.parts.announced.lock();
        if let Some(parts) = announced.get_mut(&self.id) {
            parts.retain(|part| !std::ptr::eq(part.as_ptr(), Arc::as_ptr(&self.content)));
            if parts.is_empty() {
                announced.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::{JoinedPart, Parts, missing_run};
    use crate::chunks::{CHUNK, Chunks, ContentId, Delivery, MemoryChunks};
    use crate::stored::Chunked;
    use crate::time::Timestamp;

    const WHEN: (Delivery, Timestamp) = (Delivery::Clear, Timestamp::from_secs(0));

    async fn content(chunks: u64, kept: &[u32]) -> Chunked {
        let home = MemoryChunks::new(ContentId(1), usize::MAX, None);
        for index in kept {
            home.keep(*index, vec![Bytes::from(vec![0; CHUNK as usize])]).await.unwrap();
        }
        Chunked { chunks: Arc::new(home), length: chunks * CHUNK - 7 }
    }

    #[tokio::test]
    async fn a_run_goes_to_the_next_chunk_that_is_there_or_to_what_is_wanted() {
        for (kept, offset, end, run) in [
            (&[][..], 0, 1, (0, 1)),
            (&[], CHUNK + 5, CHUNK + 6, (1, 2)),
            (&[], CHUNK - 1, CHUNK + 1, (0, 2)),
            (&[3], 5, u64::MAX, (0, 3)),
            (&[0, 3], 4 * CHUNK, u64::MAX, (4, 10)),
        ] {
            let (first, after) = missing_run(&content(10, kept).await, offset, end);
            let expected = (run.0 * CHUNK, (run.1 * CHUNK).min(10 * CHUNK - 7));
            assert_eq!((first, after), expected, "{kept:?} {offset} {end}");
        }
    }

    #[tokio::test]
    async fn the_first_who_misses_a_chunk_leads_until_the_part_has_come() {
        let (parts, content) = (Arc::new(Parts::default()), content(100, &[]).await);
        let JoinedPart::Leader(mut flight) = parts.join(&content, 0, CHUNK, WHEN) else { panic!("nobody leads") };
        assert!(matches!(parts.join(&content, 10, CHUNK, WHEN), JoinedPart::Follower(_)));
        let JoinedPart::Leader(far) = parts.join(&content, 50 * CHUNK, 51 * CHUNK, WHEN) else {
            panic!("a place far from all that arrives is fetched by itself")
        };
        drop(far);
        flight.feed.push(Bytes::from(vec![7; CHUNK as usize])).await;
        flight.feed.finish().await;
        drop(flight.announcement);
        assert!(parts.announced.lock().is_empty());
        assert!(content.chunks.has(0));
    }
}
