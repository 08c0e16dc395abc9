//! Between stages 3 and 4: a gRPC request goes to the origin on an HTTP/2 stream of its own, and comes back on the viewer's.
//!
//! Where the behavior allows gRPC, a POST over HTTP/2 whose content is gRPC's is neither looked up nor stored, compressed
//! nor collapsed; content goes both ways at the same time, and trailers with it. Everything else of the same behavior is a
//! request like any other (guide, distribution-using-grpc). Invariant: gRPC is secure end to end. A stream may rest for as
//! long as its origin may (OriginReadTimeout), however slowly its viewer sends: that is what streams are for.

use bytes::Bytes;
use edgeward_http_rules::hop_by_hop;
use edgeward_net::RequestContent;
use edgeward_plan::Origin;
use http::{HeaderMap, HeaderValue, Method, Request, Version, header};
use http_body::{Body, Frame};
use http_body_util::BodyExt;

use super::viewer_response::Reply;
use crate::cache_status::Forwarded;
use crate::exchange::Exchange;
use crate::explain::Facts;
use crate::invalidation;
use crate::origin_exchange;
use crate::origin_request::{self, Purpose};
use crate::refusal::Refusal;

const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");
/// Names that gRPC keeps for itself (grpc/doc/PROTOCOL-HTTP2.md): without them content cannot be decoded or ends too late.
const RESERVED: &str = "grpc-";

/// Whether the request is a gRPC one that its behavior allows.
pub(crate) fn is_asked(exchange: &Exchange) -> bool {
    let request = &exchange.request;
    request.version == Version::HTTP_2
        && request.method == Method::POST
        && exchange.is_https()
        && exchange.route.as_ref().is_some_and(|route| route.behavior.grpc)
        && is_grpc(&request.headers)
}

/// `application/grpc`, also with a message format after `+`, or parameters; not the other protocols that begin alike.
fn is_grpc(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (lines.next(), lines.next()) else { return false };
    let kind = kind.as_bytes();
    let is_alike = |kind: &[u8]| kind.eq_ignore_ascii_case(b"application/grpc");
    kind.split_at_checked("application/grpc".len())
        .is_some_and(|(kind, rest)| is_alike(kind) && matches!(rest, [] | [b'+' | b';' | b' ' | b'\t', ..]))
}

/// What gRPC needs of a request beside what the behavior forwards.
pub(crate) fn write(viewer: &HeaderMap, headers: &mut HeaderMap) {
    for name in viewer.keys().filter(|name| name.as_str().starts_with(RESERVED)) {
        headers.remove(name);
        for value in viewer.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    headers.insert(header::TE, TRAILERS);
}

/// Opens a stream to the origin, and waits for the head of its response.
pub(crate) async fn answer(exchange: &Exchange, content: RequestContent) -> Reply {
    exchange.cache_status.forwarded(Forwarded::Bypass);
    exchange.explain(Facts::grpc);
    let Some(route) = &exchange.route else { return Reply::Refused(Refusal::UnknownHost) };
    let origin = route.behavior.target.primary();
    match send(exchange, origin, content).await {
        Ok(reply) => reply,
        Err(refusal) => Reply::Refused(refusal),
    }
}

async fn send(exchange: &Exchange, origin: &Origin, content: RequestContent) -> Result<Reply, Refusal> {
    let request = origin_request::build(exchange, origin, Purpose::Grpc)?;
    let worker = &exchange.worker;
    let (address, timeouts) = origin_exchange::way(exchange, origin)?;
    exchange.explain(|facts| facts.asked(origin, &address, &request));
    if !address.tls {
        return Err(Refusal::GrpcInClear);
    }
    exchange.explain(Facts::sent);
    let sent = worker.origins.stream(&address, &timeouts, with_content(request, exchange, content)).await;
    exchange.explain(|facts| facts.replied(sent.as_ref().map(http::Response::status)));
    let response = sent.map_err(|error| Refusal::from(&error))?;
    exchange.cache_status.answered(response.status());
    invalidation::after(exchange, response.status(), response.headers());
    Ok(Reply::Streamed(Box::new(response)))
}

/// The content is counted on its way. How slowly it may come is not for the edge to say.
fn with_content(
    request: Request<()>,
    exchange: &Exchange,
    content: RequestContent,
) -> Request<impl Body<Data = Bytes, Error = edgeward_net::RequestContentError> + Send + 'static> {
    let received = exchange.content_received.clone();
    request.map(|()| {
        content.map_frame(move |frame| {
            if let (Some(received), Some(data)) = (&received, frame.data_ref()) {
                received.count(data.len());
            }
            without_connection_fields(frame)
        })
    })
}

fn without_connection_fields(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            hop_by_hop::strip(&mut trailers);
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines =
            lines.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
        lines.fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        })
    }

    #[test]
    fn grpc_is_told_by_its_content_type() {
        for (kind, expected) in [
            ("application/grpc", true),
            ("Application/gRPC", true),
            ("application/grpc+proto", true),
            ("application/grpc+json", true),
            ("application/grpc;charset=utf-8", true),
            ("application/grpc ; v=1", true),
            ("application/grpc-web", false),
            ("application/grpc-web+proto", false),
            ("application/grpcx", false),
            ("application/grp", false),
            ("application/json", false),
            ("text/plain; a=application/grpc", false),
            ("", false),
        ] {
            assert_eq!(is_grpc(&headers(&[("content-type", kind)])), expected, "{kind}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
        assert!(!is_grpc(&headers(&[("content-type", "application/grpc"), ("content-type", "application/grpc")])));
    }

    #[test]
    fn what_grpc_needs_reaches_the_origin_whatever_the_policy_forwards() {
        let viewer = headers(&[
            ("grpc-timeout", "1S"),
            ("grpc-encoding", "gzip"),
            ("grpc-tags-bin", "AA"),
            ("grpc-tags-bin", "BB"),
            ("x-mine", "1"),
        ]);
        let mut sent = headers(&[("grpc-timeout", "stale")]);
        write(&viewer, &mut sent);
        let expected = headers(&[
            ("grpc-timeout", "1S"),
            ("grpc-encoding", "gzip"),
            ("grpc-tags-bin", "AA"),
            ("grpc-tags-bin", "BB"),
            ("te", "trailers"),
        ]);
        assert_eq!(sent, expected);
    }
}
