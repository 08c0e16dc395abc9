//! A stored response: head, freshness, generation and content.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::chunks::Chunks;
use crate::invalidation::Generation;
use crate::stale::{Grace, StaleUse};
use crate::time::Timestamp;
use crate::variant::Variant;

/// Status and header fields as every viewer may see them: connection fields and unforwarded cookies are gone.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseHead {
    /// Status code.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// Set where this edge compressed the content.
    pub compressed: Option<Compressed>,
    /// Which of the requests with its key it answers.
    pub variant: Variant,
}

impl ResponseHead {
    /// A copy whose values lie in memory of their own. Those of a response that has just come are slices of what its
    /// connection read into, all of which they would keep.
    pub fn detached(&self) -> ResponseHead {
        let mut room = BytesMut::with_capacity(self.headers.values().map(HeaderValue::len).sum());
        let mut head = self.clone();
        head.headers.values_mut().for_each(|value| detach(value, &mut room));
        if let Some(etag) = head.compressed.as_mut().and_then(|compressed| compressed.origin_etag.as_mut()) {
            detach(etag, &mut BytesMut::with_capacity(etag.len()));
        }
        head
    }
}

fn detach(value: &mut HeaderValue, room: &mut BytesMut) {
    room.extend_from_slice(value.as_bytes());
    // What was a value before is one again.
    if let Ok(mut own) = HeaderValue::from_maybe_shared(room.split().freeze()) {
        own.set_sensitive(value.is_sensitive());
        *value = own;
    }
}

/// What is remembered of a response that the edge compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compressed {
    /// The entity tag as the origin sent it: the origin is asked with this one, viewers see a weak one.
    pub origin_etag: Option<HeaderValue>,
}

/// For how long a response is fresh (RFC 9111 section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// When it was received or last validated.
    pub since: Timestamp,
    /// Its age at that moment, in seconds.
    pub initial_age: u64,
    /// Freshness lifetime in seconds, counted from age 0.
    pub lifetime: u64,
    /// For how long it may be used after that.
    pub grace: Grace,
    /// Until when the origin, which failed, is not asked again.
    pub resting_until: Option<Timestamp>,
}

impl Freshness {
    /// RFC 9111 section 4.2.3, seconds.
    pub fn current_age(&self, now: Timestamp) -> u64 {
        self.initial_age.saturating_add(now.secs_since(self.since))
    }

    /// RFC 9111 section 4.2: the lifetime is greater than the current age.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.lifetime > self.current_age(now)
    }

    /// What it may be used for once it is no longer fresh.
    pub fn when_expired(&self, now: Timestamp) -> StaleUse {
        let overdue = self.current_age(now).saturating_sub(self.lifetime);
        self.grace.when(overdue, self.resting_until.is_some_and(|until| now < until))
    }
}

/// A response as it answers hits. Its head is that of the whole representation, whatever parts of it are stored.
#[derive(Debug)]
pub struct StoredResponse {
    /// Status and header fields.
    pub head: ResponseHead,
    /// Until when it answers without asking the origin.
    pub freshness: Freshness,
    /// Which invalidations it has outlived.
    pub generation: Generation,
    /// Its content.
    pub body: Body,
}

impl StoredResponse {
    /// What it costs the store, in bytes, its key aside.
    pub(crate) fn size(&self) -> usize {
        const BOOKKEEPING: usize = 320;
        const FIELD: usize = 96;
        let fields: usize =
            self.head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD).sum();
        let tags = self.generation.tags().map_or(0, |tags| size_of_val(&**tags));
        BOOKKEEPING + fields + tags + self.head.variant.size() + self.body.bytes_in_memory()
    }
}

/// Content of a stored response; cheap to clone.
#[derive(Debug, Clone)]
pub enum Body {
    /// All of it in one piece.
    Whole(Bytes),
    /// In chunks, of which some may be missing.
    Chunked(Chunked),
}

/// Content in chunks.
#[derive(Debug, Clone)]
pub struct Chunked {
    /// Where they are.
    pub chunks: Arc<dyn Chunks>,
    /// Of the whole content, in bytes.
    pub length: u64,
}

impl Body {
    /// Content length in bytes.
    pub fn length(&self) -> u64 {
        match self {
            Body::Whole(bytes) => bytes.len() as u64,
            Body::Chunked(chunked) => chunked.length,
        }
    }

    /// What it takes in memory, in bytes.
    pub(crate) fn bytes_in_memory(&self) -> usize {
        match self {
            Body::Whole(bytes) => bytes.len(),
            Body::Chunked(chunked) => chunked.chunks.bytes_in_memory(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::{Compressed, ResponseHead};
    use crate::variant::Variant;

    #[test]
    fn a_detached_head_is_equal_and_keeps_nothing_of_what_it_came_in() {
        let received = Bytes::from(vec![b'x'; 8192]);
        let slice = |range| HeaderValue::from_maybe_shared(received.slice(range)).unwrap();
        let mut headers = HeaderMap::new();
        for (name, range) in [(header::SET_COOKIE, 0..10), (header::VIA, 10..11), (header::SET_COOKIE, 20..90)] {
            headers.append(name, slice(range));
        }
        headers.insert(header::SERVER, HeaderValue::from_static(""));
        headers.get_mut(header::VIA).unwrap().set_sensitive(true);
        let compressed = Some(Compressed { origin_etag: Some(slice(100..150)) });
        let head = ResponseHead { status: StatusCode::OK, headers, compressed, variant: Variant::default() };
        let detached = head.detached();
        assert_eq!(detached, head);
        assert!(detached.headers[header::VIA].is_sensitive());
        drop(head);
        assert!(received.is_unique());
    }
}
