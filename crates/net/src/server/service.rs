//! The seam between connections and the pipeline: the trait the pipeline implements, and its adapter to hyper.
//!
//! Invariant: from the call of the service until the response's body is dropped the connection counts the request as in
//! progress; that is what idle timeouts and the framing witness rely on. Used by `http1` and `http2`; `http3` calls the
//! service itself.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;
use pin_project_lite::pin_project;

use super::stall::{self, Asked};
use crate::connection::{Connection, RequestInProgress};
use crate::framing::Content;
use crate::request_content::RequestContent;

/// What answers viewer requests: the pipeline. One instance per worker, cloned for each connection.
pub trait ViewerService: Clone + Send + Sync + 'static {
    /// The response body. Dropping it early aborts the response.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static;
    /// Resolves to the response; runs on the connection's worker.
    type Future: Future<Output = Response<Self::Body>> + Send + 'static;

    /// Answers one request.
    fn call(&self, connection: &Arc<Connection>, request: Request<RequestContent>) -> Self::Future;
}

/// hyper's view of the service on one connection.
#[derive(Debug)]
pub(super) struct ConnectionService<S, const HTTP1: bool> {
    service: S,
    connection: Arc<Connection>,
}

impl<S, const HTTP1: bool> ConnectionService<S, HTTP1> {
    pub(super) fn new(service: S, connection: Arc<Connection>) -> Self {
        Self { service, connection }
    }
}

impl<S: ViewerService, const HTTP1: bool> Service<Request<Incoming>> for ConnectionService<S, HTTP1> {
    type Response = Response<TrackedBody<S::Body>>;
    type Error = Infallible;
    type Future = TrackedResponse<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        if HTTP1 {
            self.connection.head_finished(content_of(request.body()));
        }
        TrackedResponse {
            in_progress: Some(self.connection.begin_request()),
            notes_pieces: !HTTP1,
            is_last: HTTP1 && self.connection.is_used_up(),
            response: self.service.call(&self.connection, request.map(RequestContent::Hyper)),
        }
    }
}

/// hyper's decoder is the authority on how the content ends; the field lines are not.
fn content_of(body: &Incoming) -> Content {
    body.size_hint().exact().map_or(Content::Chunked, Content::Length)
}

pin_project! {
    /// The service's future; hands the mark of a request in progress on to the body.
    #[derive(Debug)]
    pub(super) struct TrackedResponse<F> {
        in_progress: Option<RequestInProgress>,
        notes_pieces: bool,
        is_last: bool,
        #[pin]
        response: F,
    }
}

impl<F: Future<Output = Response<B>>, B> Future for TrackedResponse<F> {
    type Output = Result<Response<TrackedBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.response.poll(cx));
        let is_leaving = this.in_progress.as_ref().is_some_and(|it| it.connection().is_leaving());
        // A viewer that switches protocols has none after it anyway.
        let is_switching = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if (*this.is_last || is_leaving) && !is_switching {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let in_progress = this.in_progress.take();
        let notes_pieces = *this.notes_pieces;
        Poll::Ready(Ok(response.map(|body| TrackedBody { body, in_progress, notes_pieces })))
    }
}

pin_project! {
    /// A response body that marks its request as in progress.
    #[derive(Debug)]
    pub(super) struct TrackedBody<B> {
        #[pin]
        body: B,
        in_progress: Option<RequestInProgress>,
        // Of HTTP/1.1 and HTTP/3 the socket and the stream say whether the viewer makes room.
        notes_pieces: bool,
    }
}

impl<B> TrackedBody<B> {
    pub(super) fn new(body: B, in_progress: RequestInProgress) -> Self {
        Self { body, in_progress: Some(in_progress), notes_pieces: false }
    }
}

impl<B: Body<Data = Bytes>> Body for TrackedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(cx);
        if *this.notes_pieces {
            note_piece(&polled, this.in_progress.as_ref());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn note_piece<E>(polled: &Poll<Option<Result<Frame<Bytes>, E>>>, in_progress: Option<&RequestInProgress>) {
    let handed = match polled {
        Poll::Ready(Some(Ok(frame))) => frame.data_ref().map(Bytes::len),
        _ => None,
    };
    stall::note(handed.map_or(Asked::Nothing, Asked::Handed));
    if let (Some(bytes), Some(in_progress)) = (handed, in_progress) {
        in_progress.connection().handed(bytes);
    }
}
