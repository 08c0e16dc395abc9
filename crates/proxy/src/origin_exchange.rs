//! One exchange with an origin: the beginning of the viewer's content awaited, the request out, the head of the response
//! in, and when to ask again.
//!
//! Invariant: what may have reached the origin is sent again only where that is safe. Called by `failover`; `stages::grpc` goes the
//! same way with an exchange of its own.

use std::sync::atomic::Ordering;

use edgeward_net::RequestContent;
use edgeward_net::origin::{OriginAddress, OriginBody, OriginError, OriginTimeouts};
use edgeward_plan::Origin;
use http::header::EXPECT;
use http::{Method, Response};
use tokio::time::Instant;

use crate::exchange::Exchange;
use crate::explain::Facts;
use crate::origin_request::{self, Purpose};
use crate::refusal::Refusal;
use crate::viewer_content::{ContentFailure, ViewerContent};

/// Sends the request to `origin` and waits for the head of the response.
pub(crate) async fn send(
    exchange: &Exchange,
    origin: &Origin,
    purpose: Purpose<'_>,
    content: Option<RequestContent>,
) -> Result<Response<OriginBody>, Refusal> {
    let worker = &exchange.worker;
    let pace = worker.engine.content_pace;
    let mut content = ViewerContent::new(content, exchange.content_received.clone(), pace);
    let is_repeatable = content.is_empty() && is_safe(exchange.method());
    if !content.is_empty() && !asks_for_consent(exchange) {
        // Before the request is built: many who send slowly are not to hold one each.
        content.hold(&worker.engine.holding_room).await.map_err(|failure| viewers_refusal(exchange, &failure))?;
    }
    let request = origin_request::build(exchange, origin, purpose)?;
    let (address, timeouts) = way(exchange, origin)?;
    exchange.explain(|facts| facts.asked(origin, &address, &request));
    exchange.explain(Facts::sent);
    // In a box: what waits for the viewer's content is not to have the room that connecting takes.
    let mut sent = Box::pin(worker.origins.send(&address, &timeouts, request.clone().map(|()| content))).await;
    let mut retries = Retries { unanswered: timeouts.attempts.saturating_sub(1), closed: 1 };
    while let Some(error) = sent.as_ref().err().filter(|_| is_repeatable) {
        if !retries.allow(error) {
            break;
        }
        exchange.explain(Facts::sent);
        let nothing = ViewerContent::new(None, None, pace);
        sent = Box::pin(worker.origins.send(&address, &timeouts, request.clone().map(|()| nothing))).await;
    }
    if let Ok(response) = &sent {
        exchange.cache_status.answered(response.status());
    }
    exchange.explain(|facts| facts.replied(sent.as_ref().map(Response::status)));
    sent.map_err(|error| refusal(exchange, &error))
}

/// Whether the origin is to say that it wants the content before it comes (RFC 9110 section 10.1.1).
fn asks_for_consent(exchange: &Exchange) -> bool {
    let forwarded = exchange.route.as_ref().map(|route| &route.behavior.forwarding.headers);
    exchange.request.headers.contains_key(EXPECT) && forwarded.is_some_and(|headers| headers.forwards(&EXPECT))
}

/// Where a request goes that is sent now, as whom, and within which times.
pub(crate) fn way(exchange: &Exchange, origin: &Origin) -> Result<(OriginAddress, OriginTimeouts), Refusal> {
    let engine = &exchange.worker.engine;
    let (mut address, mut timeouts) = origin_request::address(origin, exchange.is_https(), engine.s3_endpoint.as_ref());
    if let Some(certificate) = origin.client_certificate.as_ref().filter(|_| address.tls) {
        address.identity = Some(engine.client_identities.of(certificate)?);
    }
    timeouts.complete_by = origin.response_completion_timeout.map(|limit| Instant::now() + limit);
    Ok((address, timeouts))
}

fn refusal(exchange: &Exchange, error: &OriginError) -> Refusal {
    let is_too_slow = exchange.content_received.as_ref().is_some_and(|received| received.is_too_slow());
    match error {
        OriginError::RequestContent(_) if is_too_slow => too_slow(exchange),
        error => error.into(),
    }
}

/// Before the origin was asked.
fn viewers_refusal(exchange: &Exchange, failure: &ContentFailure) -> Refusal {
    match failure {
        ContentFailure::TooSlow => too_slow(exchange),
        ContentFailure::Broken(_) => Refusal::ViewerContentBroken,
    }
}

fn too_slow(exchange: &Exchange) -> Refusal {
    exchange.worker.engine.slow_contents.fetch_add(1, Ordering::Relaxed);
    Refusal::ViewerTooSlow
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
