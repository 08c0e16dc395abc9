//! The header fields in which the edge itself tells the origin about the viewer.
//!
//! They are put in place of what the viewer sent under the same names, so that cache key and origin request read them
//! like any other field and no viewer can forge them. Called by `pipeline`, before the cache key is made, for the
//! behaviors whose policies name such a field.

use edgeward_net::Connection;
use edgeward_plan::ViewerFact;
use http::request::Parts;
use http::{HeaderValue, Version, header};

use crate::exchange::Exchange;

/// Puts what the behavior asks for into the request.
pub(crate) fn state(exchange: &mut Exchange) {
    let Some(route) = &exchange.route else { return };
    for fact in &route.behavior.forwarding.viewer_facts {
        match value(*fact, &exchange.connection, &exchange.request) {
            Some(value) => drop(exchange.request.headers.insert(fact.field(), value)),
            None => drop(exchange.request.headers.remove(fact.field())),
        }
    }
}

fn value(fact: ViewerFact, connection: &Connection, request: &Parts) -> Option<HeaderValue> {
    let text = match fact {
        ViewerFact::Host => return host(request),
        ViewerFact::ForwardedProto => {
            return Some(HeaderValue::from_static(if connection.tls.is_some() { "https" } else { "http" }));
        }
        ViewerFact::HttpVersion => return Some(HeaderValue::from_static(http_version(request.version))),
        ViewerFact::Address => format!("{}:{}", connection.viewer.ip().to_canonical(), connection.viewer.port()),
        ViewerFact::Tls => tls(connection)?,
    };
    HeaderValue::from_str(&text).ok()
}

/// RFC 9112 section 3.2.2, RFC 9113 section 8.3.1: the authority of the target stands before Host.
fn host(request: &Parts) -> Option<HeaderValue> {
    match request.uri.authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        None => request.headers.get(header::HOST).cloned(),
    }
}

fn http_version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 | Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_3 => "3.0",
        _ => "2.0",
    }
}

fn tls(connection: &Connection) -> Option<String> {
    let session = connection.tls.as_ref()?;
    let handshake = match (connection.requests(), session.resumed) {
        (2.., _) => "connectionReused",
        (_, true) => "sessionResumed",
        (_, false) => "fullHandshake",
    };
    Some(format!("{}:{}:{handshake}", session.protocol, session.cipher))
}

#[cfg(test)]
mod tests {
    use edgeward_net::TlsSession;
    use http::Request;

    use super::*;

    fn connection(viewer: &str, resumed: Option<bool>) -> Connection {
        let tls = resumed.map(|resumed| TlsSession {
            protocol: "TLSv1.3",
            cipher: "TLS_AES_128_GCM_SHA256",
            server_name: None,
            resumed,
            hello: None,
        });
        Connection::new(viewer.parse().unwrap(), "127.0.0.1:443".parse().unwrap(), tls, 0)
    }

    fn request(target: &str, version: Version) -> Parts {
        Request::builder().uri(target).version(version).header("host", "h1.test:8080").body(()).unwrap().into_parts().0
    }

    #[test]
    fn each_fact_is_written_as_cloudfront_writes_it() {
        let clear = connection("198.51.100.10:46532", None);
        let mapped = connection("[::ffff:198.51.100.10]:46532", None);
        let six = connection("[2001:db8::1]:46532", Some(false));
        let resumed = connection("198.51.100.10:1", Some(true));
        let h1 = request("/a", Version::HTTP_11);
        let h2 = request("https://h2.test:8443/a", Version::HTTP_2);
        for (fact, connection, request, expected) in [
            (ViewerFact::Host, &clear, &h1, Some("h1.test:8080")),
            (ViewerFact::Host, &clear, &h2, Some("h2.test:8443")),
            (ViewerFact::Address, &clear, &h1, Some("198.51.100.10:46532")),
            (ViewerFact::Address, &mapped, &h1, Some("198.51.100.10:46532")),
            (ViewerFact::Address, &six, &h1, Some("2001:db8::1:46532")),
            (ViewerFact::ForwardedProto, &clear, &h1, Some("http")),
            (ViewerFact::ForwardedProto, &six, &h1, Some("https")),
            (ViewerFact::HttpVersion, &clear, &h1, Some("1.1")),
            (ViewerFact::HttpVersion, &clear, &h2, Some("2.0")),
            (ViewerFact::Tls, &clear, &h1, None),
            (ViewerFact::Tls, &six, &h1, Some("TLSv1.3:TLS_AES_128_GCM_SHA256:fullHandshake")),
            (ViewerFact::Tls, &resumed, &h1, Some("TLSv1.3:TLS_AES_128_GCM_SHA256:sessionResumed")),
        ] {
            let found = value(fact, connection, request);
            assert_eq!(found.as_ref().map(|value| value.to_str().unwrap()), expected, "{fact:?}");
        }
    }
}
