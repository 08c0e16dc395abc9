//! Readers and the writer of a response that arrives, polled by hand.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{Cut, Fill, Filled, Filling, Reader, WINDOW};
use crate::stale::Grace;
use crate::stored::{Freshness, ResponseHead};
use crate::time::Timestamp;
use crate::variant::Variant;

fn begin(largest: usize) -> (Arc<Filling>, Fill) {
    let head = ResponseHead {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        compressed: None,
        variant: Variant::default(),
    };
    let freshness = Freshness {
        since: Timestamp::from_secs(0),
        initial_age: 0,
        lifetime: 60,
        grace: Grace::default(),
        resting_until: None,
    };
    Filling::begin(head, freshness, largest)
}

fn poll(reader: &mut Reader) -> Poll<Option<Result<Bytes, Cut>>> {
    reader.poll_piece(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn every_reader_sees_the_content_from_the_start() {
    let (filling, mut fill) = begin(1_000);
    let mut early = filling.reader().unwrap();
    assert!(fill.push(Bytes::from_static(b"one")));
    let mut late = filling.reader().unwrap();
    assert!(fill.push(Bytes::from_static(b"two")));
    for reader in [&mut early, &mut late] {
        assert_eq!(poll(reader), Poll::Ready(Some(Ok(Bytes::from_static(b"one")))));
        assert_eq!(poll(reader), Poll::Ready(Some(Ok(Bytes::from_static(b"two")))));
        assert_eq!(poll(reader), Poll::Pending);
    }
    assert!(matches!(fill.finish(), Filled::Whole(body) if body.len() == 6));
    assert_eq!(poll(&mut early), Poll::Ready(None));
}

#[test]
fn a_fill_that_is_dropped_cuts_its_readers() {
    let (filling, mut fill) = begin(1_000);
    let mut reader = filling.reader().unwrap();
    fill.push(Bytes::from_static(b"half"));
    drop(fill);
    assert!(matches!(poll(&mut reader), Poll::Ready(Some(Ok(_)))));
    assert_eq!(poll(&mut reader), Poll::Ready(Some(Err(Cut))));
}

#[test]
fn the_writer_learns_that_nobody_reads_any_more() {
    let (filling, mut fill) = begin(1_000);
    let reader = filling.reader().unwrap();
    assert!(fill.push(Bytes::from_static(b"a")));
    drop(reader);
    assert!(!fill.push(Bytes::from_static(b"b")));
}

#[test]
fn a_response_that_its_only_viewer_needs_no_content_of_is_stored_all_the_same() {
    let (filling, mut fill) = begin(1_000);
    filling.reader().unwrap().leave_to_store();
    assert!(fill.push(Bytes::from_static(b"content")));
    assert!(matches!(fill.finish(), Filled::Whole(body) if body.len() == 7));
}

#[test]
fn what_is_too_large_to_store_passes_through_a_window() {
    let (filling, mut fill) = begin(WINDOW);
    let piece = Bytes::from(vec![7; WINDOW / 2]);
    let mut reader = filling.reader().unwrap();
    for _ in 0..3 {
        fill.push(piece.clone());
    }
    assert_eq!(fill.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Pending);
    assert!(matches!(poll(&mut reader), Poll::Ready(Some(Ok(_)))));
    assert_eq!(fill.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
    assert!(filling.reader().is_none(), "the start is gone");
    for _ in 0..2 {
        assert!(matches!(poll(&mut reader), Poll::Ready(Some(Ok(_)))));
    }
    assert!(matches!(fill.finish(), Filled::TooLarge));
    assert_eq!(poll(&mut reader), Poll::Ready(None));
    assert_eq!(filling.progress.lock().held, 0);
}

#[test]
fn a_slow_reader_that_leaves_lets_the_writer_go_on() {
    let (filling, mut fill) = begin(0);
    let slow = filling.reader().unwrap();
    fill.push(Bytes::from(vec![7; WINDOW + 1]));
    assert_eq!(fill.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Pending);
    drop(slow);
    assert_eq!(fill.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
}
