//! One exchange with an origin: the request out, the head of the response in, and when to ask again.
//!
//! Invariant: what may have reached the origin is sent again only where that is safe. Called by `failover`.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use edgeward_net::origin::{OriginBody, OriginError};
use edgeward_net::{ViewerContent, ViewerContentError};
use edgeward_plan::Origin;
use http::{Method, Response};
use http_body::{Body, Frame, SizeHint};

use crate::exchange::Exchange;
use crate::explain::Facts;
use crate::origin_request::{self, Purpose};
use crate::refusal::Refusal;

/// Sends the request to `origin` and waits for the head of the response.
pub(crate) async fn send(
    exchange: &Exchange,
    origin: &Origin,
    purpose: Purpose<'_>,
    content: Option<ViewerContent>,
) -> Result<Response<OriginBody>, Refusal> {
    let request = origin_request::build(exchange, origin, purpose)?;
    let worker = &exchange.worker;
    let (address, timeouts) = origin_request::address(origin, exchange.is_https(), worker.engine.s3_endpoint.as_ref());
    exchange.explain(|facts| facts.asked(origin, &address, &request));
    let content = RequestContent::new(content, exchange.content_received.clone());
    let is_repeatable = content.is_empty() && is_safe(request.method());
    exchange.explain(Facts::sent);
    let mut sent = worker.origins.send(&address, &timeouts, request.clone().map(|()| content)).await;
    let mut retries = Retries { unanswered: timeouts.attempts.saturating_sub(1), closed: 1 };
    while let Some(error) = sent.as_ref().err().filter(|_| is_repeatable) {
        if !retries.allow(error) {
            break;
        }
        exchange.explain(Facts::sent);
        sent = worker.origins.send(&address, &timeouts, request.clone().map(|()| RequestContent::empty())).await;
    }
    if let Ok(response) = &sent {
        exchange.cache_status.answered(response.status());
    }
    exchange.explain(|facts| facts.replied(sent.as_ref().map(Response::status)));
    sent.map_err(|error| Refusal::from(&error))
}

/// The requests CloudFront sends again (guide, DownloadDistValuesOrigin, response timeout).
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// How often a request may still be sent again, by what went wrong.
struct Retries {
    /// No answer in time: as often as the origin's connection attempts allow.
    unanswered: u8,
    /// An idle connection that the origin was just closing (RFC 9110 section 9.2.2).
    closed: u8,
}

impl Retries {
    fn allow(&mut self, error: &OriginError) -> bool {
        let left = match error {
            OriginError::ResponseTimeout => &mut self.unanswered,
            OriginError::ZeroSize { reused: true } => &mut self.closed,
            _ => return false,
        };
        let is_left = *left > 0;
        *left = left.saturating_sub(1);
        is_left
    }
}

/// The viewer's content on its way to the origin, counted.
struct RequestContent {
    incoming: Option<ViewerContent>,
    received: Option<Arc<AtomicU64>>,
}

impl RequestContent {
    fn new(incoming: Option<ViewerContent>, received: Option<Arc<AtomicU64>>) -> RequestContent {
        RequestContent { incoming: incoming.filter(|incoming| !incoming.is_end_stream()), received }
    }

    fn empty() -> RequestContent {
        RequestContent { incoming: None, received: None }
    }

    fn is_empty(&self) -> bool {
        self.incoming.is_none()
    }
}

impl Body for RequestContent {
    type Data = Bytes;
    type Error = ViewerContentError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ViewerContentError>>> {
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        let polled = std::task::ready!(Pin::new(incoming).poll_frame(context));
        let data = polled.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
        if let (Some(data), Some(received)) = (data, &self.received) {
            received.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}
