//! The stream of a connection in clear: what lies in a mapped file is sent by the kernel from that file.
//!
//! Writing such bytes from memory makes the kernel copy every one of them; `sendfile` hands over the pages. What stands
//! before them, a header section mostly, goes out with MSG_MORE so that both share packets. Invariant: bytes leave in the
//! order in which they were given. Under `ViewerIo` on connections without TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use edgeward_mapped::{FilePart, MappedFiles};
use rustix::net::{SendAncillaryBuffer, SendFlags};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// Shorter slices are not worth a system call of their own.
const LEAST: usize = 16 * 1024;

/// A TCP stream that knows mapped files.
#[derive(Debug)]
pub(crate) struct FileSending {
    tcp: TcpStream,
    files: MappedFiles,
}

impl FileSending {
    pub(crate) fn new(tcp: TcpStream, files: MappedFiles) -> Self {
        Self { tcp, files }
    }

    /// The first of `bufs` that lies in a file.
    fn first_in_file(&self, bufs: &[IoSlice<'_>]) -> Option<(usize, FilePart)> {
        bufs.iter().enumerate().filter(|(_, buf)| buf.len() >= LEAST).find_map(|(index, buf)| {
            let part = self.files.find(buf)?;
            Some((index, part))
        })
    }

    fn poll_try(&self, cx: &mut Context<'_>, write: impl Fn() -> io::Result<usize>) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.tcp.poll_write_ready(cx))?;
            match self.tcp.try_io(Interest::WRITABLE, &write) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    /// What stands before the part, then as much of the part as the socket takes.
    fn send(&self, before: &[IoSlice<'_>], part: &FilePart, length: usize) -> io::Result<usize> {
        let head: usize = before.iter().map(|buf| buf.len()).sum();
        if head > 0 {
            let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
            let sent = rustix::net::sendmsg(&self.tcp, before, &mut SendAncillaryBuffer::default(), flags)?;
            if sent < head {
                return Ok(sent);
            }
        }
        match send_part(&self.tcp, part, length) {
            Ok(sent) => Ok(head + sent),
            // The head is out; the part has its turn when the socket takes more.
            Err(error) if head > 0 && error.kind() == io::ErrorKind::WouldBlock => Ok(head),
            Err(error) => Err(error),
        }
    }
}

fn send_part(tcp: &TcpStream, part: &FilePart, length: usize) -> io::Result<usize> {
    let mut offset = part.offset;
    match rustix::fs::sendfile(tcp, part.file.file(), Some(&mut offset), length)? {
        // The file is shorter than it was: what is missing cannot be sent.
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        sent => Ok(sent),
    }
}

impl AsyncRead for FileSending {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for FileSending {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.len() >= LEAST {
            return self.poll_write_vectored(cx, &[IoSlice::new(buf)]);
        }
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Some((index, part)) = self.first_in_file(bufs) else {
            return Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs);
        };
        let (before, from) = bufs.split_at(index);
        let length = from.first().map_or(0, |buf| buf.len());
        self.poll_try(cx, || self.send(before, &part, length))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
