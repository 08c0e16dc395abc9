//! Between stages 3 and 4: a viewer that asks to switch to WebSocket gets a connection of its own to the origin.
//!
//! Such a request is neither looked up nor stored nor collapsed. When the origin switches too, its bytes go both ways as
//! they are, and the exchange ends, with its log record, when the tunnel does (RFC 6455; guide,
//! distribution-working-with.websockets). Over HTTP/2 viewers ask by extended CONNECT (RFC 8441), which becomes a GET for
//! all stages. Invariant: the origin is asked to switch only where the behavior forwards the fields without which it cannot;
//! elsewhere a request to upgrade is one like any other, as RFC 9110 section 7.8 allows, and an extended CONNECT is refused.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use edgeward_http_rules::fields;
use edgeward_net::origin::OriginPlace;
use edgeward_net::{TunnelBytes, relay, switched};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header};
use hyper::ext::Protocol;
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

/// Marks a request that came as extended CONNECT.
#[derive(Clone, Copy)]
pub(crate) struct ExtendedConnect;

/// Makes the extended CONNECT of a viewer over HTTP/2 what its origin gets over HTTP/1.1: a GET, with a key of the edge's.
pub(crate) fn adopt(request: &mut Parts) {
    let is_websocket = request.version == Version::HTTP_2
        && request.method == Method::CONNECT
        && request.extensions.get::<Protocol>().is_some_and(|protocol| protocol.as_str() == "websocket");
    if is_websocket {
        request.method = Method::GET;
        request.extensions.insert(ExtendedConnect);
        let key = BASE64_STANDARD.encode(fastrand::u128(..).to_be_bytes());
        if let Ok(key) = HeaderValue::try_from(key) {
            request.headers.insert(header::SEC_WEBSOCKET_KEY, key);
        }
    }
}

/// What an origin answers to a key (RFC 6455 section 4.2.2).
fn accepts(key: &HeaderValue) -> String {
    let proof = [key.as_bytes(), b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat();
    BASE64_STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &proof))
}

/// The viewer's side of a switch to WebSocket, where it asks for one and its origin can be asked.
pub(crate) fn asked(exchange: &mut Exchange) -> Result<Option<OnUpgrade>, Refusal> {
    let request = &exchange.request;
    let is_upgrade = request.method == Method::GET
        && request.version == Version::HTTP_11
        && exchange.content_received.is_none()
        // Without a key it is no opening handshake, and the origin could take it for anything (RFC 6455 section 4.2.1).
        && request.headers.contains_key(header::SEC_WEBSOCKET_KEY)
        && switches_to_websocket(&request.headers);
    let is_extended_connect = exchange.is_extended_connect();
    if !is_upgrade && !is_extended_connect {
        return Ok(None);
    }
    let forwarding = exchange.route.as_ref().map(|route| &route.behavior.forwarding.headers);
    let can_be_asked = forwarding.is_some_and(|headers| NEEDED.iter().all(|name| headers.forwards(name)));
    match (is_extended_connect, can_be_asked) {
        (true, true) => exchange.request.extensions.remove().map(Some).ok_or(Refusal::InvalidTarget),
        (true, false) => Err(Refusal::InvalidTarget),
        (false, true) => Ok(exchange.request.extensions.remove()),
        (false, false) => Ok(None),
    }
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
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS && !(status.is_success() && exchange.is_extended_connect()) {
        return Switch::Declined(exchange, Reply::Passed(Box::new(response)));
    }
    let origin = response.extensions_mut().remove::<OnUpgrade>();
    let place = response.extensions_mut().remove::<OriginPlace>();
    match origin.zip(place).filter(|_| is_switched(&exchange, response.headers())) {
        Some(origin) => Switch::Made(switch(exchange, response.into_parts().0.headers, viewer, origin)),
        None => Switch::Declined(exchange, Reply::Refused(Refusal::OriginInvalidResponse)),
    }
}

/// Whether an answer with 101 is one to the request. A viewer over HTTP/1.1 proves its key itself.
fn is_switched(exchange: &Exchange, answer: &HeaderMap) -> bool {
    let key = exchange.request.headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| exchange.is_extended_connect());
    let is_proved =
        key.is_none_or(|key| answer.get(header::SEC_WEBSOCKET_ACCEPT).is_some_and(|proof| *proof == *accepts(key)));
    is_proved && switches_to_websocket(answer)
}

fn switch(
    mut exchange: Box<Exchange>,
    headers: HeaderMap,
    viewer: OnUpgrade,
    (origin, place): (OnUpgrade, OriginPlace),
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
        drop((tunnel, in_use, place));
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

    // The example of RFC 6455 section 1.3.
    #[test]
    fn an_origin_proves_that_it_has_read_the_key() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accepts(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

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
