//! The byte stream under the HTTP parser of a viewer connection, and what it may bring.
//!
//! Invariant: bytes pass unchanged and in order; what is read is counted before the parser sees it, and once, however many
//! parsers it is given to (see `server::parser`). Made by `server::http1`
//! and `server::http2`, around TLS or the socket.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::{Connection, EARNED_BY_PIECE, Phase, add, advance};
use crate::frames::{Allowance, Counted, FrameMeter};
use crate::limits::{ViewerLimits, ViewerRefusal};

/// The stream under the HTTP parser of a connection: passes everything through, notes progress, under HTTP/1.1 lets the
/// framing witness see what is read and holds back the end of the stream while the viewer may still want a response, and
/// under HTTP/2 has the frame meter count.
#[derive(Debug)]
pub(crate) struct ViewerIo<IO, const HTTP1: bool> {
    io: IO,
    connection: Arc<Connection>,
    half_closed: Option<HalfClosed>,
    patience: Duration,
    /// HTTP/2 only.
    frames: Option<Box<FrameBudget>>,
    /// What was read and no parser has used up, HTTP/1.1 only.
    ahead: Bytes,
}

impl<IO, const HTTP1: bool> ViewerIo<IO, HTTP1> {
    pub(crate) fn new(io: IO, connection: Arc<Connection>, limits: &ViewerLimits) -> Self {
        let frames = (!HTTP1).then(|| Box::new(FrameBudget::new(limits)));
        Self { io, connection, half_closed: None, patience: limits.half_closed_timeout, frames, ahead: Bytes::new() }
    }
}

impl<IO: AsyncRead + Unpin> ViewerIo<IO, true> {
    /// Ready once there is something for a parser to read.
    pub(crate) fn poll_arrival(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [const { MaybeUninit::uninit() }; ARRIVAL];
        let mut buf = ReadBuf::uninit(&mut space);
        // The end and an error come again when the parser reads.
        if let Ok(()) = ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf))
            && !buf.filled().is_empty()
        {
            advance(&self.connection.moves);
            self.connection.heed(buf.filled());
            self.ahead = [&*self.ahead, buf.filled()].concat().into();
        }
        Poll::Ready(())
    }

    /// Takes back what a parser has read and not used up, without the room it was read into.
    pub(crate) fn take_back(&mut self, unused: &[u8]) {
        self.ahead = [unused, &*self.ahead].concat().into();
    }

    /// Whether something waits for a parser that has been read already.
    pub(crate) fn has_unused(&self) -> bool {
        !self.ahead.is_empty()
    }
}

/// What a viewer sends over HTTP/2, and what it may.
#[derive(Debug)]
struct FrameBudget {
    meter: FrameMeter,
    controls: Allowance,
    resets: Allowance,
    /// Of the connection, spent already.
    spent: u64,
    paid: Instant,
    /// A viewer that takes requests back has had its piece of this turn.
    has_had_its_turn: bool,
}

impl FrameBudget {
    fn new(limits: &ViewerLimits) -> Self {
        Self {
            meter: FrameMeter::new(),
            controls: Allowance::new(limits.max_control_frames),
            resets: Allowance::new(limits.max_reset_streams),
            spent: 0,
            paid: Instant::now(),
            has_had_its_turn: false,
        }
    }

    /// Reads, a little in each turn where the viewer takes many requests back: each makes a task, and who else is served by
    /// this thread would wait for all of them.
    fn poll_read(
        &mut self,
        io: Pin<&mut impl AsyncRead>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.resets.is_drawn_on() {
            return io.poll_read(cx, buf);
        }
        if std::mem::replace(&mut self.has_had_its_turn, false) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let room = buf.remaining().min(PIECE_OF_A_TURN);
        let mut piece = ReadBuf::new(buf.initialize_unfilled_to(room));
        ready!(io.poll_read(cx, &mut piece))?;
        let read = piece.filled().len();
        buf.advance(read);
        self.has_had_its_turn = true;
        Poll::Ready(Ok(()))
    }

    /// Counts what was read.
    fn heed(&mut self, bytes: &[u8], connection: &Connection) -> Result<(), ViewerRefusal> {
        let Counted { requests, controls, resets } = self.meter.read(bytes);
        connection.partial_head.store(self.meter.is_within_head(), Ordering::Relaxed);
        connection.earn(u64::from(requests) * EARNED_BY_PIECE);
        if controls == 0 && resets == 0 {
            return Ok(());
        }
        add(&connection.acknowledged_bytes, u64::from(controls) * LONGEST_ACKNOWLEDGEMENT);
        let (earned, now) = (connection.earned.load(Ordering::Relaxed), Instant::now());
        let passed = now.saturating_duration_since(std::mem::replace(&mut self.paid, now));
        let fresh = earned - std::mem::replace(&mut self.spent, earned);
        if !self.controls.pay(controls, fresh, passed) {
            Err(ViewerRefusal::ControlFrames)
        } else if !self.resets.pay(resets, 0, passed) {
            Err(ViewerRefusal::ResetStreams)
        } else {
            Ok(())
        }
    }
}

/// The viewer will send no more, while a request of its is in progress. It may wait for the response or be gone; which
/// of the two shows when something is written to it.
#[derive(Debug)]
struct HalfClosed {
    timer: Pin<Box<Sleep>>,
    /// Of the connection, when the timer was set.
    moves: u64,
}

impl HalfClosed {
    fn new(connection: &Connection, patience: Duration) -> Self {
        Self { timer: Box::pin(sleep(patience)), moves: connection.moves() }
    }

    /// Ready once the viewer counts as gone: it has no request in progress, or has not been written to for `patience`.
    fn poll_gone(&mut self, cx: &mut Context<'_>, connection: &Connection, patience: Duration) -> Poll<()> {
        while connection.phase() != Phase::Idle {
            ready!(self.timer.as_mut().poll(cx));
            let moves = connection.moves();
            if std::mem::replace(&mut self.moves, moves) == moves {
                break;
            }
            self.timer.as_mut().reset(Instant::now() + patience);
        }
        Poll::Ready(())
    }
}

impl<IO: AsyncRead + Unpin, const HTTP1: bool> AsyncRead for ViewerIo<IO, HTTP1> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.ahead.is_empty() {
            let length = this.ahead.len().min(buf.remaining());
            buf.put_slice(&this.ahead.split_to(length));
            return Poll::Ready(Ok(()));
        }
        if let Some(half_closed) = &mut this.half_closed {
            return half_closed.poll_gone(cx, &this.connection, this.patience).map(Ok);
        }
        let (before, room) = (buf.filled().len(), buf.remaining());
        let io = Pin::new(&mut this.io);
        match &mut this.frames {
            Some(frames) => ready!(frames.poll_read(io, cx, buf))?,
            None => ready!(io.poll_read(cx, buf))?,
        }
        advance(&this.connection.moves);
        let read = buf.filled().get(before..).unwrap_or_default();
        if let Some(frames) = &mut this.frames {
            return Poll::Ready(frames.heed(read, &this.connection).map_err(|refusal| this.connection.refuse(refusal)));
        }
        if read.is_empty() && room > 0 {
            this.connection.has_ended.store(true, Ordering::Relaxed);
            let half_closed = this.half_closed.insert(HalfClosed::new(&this.connection, this.patience));
            return half_closed.poll_gone(cx, &this.connection, this.patience).map(Ok);
        }
        if !this.connection.is_tunnel.load(Ordering::Relaxed) {
            this.connection.heed(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin, const HTTP1: bool> AsyncWrite for ViewerIo<IO, HTTP1> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.connection.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = bufs.iter().map(|buf| buf.len()).sum();
        let written = if length <= GATHERED {
            GATHERING.with_borrow_mut(|gathered| {
                gathered.clear();
                bufs.iter().for_each(|buf| gathered.extend_from_slice(buf));
                Pin::new(&mut self.io).poll_write(cx, gathered)
            })
        } else {
            Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
        };
        self.connection.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS holds back up to 64 KiB that a viewer does not take.
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.connection.write_waits.store(flushed.is_pending(), Ordering::Relaxed);
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.connection.outlives_its_parser.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        self.connection.has_ended.store(true, Ordering::Relaxed);
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

thread_local! {
    /// Used within one write only, so one serves all connections of a worker.
    static GATHERING: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that are read before there is a parser; a usual head fits.
const ARRIVAL: usize = 4 * 1024;
/// Bytes: a dozen requests with their RST_STREAM.
const PIECE_OF_A_TURN: usize = 512;
/// The answer to PING (RFC 9113 section 6.7); that to SETTINGS is shorter.
const LONGEST_ACKNOWLEDGEMENT: u64 = 17;
/// Up to here copying the parts of a response together for one `send` is cheaper than `writev` (6 % less CPU for a
/// response of 1 KiB); large content is never copied.
const GATHERED: usize = 8 * 1024;
