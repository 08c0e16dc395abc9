//! One HTTP/2 viewer connection over TLS from its preface to its close.
//!
//! Invariant: every turn ends with the flusher, so what the turn produced is on its way before the task sleeps; see
//! `coalesce`. Ends by its time limits, after the streams in progress once the server leaves (GOAWAY), or by the viewer.
//! Run by `worker`.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::server::conn::http2;
use hyper_util::rt::TokioIo;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::futures::OwnedNotified;

use super::Shared;
use super::executor::StreamExecutor;
use super::service::{ConnectionService, ViewerService};
use super::watchdog::{Http, Watchdog, refusal_of};
use crate::coalesce::{CoalescingWriter, Flusher, coalesce};
use crate::connection::{Connection, Phase, ViewerIo};
use crate::limits::ViewerRefusal;

pin_project! {
    /// Serves one connection; resolves when it is over, whatever the reason.
    pub(super) struct Http2<IO, S>
    where
        S: ViewerService,
    {
        #[pin]
        http: http2::Connection<TokioIo<CoalescingWriter<ViewerIo<IO, false>>>, ConnectionService<S, false>, StreamExecutor>,
        #[pin]
        leave: OwnedNotified,
        flusher: Flusher<ViewerIo<IO, false>>,
        connection: Arc<Connection>,
        shared: Arc<Shared>,
        watchdog: Watchdog,
        hears_leave: bool,
        is_closing: bool,
    }
}

/// The settings of all HTTP/2 connections.
pub(super) fn builder(shared: &Arc<Shared>) -> http2::Builder<StreamExecutor> {
    let limits = &shared.limits;
    let mut builder = http2::Builder::new(StreamExecutor::new(Arc::clone(shared)));
    builder
        // The pipeline sets Date.
        .auto_date_header(false)
        .max_concurrent_streams(limits.max_concurrent_streams)
        .max_header_list_size(u32::try_from(limits.max_head_bytes).unwrap_or(u32::MAX))
        // WebSocket (RFC 8441).
        .enable_connect_protocol()
        // Request content in flight per stream and per connection: what a viewer can make the edge hold.
        .adaptive_window(false)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        // Rapid reset (CVE-2023-44487) and its mirror image made of streams the edge has to reset.
        .max_pending_accept_reset_streams(MAX_RESET_STREAMS)
        .max_local_error_reset_streams(MAX_RESET_STREAMS);
    builder
}

impl<IO, S> Http2<IO, S>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: ViewerService,
{
    pub(super) fn new(
        builder: &http2::Builder<StreamExecutor>,
        io: IO,
        service: S,
        connection: Arc<Connection>,
        shared: Arc<Shared>,
    ) -> Self {
        let (io, flusher) = coalesce(ViewerIo::new(io, Arc::clone(&connection), &shared.limits));
        let service = ConnectionService::new(service, Arc::clone(&connection));
        Self {
            http: builder.serve_connection(TokioIo::new(io), service),
            leave: shared.leave.notified(),
            flusher,
            watchdog: Watchdog::new(&shared.limits, Http::Two),
            connection,
            shared,
            hears_leave: false,
            is_closing: false,
        }
    }
}

impl<IO, S> Future for Http2<IO, S>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: ViewerService,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if !*this.hears_leave {
            // A task keeps its waker, so one poll suffices; later turns only look at the flag.
            *this.hears_leave = true;
            let _leaving = this.leave.poll(cx);
        }
        if !*this.is_closing && this.shared.leave.is_requested() {
            *this.is_closing = true;
            this.http.as_mut().graceful_shutdown();
        }
        loop {
            if let Poll::Ready(ended) = this.http.as_mut().poll(cx) {
                // Or a viewer that went away. h2 has sent its GOAWAY.
                let broken = ended.err().and_then(|error| reason_of(&error));
                if broken == Some(h2::Reason::ENHANCE_YOUR_CALM) {
                    this.shared.pause(this.connection.viewer);
                }
                if this.connection.refusal().is_some() {
                    this.flusher.take_leave(cx, &ENHANCE_YOUR_CALM);
                }
                let refusal = this.connection.refusal().or(broken.map(|_| ViewerRefusal::Malformed));
                refusal.into_iter().for_each(|refusal| this.shared.cut_off(this.connection.viewer, refusal));
                return Poll::Ready(());
            }
            if !*this.is_closing && this.connection.is_used_up() {
                *this.is_closing = true;
                this.http.as_mut().graceful_shutdown();
                continue;
            }
            if this.connection.ignores_its_end(&this.shared.limits) {
                return Poll::Ready(());
            }
            if let Poll::Ready(Err(_gone)) = this.flusher.poll_flush(cx) {
                return Poll::Ready(());
            }
            match this.watchdog.poll(cx, this.connection, &this.shared.limits) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Phase::Idle) if !*this.is_closing => {
                    *this.is_closing = true;
                    this.http.as_mut().graceful_shutdown();
                }
                Poll::Ready(phase) => {
                    refusal_of(phase).into_iter().for_each(|refusal| this.shared.refusals.count(refusal));
                    return Poll::Ready(());
                }
            }
        }
    }
}

/// Why h2 ended the connection; `None`: the network or the viewer did.
fn reason_of(error: &hyper::Error) -> Option<h2::Reason> {
    let error = error.source()?.downcast_ref::<h2::Error>().filter(|error| error.is_library())?;
    Some(error.reason().unwrap_or(h2::Reason::PROTOCOL_ERROR))
}

const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Response bytes a stream may queue ahead of the socket.
const SEND_BUFFER: usize = 256 * 1024;
const MAX_RESET_STREAMS: usize = 128;
/// GOAWAY for a viewer who makes work instead of requests (RFC 9113 sections 6.8 and 7). It names the highest stream there
/// may be: any of the viewer's requests may have reached an origin.
const ENHANCE_YOUR_CALM: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0x0b];
