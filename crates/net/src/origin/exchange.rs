//! One request and its response head on one connection.
//!
//! Invariant: the request is handed back only when no byte of it was written; every other failure is final here. The
//! connection goes back to the pool with the end of the response's content and in no other way. Where a message ends is
//! said by its content and by nothing that a viewer wrote. Called by `pool`.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use edgeward_http_rules::framing;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::Body;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::SendRequest;
use tokio::time::timeout;

use super::pool::Lease;
use super::wire::{Moved, Wire};
use super::{OriginBody, OriginError, OriginTimeouts};

/// The content of every request on origin connections: one type, so that they can share a pool.
pub(super) type RequestBody = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// Why an exchange gave no response.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection was closed before anything was written: send it elsewhere.
    Unsent(Box<Request<RequestBody>>),
    /// The request may have reached the origin.
    Final(OriginError),
}

/// Makes a request one for an HTTP/1.1 origin connection.
pub(super) fn prepare<B>(request: Request<B>) -> Request<RequestBody>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let mut request = request.map(|body| body.map_err(Into::into).boxed_unsync());
    *request.version_mut() = Version::HTTP_11;
    frame(&mut request);
    request
}

/// hyper believes a Content-Length that is there already, also of a request without content.
fn frame(request: &mut Request<RequestBody>) {
    let length = request.body().size_hint().exact();
    let headers = request.headers_mut();
    headers.remove(TRANSFER_ENCODING);
    match length {
        Some(0) if !headers.contains_key(CONTENT_LENGTH) => {}
        Some(length) => drop(headers.insert(CONTENT_LENGTH, HeaderValue::from(length))),
        None => drop(headers.remove(CONTENT_LENGTH)),
    }
}

pub(super) async fn exchange(
    mut lease: Lease,
    timeouts: &OriginTimeouts,
    request: Request<RequestBody>,
) -> Result<Response<OriginBody>, Failure> {
    let asks_to_switch = request.headers().contains_key(header::UPGRADE);
    let connection = lease.connection();
    let (wire, reused) = (Arc::clone(&connection.wire), connection.reused);
    if reused && !is_ready(&connection.sender).await {
        return Err(Failure::Unsent(Box::new(request)));
    }
    let before = wire.moved();
    let has_content = !request.body().is_end_stream();
    let sending = connection.sender.try_send_request(request);
    let mut response = match in_time(&wire, has_content, timeouts.response, sending).await {
        None => return Err(Failure::Final(OriginError::ResponseTimeout)),
        Some(Err(error)) => return Err(failure(error, &wire, before, reused)),
        Some(Ok(response)) => response,
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        if !asks_to_switch {
            return Err(Failure::Final(OriginError::InvalidResponse("status 101 without an upgrade".into())));
        }
        response.extensions_mut().insert(lease.end_with_response());
    }
    check_framing(&mut response)
        .map_err(|error| Failure::Final(OriginError::InvalidResponse(error.to_string().into())))?;
    Ok(response.map(|content| OriginBody::new(content, lease, timeouts)))
}

/// RFC 9112 section 6.3: of two framings hyper takes one and drops nothing, and what it reads to the end of the connection
/// may be in an unknown coding.
fn check_framing(response: &mut Response<Incoming>) -> Result<(), framing::FramingError> {
    framing::declared(response.version(), response.headers())?;
    framing::unite_lengths(response.headers_mut())
}

/// Whether a kept connection can take a request now. It cannot when it was closed, or when the former response came
/// before the end of its request's content; the turn is for a connection that only just finished.
async fn is_ready(sender: &SendRequest<RequestBody>) -> bool {
    if !sender.is_ready() {
        tokio::task::yield_now().await;
    }
    sender.is_ready()
}

/// Waits for the response head. Written request content starts the wait anew, but not the head of a request alone; the first
/// byte of the response does so once, so that a head cannot drip in for ever.
async fn in_time<F>(wire: &Wire, has_content: bool, limit: Duration, sending: F) -> Option<F::Output>
where
    F: Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>>,
{
    let mut sending = pin!(sending);
    let before = wire.moved();
    let mut seen = before;
    loop {
        if let Ok(finished) = timeout(limit, sending.as_mut()).await {
            return Some(finished);
        }
        let now = wire.moved();
        let head_began = now.read > before.read;
        let has_moved = now.read != seen.read || (has_content && now.written != seen.written);
        if !has_moved || (head_began && seen.read > before.read) {
            return None;
        }
        seen = now;
    }
}

fn failure(mut error: TrySendError<Request<RequestBody>>, wire: &Wire, before: Moved, reused: bool) -> Failure {
    match error.take_message() {
        Some(unsent) => Failure::Unsent(Box::new(unsent)),
        None => Failure::Final(classify(error.error(), wire, before, reused)),
    }
}

fn classify(error: &hyper::Error, wire: &Wire, before: Moved, reused: bool) -> OriginError {
    if error.is_parse_too_large() {
        OriginError::HeaderTooBig
    } else if error.is_parse() {
        OriginError::InvalidResponse(error.to_string().into())
    } else if error.is_user() {
        OriginError::RequestContent(root_cause(error).to_string().into())
    } else if wire.write_failed() {
        OriginError::Write(io_error(error))
    } else if wire.moved().read == before.read && error.is_incomplete_message() {
        OriginError::ZeroSize { reused }
    } else {
        OriginError::Read(io_error(error))
    }
}

fn root_cause<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| (*error).source()).last().unwrap_or(error)
}

/// The socket's own error when there is one, else the text of `error`.
pub(super) fn io_error(error: &hyper::Error) -> Arc<io::Error> {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    Arc::new(match source {
        Some(source) => io::Error::new(source.kind(), source.to_string()),
        None => io::Error::other(error.to_string()),
    })
}
