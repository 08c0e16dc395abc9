//! Readers and the writer of content that arrives, polled by hand.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::{Arriving, Cut, Fed, Feed, LONGEST_WHOLE, Reader, WINDOW};
use crate::chunks::{CHUNK, Chunk, Chunks, ContentId, Delivery, MemoryChunks, NotKept, Pending};
use crate::stored::Body;
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(0);

fn begin(most: usize) -> (Arc<Arriving>, Feed) {
    Arriving::begin(Some(Arc::new(MemoryChunks::new(ContentId(1), most, None))), NOW)
}

fn reader(content: &Arc<Arriving>, offset: u64) -> Reader {
    content.reader(offset, Delivery::Clear).unwrap()
}

fn poll(reader: &mut Reader) -> Poll<Option<Result<Bytes, Cut>>> {
    reader.poll_piece(&mut Context::from_waker(Waker::noop()))
}

/// All that can be read now.
fn read(reader: &mut Reader) -> Vec<u8> {
    let mut content = Vec::new();
    while let Poll::Ready(Some(Ok(piece))) = poll(reader) {
        content.extend_from_slice(&piece);
    }
    content
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

#[tokio::test]
async fn every_reader_sees_the_content_from_its_place() {
    let (content, mut feed) = begin(1_000);
    let mut early = reader(&content, 0);
    assert!(feed.push(Bytes::from_static(b"one")).await);
    let mut late = reader(&content, 1);
    assert!(feed.push(Bytes::from_static(b"two")).await);
    assert_eq!(read(&mut early), b"onetwo");
    assert_eq!(read(&mut late), b"netwo");
    assert_eq!(poll(&mut early), Poll::Pending);
    assert!(matches!(feed.finish().await, Fed::Kept(Body::Whole(bytes)) if bytes == "onetwo"));
    assert_eq!(poll(&mut early), Poll::Ready(None));
}

#[tokio::test]
async fn a_feed_that_is_dropped_cuts_its_readers() {
    let (content, mut feed) = begin(1_000);
    let mut reader = reader(&content, 0);
    feed.push(Bytes::from_static(b"half")).await;
    drop(feed);
    assert_eq!(read(&mut reader), b"half");
    assert_eq!(poll(&mut reader), Poll::Ready(Some(Err(Cut))));
}

#[tokio::test]
async fn long_content_is_kept_in_chunks_and_held_no_longer() {
    for length in [LONGEST_WHOLE + 1, CHUNK as usize, CHUNK as usize + 1, 5 * CHUNK as usize + 17] {
        for piece in [1_000, 65_536, CHUNK as usize - 1, CHUNK as usize + 1] {
            let (content, mut feed) = begin(usize::MAX);
            let (mut slow, mut quick) = (reader(&content, 0), reader(&content, 0));
            let (expected, mut seen) = (pattern(length), Vec::new());
            for piece in expected.chunks(piece) {
                assert!(feed.push(Bytes::copy_from_slice(piece)).await);
                seen.extend(read(&mut quick));
                assert!(content.progress.lock().held <= CHUNK as usize);
            }
            let fed = feed.finish().await;
            assert!(matches!(&fed, Fed::Kept(Body::Chunked(all)) if all.length == length as u64), "{length} {piece}");
            assert!(seen == expected && read(&mut slow) == expected, "{length} in pieces of {piece}");
            let mut middle = reader(&content, length as u64 / 2);
            assert!(read(&mut middle) == expected[length / 2..]);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_kept_passes_at_the_pace_of_the_slowest_reader() {
    let (content, mut feed) = begin(CHUNK as usize);
    let mut slow = reader(&content, 0);
    let expected = pattern(CHUNK as usize * 9);
    let mut pushed = 0;
    for piece in expected.chunks(50_000) {
        assert!(feed.push(Bytes::copy_from_slice(piece)).await);
        pushed += piece.len();
        if tokio::time::timeout(std::time::Duration::ZERO, feed.ready()).await.is_err() {
            break;
        }
    }
    assert!(pushed < CHUNK as usize * 9, "the writer waits");
    assert!(content.reader(CHUNK, Delivery::Clear).is_some() && content.progress.lock().held <= WINDOW + 50_000);
    assert!(read(&mut slow) == expected[..pushed], "the chunk that was kept, then what is held");
    feed.ready().await;
    assert!(content.reader(0, Delivery::Clear).is_none(), "its start is gone");
    assert!(matches!(feed.finish().await, Fed::Passed));
}

#[tokio::test]
async fn a_part_keeps_whole_chunks_and_only_if_it_reaches_its_end() {
    for (arrives, is_complete) in [(CHUNK * 2, true), (CHUNK * 2 - 1, false), (CHUNK * 2 + 5, true)] {
        let chunks = Arc::new(MemoryChunks::new(ContentId(1), usize::MAX, None));
        let home: Arc<dyn Chunks> = Arc::clone(&chunks) as _;
        let (content, mut feed) = Arriving::begin_part(CHUNK * 3, CHUNK * 5, Some(home), NOW);
        assert!(content.reader(CHUNK * 5, Delivery::Clear).is_none() && content.reader(0, Delivery::Clear).is_none());
        let mut reader = reader(&content, CHUNK * 3 + 1);
        feed.push(Bytes::from(pattern(arrives as usize))).await;
        feed.finish().await;
        assert_eq!([2, 3, 4, 5].map(|index| chunks.has(index)), [false, true, is_complete, false]);
        let seen = read(&mut reader);
        assert_eq!(seen.len() as u64, arrives.min(CHUNK * 2) - 1);
        let end = if is_complete { None } else { Some(Err(Cut)) };
        assert_eq!(poll(&mut reader), Poll::Ready(end));
    }
}

#[tokio::test]
async fn content_that_nobody_reads_goes_on_only_if_it_is_to_be_stored() {
    let (content, mut feed) = begin(usize::MAX);
    drop(reader(&content, 0));
    assert!(!feed.push(Bytes::from_static(b"a")).await);
    reader(&content, 0).leave_to_store();
    assert!(feed.push(Bytes::from_static(b"b")).await);
}

/// Chunks in memory that are kept a moment later, as on a disk.
#[derive(Debug)]
struct Slow(MemoryChunks);

impl Chunks for Slow {
    fn id(&self) -> ContentId {
        self.0.id()
    }

    fn find(&self, index: u32, delivery: Delivery, now: Timestamp) -> Chunk {
        self.0.find(index, delivery, now)
    }

    fn has(&self, index: u32) -> bool {
        self.0.has(index)
    }

    fn keep(&self, index: u32, pieces: Vec<Bytes>) -> Pending<Result<(), NotKept>> {
        let kept = self.0.keep(index, pieces);
        Box::pin(async move {
            tokio::task::yield_now().await;
            kept.await
        })
    }

    fn bytes_in_memory(&self) -> usize {
        self.0.bytes_in_memory()
    }
}

#[tokio::test]
async fn a_reader_that_has_it_all_before_the_last_chunk_is_kept_does_not_stop_that() {
    let chunks = Slow(MemoryChunks::new(ContentId(1), usize::MAX, None));
    let (content, mut feed) = Arriving::begin(Some(Arc::new(chunks)), NOW);
    let mut reader = reader(&content, 0);
    let mut push = Box::pin(feed.push(Bytes::from(pattern(CHUNK as usize))));
    assert!(push.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(read(&mut reader).len() as u64, CHUNK);
    drop(reader);
    assert!(push.await);
    assert!(matches!(feed.finish().await, Fed::Kept(Body::Chunked(all)) if all.length == CHUNK));
}

#[tokio::test]
async fn a_reader_is_ready_when_its_byte_has_come_or_will_not() {
    let (content, mut feed) = begin(usize::MAX);
    let mut reader = reader(&content, 2);
    feed.push(Bytes::from_static(b"abc")).await;
    assert_eq!(reader.ready().await, Ok(()));
    let mut late = content.reader(9, Delivery::Clear).unwrap();
    drop(feed);
    assert_eq!(late.ready().await, Err(Cut));
}
