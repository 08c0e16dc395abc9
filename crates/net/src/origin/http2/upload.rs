//! The content of a request on its way to the origin, as fast as the origin makes room for it.
//!
//! Invariant: at most one frame of the viewer's waits here, beside what is kept to be sent again: the first [`REPEATABLE`]
//! bytes, until the response begins. Polled by `exchange`, and by a task of its own from then on.

use std::collections::VecDeque;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body::{Body, Frame};

use super::super::exchange::RequestBody;
use super::REPEATABLE;

/// A request's content.
pub(super) struct Upload {
    content: RequestBody,
    has_ended: bool,
    /// Frames that go before the content's next.
    queue: VecDeque<Frame<Bytes>>,
    /// Of the frame that is being sent.
    pending: Bytes,
    is_finished: bool,
    kept: Kept,
    /// Counts what moved.
    moves: Arc<AtomicU64>,
}

/// What has been sent, in order.
#[derive(Default)]
struct Kept {
    frames: Vec<Kind>,
    bytes: usize,
    is_incomplete: bool,
}

/// A frame that can be sent again.
#[derive(Clone)]
enum Kind {
    Data(Bytes),
    Trailers(http::HeaderMap),
}

/// Why the viewer's content ended early.
pub(super) type Broken = Box<dyn Error + Send + Sync>;

impl Upload {
    pub(super) fn new(content: RequestBody) -> Self {
        Self {
            has_ended: content.is_end_stream(),
            queue: VecDeque::new(),
            pending: Bytes::new(),
            is_finished: content.is_end_stream(),
            kept: Kept::default(),
            moves: Arc::default(),
            content,
        }
    }

    /// Whether there is nothing to send but the header section.
    pub(super) fn is_empty(&self) -> bool {
        self.has_ended && self.queue.is_empty() && self.pending.is_empty()
    }

    pub(super) fn moves(&self) -> &Arc<AtomicU64> {
        &self.moves
    }

    /// Nothing has to be sent again any more.
    pub(super) fn forget_sent(&mut self) {
        self.kept = Kept { is_incomplete: true, ..Kept::default() };
    }

    /// Begins anew; `false` where some of what was sent is not here any more.
    pub(super) fn rewind(&mut self) -> bool {
        if self.kept.is_incomplete {
            return false;
        }
        let sent = std::mem::take(&mut self.kept).frames.into_iter().map(Kind::into_frame);
        // What was about to be sent again for the last time comes behind it.
        self.queue = sent.chain(std::mem::take(&mut self.queue)).collect();
        self.pending = Bytes::new();
        self.is_finished = self.is_empty();
        true
    }

    /// Sends what there is; ready when all of it is sent, or the origin wants no more.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, stream: &mut SendStream<Bytes>) -> Poll<Result<(), Broken>> {
        while !self.is_finished {
            if !self.pending.is_empty() {
                self.is_finished = ready!(self.poll_write(cx, stream)).is_err();
                continue;
            }
            if stream.poll_reset(cx).is_ready() {
                self.is_finished = true;
                continue;
            }
            match ready!(self.poll_next(cx)).transpose()? {
                None => self.finish(stream.send_data(Bytes::new(), true)),
                Some(frame) => match frame.into_data() {
                    Ok(data) => self.pending = data,
                    Err(frame) => self.finish(stream.send_trailers(frame.into_trailers().unwrap_or_default())),
                },
            }
        }
        Poll::Ready(Ok(()))
    }

    /// On a stream that is closed nothing more can be sent, which is the end as well.
    fn finish(&mut self, _sent: Result<(), h2::Error>) {
        self.is_finished = true;
        self.moves.fetch_add(1, Ordering::Relaxed);
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(frame) = self.queue.pop_front() {
            self.kept.keep(&frame);
            return Poll::Ready(Some(Ok(frame)));
        }
        if self.has_ended {
            return Poll::Ready(None);
        }
        let polled = ready!(Pin::new(&mut self.content).poll_frame(cx));
        match &polled {
            Some(Ok(frame)) => self.kept.keep(frame),
            Some(Err(_)) | None => self.has_ended = true,
        }
        Poll::Ready(polled)
    }

    /// Writes as much of the frame as there is room for. An error: the stream is closed.
    fn poll_write(&mut self, cx: &mut Context<'_>, stream: &mut SendStream<Bytes>) -> Poll<Result<(), h2::Error>> {
        stream.reserve_capacity(self.pending.len());
        let mut room = stream.capacity();
        while room == 0 {
            room = match ready!(stream.poll_capacity(cx)) {
                Some(room) => room?,
                None => return Poll::Ready(Err(Reason::STREAM_CLOSED.into())),
            };
        }
        let piece = self.pending.split_to(room.min(self.pending.len()));
        self.moves.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(stream.send_data(piece, false))
    }
}

impl Kept {
    fn keep(&mut self, frame: &Frame<Bytes>) {
        if self.is_incomplete {
            return;
        }
        self.bytes += frame.data_ref().map_or(0, Bytes::len);
        if self.bytes > REPEATABLE || self.frames.len() >= REPEATABLE_FRAMES {
            *self = Self { is_incomplete: true, ..Self::default() };
            return;
        }
        let trailers = || frame.trailers_ref().cloned().map(Kind::Trailers);
        self.frames.extend(frame.data_ref().cloned().map(Kind::Data).or_else(trailers));
    }
}

impl Kind {
    fn into_frame(self) -> Frame<Bytes> {
        match self {
            Self::Data(data) => Frame::data(data),
            Self::Trailers(trailers) => Frame::trailers(trailers),
        }
    }
}

/// Small frames cost more than their bytes.
const REPEATABLE_FRAMES: usize = 256;

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::task::Waker;

    use http_body_util::BodyExt;

    use super::*;

    /// Content of these pieces.
    fn upload(pieces: Vec<Bytes>) -> Upload {
        let frames = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
        Upload::new(Listed(frames.collect()).map_err(Into::into).boxed_unsync())
    }

    struct Listed(VecDeque<Result<Frame<Bytes>, Infallible>>);

    impl Body for Listed {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front())
        }
    }

    fn next(upload: &mut Upload) -> Option<Bytes> {
        match upload.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().ok(),
            _ => None,
        }
    }

    #[test]
    fn what_is_sent_again_is_all_that_was_sent_however_often() {
        let mut upload = upload(["a", "b", "c", "d"].map(Bytes::from).to_vec());
        for sent in [3, 1, 0, 4] {
            let taken: Vec<_> = (0..sent).filter_map(|_| next(&mut upload)).collect();
            assert_eq!(taken, ["a", "b", "c", "d"].get(..sent).unwrap());
            assert!(upload.rewind());
        }
    }

    #[test]
    fn what_is_kept_is_bounded_by_bytes_and_by_pieces() {
        for (pieces, expected) in [
            (vec![Bytes::from(vec![0; REPEATABLE])], true),
            (vec![Bytes::from(vec![0; REPEATABLE + 1])], false),
            (vec![Bytes::from("x"); REPEATABLE_FRAMES], true),
            (vec![Bytes::from("x"); REPEATABLE_FRAMES + 1], false),
        ] {
            let mut upload = upload(pieces);
            while next(&mut upload).is_some() {}
            assert_eq!(upload.rewind(), expected);
        }
    }

    #[test]
    fn nothing_is_sent_again_once_the_response_has_begun() {
        let mut upload = upload(vec!["a".into()]);
        upload.forget_sent();
        assert!(!upload.rewind());
    }
}
