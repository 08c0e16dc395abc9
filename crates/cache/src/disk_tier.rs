//! The disk tier as the cache uses it: stored responses in and out of records, chunks in and out of contents.
//!
//! Everything stored is written once, when it is stored; what is read back goes through memory. Invariant: a response from
//! disk is tested against the same invalidations as one that never left memory, those of earlier processes included.

mod listing;

use std::sync::Arc;

use bytes::Bytes;

use crate::chunks::{Chunk, Chunks, ContentId, Delivery, NotKept, Pending, UnreadChunk};
use crate::invalidation::{Generation, Invalidations};
use crate::key::CacheKey;
use crate::record::{Record, RecordedContent, Validity};
use crate::store::{DiskChunk, DiskRecord, DiskStore};
use crate::stored::{Body, Chunked, StoredResponse};
use crate::time::Timestamp;

pub(crate) use listing::list;

/// Orders `response` to be written. A full queue or a failing disk costs a copy on disk, which is counted there.
pub(crate) fn put(disk: &DiskStore, key: &CacheKey, response: &StoredResponse) {
    let (recorded, content) = match &response.body {
        Body::Whole(bytes) => (RecordedContent::Beside, bytes.clone()),
        Body::Chunked(Chunked { chunks, length }) => {
            (RecordedContent::Chunks { id: chunks.id().0, length: *length }, Bytes::new())
        }
    };
    let record = Record {
        distribution: response.generation.distribution().to_owned(),
        head: response.head.clone(),
        freshness: response.freshness,
        validity: Validity {
            tested: response.generation.tested(),
            target: response.generation.target().to_owned(),
            tags: response.generation.tags().map(|tags| tags.to_vec()),
        },
        content: recorded,
    };
    let slot = response.head.variant.number();
    let (key, meta) = (Bytes::copy_from_slice(key.bytes()), record.encode().into());
    let _dropped_and_counted = disk.put(DiskRecord { key, slot, meta, content });
}

/// The response in a record; `None` where another version wrote it.
pub(crate) fn restore(
    disk: &Arc<DiskStore>,
    record: DiskRecord,
    invalidations: &Invalidations,
) -> Option<StoredResponse> {
    let Record { distribution, head, freshness, validity, content } = Record::decode(&record.meta)?;
    let Validity { tested, target, tags } = validity;
    let generation = Generation::restored(invalidations.log(&distribution), tested, &target, tags);
    let body = match content {
        RecordedContent::Beside => Body::Whole(record.content),
        RecordedContent::Chunks { id, length } => {
            let chunks = Arc::new(DiskChunks::new(Arc::clone(disk), ContentId(id)));
            Body::Chunked(Chunked { chunks, length })
        }
    };
    Some(StoredResponse { head, freshness, generation, body })
}

/// The chunks of one content on disk.
#[derive(Debug)]
pub(crate) struct DiskChunks {
    disk: Arc<DiskStore>,
    id: ContentId,
}

impl DiskChunks {
    pub(crate) fn new(disk: Arc<DiskStore>, id: ContentId) -> DiskChunks {
        DiskChunks { disk, id }
    }
}

impl Chunks for DiskChunks {
    fn id(&self) -> ContentId {
        self.id
    }

    fn find(&self, index: u32, delivery: Delivery, now: Timestamp) -> Chunk {
        let Some(chunk) = self.disk.chunk(self.id, index, now.secs()) else { return Chunk::Missing };
        if delivery == Delivery::Clear && !chunk.needs_check() {
            return Chunk::Here(chunk.mapped());
        }
        match chunk.read_now() {
            Some(Some(bytes)) => Chunk::Here(bytes),
            Some(None) => Chunk::Missing,
            None => Chunk::Unread(Box::new(chunk)),
        }
    }

    fn has(&self, index: u32) -> bool {
        self.disk.has_chunk(self.id, index)
    }

    fn keep(&self, index: u32, pieces: Vec<Bytes>) -> Pending<Result<(), NotKept>> {
        let (disk, id) = (Arc::clone(&self.disk), self.id);
        Box::pin(
            async move { if disk.has_chunk(id, index) { Ok(()) } else { disk.put_chunk(id, index, pieces).await } },
        )
    }

    fn bytes_in_memory(&self) -> usize {
        0
    }
}

impl UnreadChunk for DiskChunk {
    fn read(self: Box<Self>) -> Pending<Option<Bytes>> {
        Box::pin(async move { tokio::task::spawn_blocking(move || DiskChunk::read(&self)).await.ok().flatten() })
    }
}
