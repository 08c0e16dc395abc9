//! The TCP connection to an origin, shared by its HTTP parser, its TLS session and the pool.
//!
//! Invariant: the counters tell what really crossed the socket, so that "closed without a byte" and "no progress" are
//! facts and not guesses from error texts. Made by `connect`; asked by `exchange` and `pool`.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A TCP connection with its counters.
#[derive(Debug)]
pub(super) struct Wire {
    tcp: TcpStream,
    read: AtomicU64,
    written: AtomicU64,
    write_failed: AtomicBool,
}

/// Bytes moved so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) read: u64,
    pub(super) written: u64,
}

impl Wire {
    pub(super) fn new(tcp: TcpStream) -> Arc<Self> {
        let (read, written, write_failed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Self { tcp, read, written, write_failed })
    }

    pub(super) fn moved(&self) -> Moved {
        Moved { read: self.read.load(Ordering::Relaxed), written: self.written.load(Ordering::Relaxed) }
    }

    pub(super) fn write_failed(&self) -> bool {
        self.write_failed.load(Ordering::Relaxed)
    }

    /// Whether an idle connection is still open and silent, asked of the kernel: the reactor may not have reported the
    /// origin's close yet, and a request written then would be lost.
    pub(super) fn is_quiet(&self) -> bool {
        let peeked = SockRef::from(&self.tcp).peek(&mut [MaybeUninit::uninit()]);
        matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// The stream end of a [`Wire`].
#[derive(Debug)]
pub(super) struct WireStream(pub(super) Arc<Wire>);

impl AsyncRead for WireStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.tcp.poll_read_ready(cx))?;
            match self.0.tcp.try_read_buf(buf) {
                Ok(read) => {
                    self.0.read.fetch_add(read as u64, Ordering::Relaxed);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl WireStream {
    fn poll_try_write(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.tcp.poll_write_ready(cx))?;
            match write(&self.0.tcp) {
                Ok(written) => {
                    self.0.written.fetch_add(written as u64, Ordering::Relaxed);
                    return Poll::Ready(Ok(written));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    self.0.write_failed.store(true, Ordering::Relaxed);
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

impl AsyncWrite for WireStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_try_write(cx, |tcp| tcp.try_write(buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_try_write(cx, |tcp| tcp.try_write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&self.0.tcp).shutdown(std::net::Shutdown::Write))
    }
}
