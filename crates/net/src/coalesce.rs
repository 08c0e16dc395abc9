//! Joins the small writes of one turn of an HTTP/2 connection into one write, which makes one TLS record and one
//! system call of many responses.
//!
//! h2 writes and flushes every DATA frame by itself. [`CoalescingWriter`] accepts those writes into a buffer and calls
//! their flush done; the task that polls the HTTP/2 connection then calls [`Flusher::poll_flush`] at the end of the same
//! turn, so nothing waits for another turn and a lone response is as quick as without the buffer.
//!
//! Invariant: bytes leave in the order they came; whoever polls the connection polls the flusher after it, every time.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The HTTP/2 connection's end: reads pass through, writes are gathered.
#[derive(Debug)]
pub(crate) struct CoalescingWriter<IO>(Arc<Mutex<Gathering<IO>>>);

/// The connection task's end: sends what was gathered.
#[derive(Debug)]
pub(crate) struct Flusher<IO>(Arc<Mutex<Gathering<IO>>>);

#[derive(Debug)]
struct Gathering<IO> {
    io: IO,
    /// `buffer[sent..]` is still to be written.
    buffer: Vec<u8>,
    sent: usize,
    needs_flush: bool,
    /// A frame that was written through has not been taken to its end.
    is_within_frame: bool,
}

/// Wraps `io`; the two ends share it.
pub(crate) fn coalesce<IO>(io: IO) -> (CoalescingWriter<IO>, Flusher<IO>) {
    let shared =
        Arc::new(Mutex::new(Gathering { io, buffer: Vec::new(), sent: 0, needs_flush: false, is_within_frame: false }));
    (CoalescingWriter(Arc::clone(&shared)), Flusher(shared))
}

impl<IO: AsyncWrite + Unpin> Flusher<IO> {
    /// Writes and flushes everything gathered; ready at once when there is nothing.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().poll_flush(cx)
    }

    /// Sends what was gathered, `frame` after it, and the end of the stream, as far as the viewer takes them at once.
    pub(crate) fn take_leave(&mut self, cx: &mut Context<'_>, frame: &[u8]) {
        let mut gathering = self.0.lock();
        if !gathering.is_within_frame {
            gathering.buffer.extend_from_slice(frame);
            gathering.needs_flush = true;
        }
        if let Poll::Ready(Ok(())) = gathering.poll_flush(cx) {
            // The connection is dropped next, whatever comes of this.
            let _sent = Pin::new(&mut gathering.io).poll_shutdown(cx);
        }
    }
}

impl<IO: AsyncWrite + Unpin> Gathering<IO> {
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.buffer.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.io).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
        }
        self.buffer.clear();
        self.buffer.shrink_to(RETAINED_CAPACITY);
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.needs_flush {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_drain(cx))?;
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        self.needs_flush = false;
        Poll::Ready(Ok(()))
    }

    /// Makes room for `length` bytes. Ready(true): gather them; Ready(false): write them through.
    fn poll_room(&mut self, cx: &mut Context<'_>, length: usize) -> Poll<io::Result<bool>> {
        self.needs_flush = true;
        if length > WRITE_THROUGH || self.buffer.len() + length > CAPACITY {
            ready!(self.poll_drain(cx))?;
        }
        Poll::Ready(Ok(length <= WRITE_THROUGH))
    }

    /// Notes how much of `length` bytes, which end with a frame, was written through.
    fn wrote_through(&mut self, length: usize, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(taken)) = &written {
            self.is_within_frame = *taken < length;
        }
        written
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for CoalescingWriter<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut gathering = self.0.lock();
        if !ready!(gathering.poll_room(cx, buf.len()))? {
            let written = Pin::new(&mut gathering.io).poll_write(cx, buf);
            return gathering.wrote_through(buf.len(), written);
        }
        gathering.is_within_frame = false;
        gathering.buffer.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = bufs.iter().map(|buf| buf.len()).sum();
        let mut gathering = self.0.lock();
        if !ready!(gathering.poll_room(cx, length))? {
            let written = Pin::new(&mut gathering.io).poll_write_vectored(cx, bufs);
            return gathering.wrote_through(length, written);
        }
        gathering.is_within_frame = false;
        for buf in bufs {
            gathering.buffer.extend_from_slice(buf);
        }
        Poll::Ready(Ok(length))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Done by the [`Flusher`].
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut gathering = self.0.lock();
        ready!(gathering.poll_flush(cx))?;
        Pin::new(&mut gathering.io).poll_shutdown(cx)
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for CoalescingWriter<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.lock().io).poll_read(cx, buf)
    }
}

/// What is gathered before a write is forced: three full TLS records.
const CAPACITY: usize = 48 * 1024;
/// Larger writes are not copied.
const WRITE_THROUGH: usize = 16 * 1024;
/// What an idle connection keeps allocated.
const RETAINED_CAPACITY: usize = 16 * 1024;

#[cfg(test)]
mod tests;
