//! A stored response: head, freshness, generation and complete body.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::invalidation::Generation;
use crate::stale::{Grace, StaleUse};
use crate::time::Timestamp;
use crate::variant::Variant;

/// Chunks of a stored body are this long, but for the last.
const CHUNK: usize = 256 * 1024;

/// Status and header fields as every viewer may see them: connection fields and unforwarded cookies are gone.
#[derive(Debug, Clone)]
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

/// A complete response, as it answers hits.
#[derive(Debug)]
pub struct StoredResponse {
    /// Status and header fields.
    pub head: ResponseHead,
    /// Until when it answers without asking the origin.
    pub freshness: Freshness,
    /// Which invalidations it has outlived.
    pub generation: Generation,
    /// The whole content.
    pub body: Body,
}

impl StoredResponse {
    /// What it costs the store, in bytes, its key aside.
    pub(crate) fn size(&self) -> usize {
        const BOOKKEEPING: usize = 320;
        const FIELD: usize = 96;
        let fields: usize =
            self.head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD).sum();
        BOOKKEEPING + fields + self.head.variant.size() + self.body.len()
    }
}

/// Complete content in memory; cheap to clone.
#[derive(Debug, Clone)]
pub enum Body {
    /// All of it in one piece.
    Whole(Bytes),
    /// In chunks of 256 KiB.
    Chunks {
        /// In order.
        chunks: Arc<[Bytes]>,
        /// Sum of their lengths.
        len: usize,
    },
}

impl Body {
    /// Regroups the pieces that came from an origin.
    pub(crate) fn from_pieces(pieces: impl IntoIterator<Item = Bytes>) -> Body {
        let mut chunks = Vec::new();
        let mut open = BytesMut::new();
        for mut piece in pieces {
            while !piece.is_empty() {
                let taken = piece.split_to(piece.len().min(CHUNK - open.len()));
                open.extend_from_slice(&taken);
                if open.len() == CHUNK {
                    chunks.push(open.split().freeze());
                }
            }
        }
        if chunks.is_empty() {
            // A copy of exactly the right size: the buffer above may have grown to twice the content.
            return Body::Whole(Bytes::copy_from_slice(&open));
        }
        chunks.push(Bytes::copy_from_slice(&open));
        chunks.retain(|chunk| !chunk.is_empty());
        let len = chunks.iter().map(Bytes::len).sum();
        Body::Chunks { chunks: chunks.into(), len }
    }

    /// Content length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Body::Whole(bytes) => bytes.len(),
            Body::Chunks { len, .. } => *len,
        }
    }

    /// Whether there is no content.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pieces that make up `start..end` (clamped to the content), without copying.
    pub fn slice(&self, start: usize, end: usize) -> Vec<Bytes> {
        let mut offset = 0;
        let mut pieces = Vec::new();
        for chunk in self.chunks() {
            let from = start.saturating_sub(offset).min(chunk.len());
            let to = end.saturating_sub(offset).min(chunk.len());
            if from < to {
                pieces.push(chunk.slice(from..to));
            }
            offset += chunk.len();
        }
        pieces
    }

    fn chunks(&self) -> &[Bytes] {
        match self {
            Body::Whole(bytes) => std::slice::from_ref(bytes),
            Body::Chunks { chunks, .. } => chunks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, CHUNK};
    use bytes::Bytes;

    #[test]
    fn pieces_of_any_size_become_chunks_of_one_size() {
        let content: Vec<u8> = (0..CHUNK * 2 + 17).map(|n| (n % 251) as u8).collect();
        for piece in [1_000, CHUNK - 1, CHUNK, CHUNK + 1, content.len()] {
            let body = Body::from_pieces(content.chunks(piece).map(Bytes::copy_from_slice));
            assert_eq!(body.len(), content.len());
            let joined: Vec<u8> = body.slice(0, usize::MAX).concat();
            assert!(joined == content, "pieces of {piece}");
            assert_eq!(body.chunks()[0].len(), CHUNK);
        }
        assert!(matches!(Body::from_pieces([]), Body::Whole(bytes) if bytes.is_empty()));
    }

    #[test]
    fn a_slice_may_cross_chunks() {
        let body = Body::from_pieces([Bytes::from(vec![1; CHUNK]), Bytes::from(vec![2; 10])]);
        let slice = body.slice(CHUNK - 2, CHUNK + 3).concat();
        assert_eq!(slice, [1, 1, 2, 2, 2]);
        assert!(body.slice(5, 5).is_empty());
    }
}
