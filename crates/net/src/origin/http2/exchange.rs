//! One request on one stream, up to the head of its response.
//!
//! Invariant: the wait for the head ends when nothing has been sent for the response timeout. Where the request fails its
//! stream is reset, so that the origin stops as well. Called by the pool.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response, StatusCode};
use tokio::time::timeout;

use super::super::{OriginError, OriginTimeouts};
use super::body::{Http2Body, Sending, Silence};
use super::connection::{OpenStream, Reserved};
use super::upload::{Broken, Upload};

/// Why an exchange gave no response.
#[derive(Debug)]
pub(super) enum Failure {
    /// The origin has not looked at it: it may be sent elsewhere.
    Unprocessed(OriginError),
    /// It may have.
    Final(OriginError),
}

/// A response whose head is there.
pub(super) struct Answered {
    response: Response<RecvStream>,
    sending: SendStream<Bytes>,
    stream: OpenStream,
}

impl Answered {
    /// From here on content goes both ways by itself.
    pub(super) fn into_response(self, mut upload: Upload, timeouts: &OriginTimeouts) -> Response<Http2Body> {
        upload.forget_sent();
        let moves = Arc::clone(upload.moves());
        let sending = Sending::spawn(upload, self.sending);
        self.response.map(|content| Http2Body::new(content, sending, self.stream, Silence::new(moves, timeouts)))
    }
}

pub(super) async fn exchange(
    reserved: Reserved,
    head: &Request<()>,
    upload: &mut Upload,
    response_timeout: Duration,
) -> Result<Answered, Failure> {
    let Reserved { mut sender, stream } = reserved;
    // Refused here nothing of it has left.
    let unsent = |error: h2::Error| Failure::Unprocessed(classify(&error));
    let (mut response, mut sending) = sender.send_request(head.clone(), upload.is_empty()).map_err(unsent)?;
    loop {
        let before = upload.moves().load(Ordering::Relaxed);
        let answer = poll_fn(|cx| poll_answer(cx, upload, &mut sending, &mut response));
        match timeout(response_timeout, answer).await {
            Ok(Ok(response)) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                let error = OriginError::InvalidResponse("status 101 over HTTP/2".into());
                return Err(Failure::Final(error));
            }
            Ok(Ok(response)) => return Ok(Answered { response, sending, stream }),
            Ok(Err(failure)) => return Err(failure),
            Err(_elapsed) if upload.moves().load(Ordering::Relaxed) == before => {
                return Err(Failure::Final(OriginError::ResponseTimeout));
            }
            Err(_elapsed) => {}
        }
    }
}

fn poll_answer(
    cx: &mut Context<'_>,
    upload: &mut Upload,
    sending: &mut SendStream<Bytes>,
    response: &mut ResponseFuture,
) -> Poll<Result<Response<RecvStream>, Failure>> {
    if let Poll::Ready(Err(broken)) = upload.poll(cx, sending) {
        sending.send_reset(reason_of(&broken));
        return Poll::Ready(Err(Failure::Final(OriginError::RequestContent(broken.to_string().into()))));
    }
    Pin::new(response).poll(cx).map_err(|error| failure(&error))
}

/// The code with which the viewer gave up, where it did so with one.
pub(super) fn reason_of(broken: &Broken) -> Reason {
    let root: &(dyn Error + 'static) = broken.as_ref();
    let mut causes = std::iter::successors(Some(root), |error: &&(dyn Error + 'static)| (*error).source());
    causes.find_map(|error| error.downcast_ref::<h2::Error>()?.reason()).unwrap_or(Reason::CANCEL)
}

/// RFC 9113 section 8.7.
fn failure(error: &h2::Error) -> Failure {
    let is_refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    // Of a connection that ends in order h2 fails the streams beyond the last one that the origin looked at.
    let is_beyond = error.is_go_away() && error.reason() == Some(Reason::NO_ERROR);
    match error.is_remote() && (is_refused || is_beyond) {
        true => Failure::Unprocessed(classify(error)),
        false => Failure::Final(classify(error)),
    }
}

pub(super) fn classify(error: &h2::Error) -> OriginError {
    match (error.get_io(), error.reason()) {
        (Some(error), _) => OriginError::Read(Arc::new(io::Error::new(error.kind(), error.to_string()))),
        (None, Some(reason)) if error.is_remote() => OriginError::Reset(reason.into()),
        (None, _) => OriginError::InvalidResponse(error.to_string().into()),
    }
}
