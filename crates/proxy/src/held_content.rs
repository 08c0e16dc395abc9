//! The beginning of a viewer's content, awaited before its origin is asked: a viewer who sends slowly, or gives up, occupies
//! no connection to an origin.
//!
//! Only content whose length is known is awaited: without one the viewer may want to hear from the origin first. Invariant:
//! what is held for all requests together stays below `most`, but for one piece of each request; where there is no room
//! content is passed on as it comes. Filled by `viewer_content`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};

/// What may be held, and what is.
#[derive(Debug)]
pub(crate) struct HoldingRoom {
    /// Bytes of one request.
    each: usize,
    /// Bytes of all of them.
    most: usize,
    taken: AtomicUsize,
}

/// What is held of one request's content; gives its room back when dropped.
#[derive(Debug)]
pub(crate) struct HeldContent {
    bytes: BytesMut,
    room: Arc<HoldingRoom>,
    taken: usize,
}

impl HoldingRoom {
    pub(crate) fn new(each: usize, most: usize) -> HoldingRoom {
        HoldingRoom { each, most, taken: AtomicUsize::new(0) }
    }

    /// How many bytes are awaited of content with that length.
    pub(crate) fn awaited(&self, length: Option<u64>) -> usize {
        length.map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX).min(self.each))
    }

    fn take(&self, bytes: usize) -> bool {
        let more = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.most);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

impl HeldContent {
    pub(crate) fn new(room: Arc<HoldingRoom>) -> HeldContent {
        HeldContent { bytes: BytesMut::new(), room, taken: 0 }
    }

    /// Holds one more piece; whether there was room, so that more may be awaited.
    ///
    /// It is copied: a few bytes of a slow viewer would keep the buffer they were read into.
    pub(crate) fn push(&mut self, piece: &[u8]) -> bool {
        let has_room = self.room.take(piece.len());
        if has_room {
            self.taken += piece.len();
        }
        self.bytes.extend_from_slice(piece);
        has_room
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn into_bytes(mut self) -> Bytes {
        self.bytes.split().freeze()
    }
}

impl Drop for HeldContent {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_content_is_awaited_whole_and_of_long_content_the_beginning() {
        let room = HoldingRoom::new(100, 1000);
        for (length, awaited) in
            [(None, 0), (Some(0), 0), (Some(1), 1), (Some(100), 100), (Some(101), 100), (Some(u64::MAX), 100)]
        {
            assert_eq!(room.awaited(length), awaited, "{length:?}");
        }
        assert_eq!(HoldingRoom::new(0, 1000).awaited(Some(9)), 0);
    }

    #[test]
    fn room_is_shared_and_comes_back() {
        let room = Arc::new(HoldingRoom::new(100, 10));
        let (mut one, mut other) = (HeldContent::new(Arc::clone(&room)), HeldContent::new(Arc::clone(&room)));
        assert!(one.push(b"123456") && other.push(b"1234"));
        // What has come is kept all the same.
        assert!(!other.push(b"5") && other.len() == 5);
        assert_eq!(&one.into_bytes()[..], b"123456");
        assert!(other.push(b"678901"));
        assert_eq!(&other.into_bytes()[..], b"12345678901");
        assert_eq!(room.taken.load(Ordering::Relaxed), 0);
    }
}
