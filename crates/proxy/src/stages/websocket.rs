//! Between stages 3 and 4: a viewer that asks to switch to WebSocket gets a connection of its own to the origin.
//!
//! Such a request is neither looked up nor stored nor collapsed. When the origin switches too, its bytes go both ways as
//! they are, and the exchange ends, with its log record, when the tunnel does (RFC 6455; guide,
//! distribution-working-with.websockets). Invariant: the origin is asked to switch only where the behavior forwards the
//! fields without which it cannot; elsewhere the request is one like any other, as RFC 9110 section 7.8 allows.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use edgeward_http_rules::fields;
use edgeward_net::{TunnelBytes, relay, switched};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header};
use hyper::upgrade::OnUpgrade;

use super::viewer_response::{self, Reply};
use crate::content::ResponseContent;
use crate::exchange::Exchange;
use crate::failover;
use crate::origin_request::Purpose;
use crate::refusal::Refusal;
use crate::viewer_content::ContentReceived;

/// Guide, quotas: how long the origin may be silent.
const IDLE: Duration = Duration::from_secs(600);
/// In Upgrade.
pub(crate) const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
/// In Connection.
pub(crate) const UPGRADE: HeaderValue = HeaderValue::from_static("Upgrade");
static NEEDED: [HeaderName; 2] = [header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION];

/// The viewer's side of a switch to WebSocket, where it asks for one and its origin can be asked.
pub(crate) fn asked(exchange: &mut Exchange) -> Option<OnUpgrade> {
    let request = &exchange.request;
    let is_asked = request.method == Method::GET
        && request.version == Version::HTTP_11
        && exchange.content_received.is_none()
        && switches_to_websocket(&request.headers);
    let forwarding = &exchange.route.as_ref()?.behavior.forwarding;
    let can_be_asked = NEEDED.iter().all(|name| forwarding.headers.forwards(name));
    if is_asked && can_be_asked { exchange.request.extensions.remove() } else { None }
}

/// RFC 6455 section 4.1 and 4.2.1.
fn switches_to_websocket(headers: &HeaderMap) -> bool {
    let is_listed = |name: &HeaderName, word: &str| {
        fields::members(headers, name).any(|member| member.eq_ignore_ascii_case(word.as_bytes()))
    };
    is_listed(&header::CONNECTION, "upgrade") && is_listed(&header::UPGRADE, "websocket")
}

/// What became of a request to switch.
pub(crate) enum Switch {
    /// Both sides switch; the response is the last of HTTP on this connection.
    Made(Response<ResponseContent>),
    /// The origin does not, or failed.
    Declined(Box<Exchange>, Reply),
}

/// Asks the origin to switch as well.
pub(crate) async fn answer(exchange: Box<Exchange>, viewer: OnUpgrade) -> Switch {
    let mut response = match failover::send(&exchange, Purpose::Switch, None).await {
        Ok(response) => response,
        Err(refusal) => return Switch::Declined(exchange, Reply::Refused(refusal)),
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Switch::Declined(exchange, Reply::Passed(Box::new(response)));
    }
    let origin = response.extensions_mut().remove::<OnUpgrade>();
    match origin.filter(|_| switches_to_websocket(response.headers())) {
        Some(origin) => Switch::Made(switch(exchange, response.into_parts().0.headers, viewer, origin)),
        None => Switch::Declined(exchange, Reply::Refused(Refusal::OriginInvalidResponse)),
    }
}

fn switch(
    mut exchange: Box<Exchange>,
    headers: HeaderMap,
    viewer: OnUpgrade,
    origin: OnUpgrade,
) -> Response<ResponseContent> {
    let bytes = TunnelBytes::default();
    exchange.content_received = Some(Arc::new(ContentReceived::counted_by(Arc::clone(&bytes.received))));
    let in_use = exchange.connection.begin_tunnel();
    let (response, exchange) = viewer_response::switching(exchange, headers);
    tokio::spawn(async move {
        let tunnel = Tunnel { exchange, bytes };
        if let (Ok(viewer), Ok(origin)) = tokio::join!(switched(viewer), switched(origin)) {
            // However it ends it is logged as Miss: peers of WebSocket often just close.
            let _end = relay(viewer, origin, IDLE, &tunnel.bytes).await;
        }
        drop((tunnel, in_use));
    });
    response
}

/// Writes the log record when it is dropped: at its end, or when the edge stops.
struct Tunnel {
    exchange: Option<Box<Exchange>>,
    bytes: TunnelBytes,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        if let Some(outcome) = self.exchange.as_mut().and_then(|exchange| exchange.outcome.as_mut()) {
            outcome.content_bytes = self.bytes.sent.load(Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_to_websocket_is_asked_for_by_two_fields() {
        for (lines, expected) in [
            (&[("connection", "Upgrade"), ("upgrade", "websocket")][..], true),
            (&[("connection", "keep-alive, upgrade"), ("upgrade", "WebSocket")], true),
            (&[("connection", "keep-alive"), ("connection", "upgrade"), ("upgrade", "websocket")], true),
            (&[("connection", "Upgrade"), ("upgrade", "h2c, websocket")], true),
            (&[("connection", "Upgrade"), ("upgrade", "h2c")], false),
            (&[("connection", "keep-alive"), ("upgrade", "websocket")], false),
            (&[("upgrade", "websocket")], false),
            (&[("connection", "Upgrade")], false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(switches_to_websocket(&headers), expected, "{lines:?}");
        }
    }
}
