//! One HTTP/1.1 viewer connection from its first request to its close.
//!
//! Invariant: the connection ends after its time limits, after the next response once the server leaves, after the one in
//! progress once it stops, or when the viewer says so; never later than the runtime of its worker. A server that leaves does
//! not close a connection that rests: a request may be on its way. Run by `worker`; `parser` has hyper.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::futures::OwnedNotified;

use super::Shared;
use super::parser::Parser;
use super::service::{ConnectionService, ViewerService};
use super::watchdog::{Http, Watchdog, refusal_of};
use crate::connection::{Connection, Phase, ViewerIo};
use crate::limits::{ViewerLimits, ViewerRefusal};

pin_project! {
    /// Serves one connection; resolves when it is over, whatever the reason.
    pub(super) struct Http1<IO, S>
    where
        S: ViewerService,
    {
        parser: Parser<IO, S>,
        #[pin]
        leave: OwnedNotified,
        #[pin]
        stop: OwnedNotified,
        connection: Arc<Connection>,
        shared: Arc<Shared>,
        watchdog: Watchdog,
        hears_stop: bool,
        is_closing: bool,
    }
}

/// The parser and writer settings of all HTTP/1.1 connections.
pub(super) fn builder(limits: &ViewerLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // The pipeline sets Date.
        .auto_date_header(false)
        // The watchdog is cheaper than hyper's timer per request.
        .header_read_timeout(None)
        .max_buf_size(limits.max_head_bytes.max(MIN_BUFFER))
        .max_header_size(limits.max_head_bytes);
    builder
}

impl<IO, S> Http1<IO, S>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: ViewerService,
{
    pub(super) fn new(
        builder: Arc<http1::Builder>,
        io: IO,
        service: S,
        connection: Arc<Connection>,
        shared: Arc<Shared>,
    ) -> Self {
        let io = ViewerIo::new(io, Arc::clone(&connection), &shared.limits);
        let service = ConnectionService::new(service, Arc::clone(&connection));
        Self {
            parser: Parser::new(builder, io, service),
            leave: shared.leave.notified(),
            stop: shared.stop.notified(),
            watchdog: Watchdog::new(&shared.limits, Http::One),
            connection,
            shared,
            hears_stop: false,
            is_closing: false,
        }
    }
}

impl<IO, S> Future for Http1<IO, S>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: ViewerService,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if !*this.hears_stop {
            // A task keeps its waker, so one poll suffices; later turns only look at the flag.
            *this.hears_stop = true;
            let _leaving = this.leave.poll(cx);
            let _stopping = this.stop.poll(cx);
        }
        if this.shared.leave.is_requested() && this.connection.leave() {
            this.watchdog.hurry(LEAVING_IDLE);
        }
        if !*this.is_closing && this.shared.stop.is_requested() {
            *this.is_closing = true;
            this.parser.close(this.connection);
        }
        loop {
            if this.parser.poll_begin(cx, this.connection) == Poll::Ready(true) {
                this.watchdog.wake();
            }
            if let Poll::Ready(ended) = this.parser.poll(cx) {
                return over(ended, this.shared);
            }
            match this.watchdog.poll(cx, this.connection, &this.shared.limits) {
                Poll::Pending if this.watchdog.takes_rest() && !*this.is_closing => {
                    this.watchdog.rest();
                    if let Poll::Ready(ended) = this.parser.park(cx, this.connection) {
                        return over(ended, this.shared);
                    }
                }
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Phase::Idle) if !*this.is_closing => {
                    *this.is_closing = true;
                    this.parser.close(this.connection);
                }
                Poll::Ready(phase) => {
                    refusal_of(phase).into_iter().for_each(|refusal| this.shared.refusals.count(refusal));
                    return Poll::Ready(());
                }
            }
        }
    }
}

/// hyper has answered what can be answered.
fn over(ended: hyper::Result<()>, shared: &Shared) -> Poll<()> {
    // Or a viewer that went away.
    if ended.is_err_and(|error| error.is_parse()) {
        shared.refusals.count(ViewerRefusal::Malformed);
    }
    Poll::Ready(())
}

/// How long a connection may rest once the server leaves: who has not sent a request for so long has none on its way.
const LEAVING_IDLE: Duration = Duration::from_secs(5);
/// hyper refuses smaller buffers.
const MIN_BUFFER: usize = 8 * 1024;
