//! The HTTP/1.1 parser of a viewer connection, which is there only while the viewer has something for it.
//!
//! hyper keeps tens of kilobytes for a connection, whatever it does; most connections do nothing most of the time. A
//! connection that rests is parked: its stream waits for bytes by itself, and a new parser begins with them. Invariant: a
//! parser is let go only where hyper ends it as idle, or has not had a whole head yet, and what it has not used up goes to
//! the next; so no byte is lost and none is taken for the beginning of a request that is not. Polled by `http1`.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::service::{ConnectionService, ViewerService};
use crate::connection::{Connection, ViewerIo};

type Hyper<IO, S> = http1::UpgradeableConnection<TokioIo<ViewerIo<IO, true>>, ConnectionService<S, true>>;

/// The parser of one connection, or what becomes one.
pub(super) struct Parser<IO, S: ViewerService> {
    builder: Arc<http1::Builder>,
    state: State<IO, S>,
}

enum State<IO, S: ViewerService> {
    Parked(ViewerIo<IO, true>, ConnectionService<S, true>),
    /// With how many requests the connection had had before.
    Parsing(Box<Hyper<IO, S>>, u64),
    /// The connection is over, or not one of HTTP any more.
    Ended,
}

impl<IO, S> Parser<IO, S>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: ViewerService,
{
    /// Parked: the viewer has sent nothing yet.
    pub(super) fn new(
        builder: Arc<http1::Builder>,
        io: ViewerIo<IO, true>,
        service: ConnectionService<S, true>,
    ) -> Self {
        Self { builder, state: State::Parked(io, service) }
    }

    /// Waits for something to parse; false: it is being parsed already.
    pub(super) fn poll_begin(&mut self, cx: &mut Context<'_>, connection: &Connection) -> Poll<bool> {
        let State::Parked(io, _) = &mut self.state else { return Poll::Ready(false) };
        ready!(io.poll_arrival(cx));
        self.begin(connection);
        Poll::Ready(true)
    }

    fn begin(&mut self, connection: &Connection) {
        self.state = match mem::replace(&mut self.state, State::Ended) {
            State::Parked(io, service) => {
                let hyper = self.builder.serve_connection(TokioIo::new(io), service).with_upgrades();
                State::Parsing(Box::new(hyper), connection.requests())
            }
            other => other,
        };
    }

    /// Parses and answers; ready when the connection is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        match &mut self.state {
            State::Parsing(hyper, _) => Pin::new(&mut **hyper).poll(cx),
            State::Parked(..) => Poll::Pending,
            State::Ended => Poll::Ready(Ok(())),
        }
    }

    /// Ends the connection after what is in progress.
    pub(super) fn close(&mut self, connection: &Connection) {
        // Of a head that has begun the rest is waited for; see `TrackedResponse` for what closes the connection then.
        if !matches!(&self.state, State::Parked(io, _) if io.has_unused()) {
            self.begin(connection);
        }
        if let State::Parsing(hyper, _) = &mut self.state {
            Pin::new(&mut **hyper).graceful_shutdown();
        }
    }

    /// Lets go of a parser that has nothing to do. Where hyper finds something, the connection ends after that.
    pub(super) fn park(&mut self, cx: &mut Context<'_>, connection: &Connection) -> Poll<hyper::Result<()>> {
        let State::Parsing(hyper, requests) = &mut self.state else { return Poll::Pending };
        if connection.requests() > *requests {
            let mut hyper = Pin::new(&mut **hyper);
            hyper.as_mut().graceful_shutdown();
            ready!(connection.outlive(|| hyper.poll(cx)))?;
        }
        let State::Parsing(hyper, _) = mem::replace(&mut self.state, State::Ended) else { return Poll::Pending };
        let Some(parts) = hyper.into_parts() else { return Poll::Ready(Ok(())) };
        let mut io = parts.io.into_inner();
        io.take_back(&parts.read_buf);
        connection.rest();
        self.state = State::Parked(io, parts.service);
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
