//! What connection and header section tell about the viewer.
//!
//! Invariant: everything comes from what the edge itself has seen of connection and request; only `Host` is the viewer's
//! word. Pure. Called by `viewer_facts`.

use edgeward_net::{Connection, fingerprint};
use edgeward_plan::TransportFact;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Version, header};

/// `None` leaves the field out.
pub(super) fn value(
    fact: TransportFact,
    connection: &Connection,
    request: &Parts,
    names: Option<&HeaderNames>,
) -> Option<HeaderValue> {
    let hello = || connection.tls.as_ref()?.hello.as_ref();
    let text = match fact {
        TransportFact::ForwardedProto => {
            return Some(HeaderValue::from_static(if connection.tls.is_some() { "https" } else { "http" }));
        }
        TransportFact::HttpVersion => return Some(HeaderValue::from_static(http_version(request.version))),
        TransportFact::Address => format!("{}:{}", connection.viewer.ip().to_canonical(), connection.viewer.port()),
        TransportFact::HeaderCount => names?.count.to_string(),
        TransportFact::HeaderOrder => return HeaderValue::from_bytes(&names?.order).ok(),
        TransportFact::Ja3 => fingerprint::ja3(hello()?)?,
        TransportFact::Ja4 => fingerprint::ja4(hello()?)?,
        TransportFact::Tls => tls(connection)?,
    };
    HeaderValue::from_str(&text).ok()
}

/// RFC 9112 section 3.2.2, RFC 9113 section 8.3.1: the authority of the target stands before Host.
pub(super) fn host(request: &Parts) -> Option<HeaderValue> {
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

/// The names of a request's header fields in the viewer's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderNames {
    count: usize,
    /// With `:` between them, cut off at `LONGEST_ORDER`.
    order: Vec<u8>,
}

/// Guide, adding-cloudfront-headers: CloudFront cuts the list off there.
const LONGEST_ORDER: usize = 7_680;

impl HeaderNames {
    /// As HTTP/1.1 wrote them; HTTP/2 has them in lower case, those of the same name together.
    pub(super) fn of(connection: &Connection, request: &Parts) -> HeaderNames {
        let head = if request.version < Version::HTTP_2 { connection.head() } else { None };
        match head.as_deref().and_then(names_in) {
            Some(names) => HeaderNames::in_order(names.into_iter()),
            None => HeaderNames::in_order(names_of(&request.headers)),
        }
    }

    fn in_order<'a>(names: impl Iterator<Item = &'a [u8]>) -> HeaderNames {
        let names: Vec<&[u8]> = names.collect();
        let mut order = names.join(&b':');
        order.truncate(LONGEST_ORDER);
        HeaderNames { count: names.len(), order }
    }
}

fn names_of(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.iter().map(|(name, _)| HeaderName::as_str(name).as_bytes())
}

/// Those in the head of an HTTP/1 request; `None` when it does not begin with a request line.
fn names_in(head: &[u8]) -> Option<Vec<&[u8]>> {
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let request_line = lines.find(|line| !line.is_empty())?;
    let version = request_line.rsplit(|byte| *byte == b' ').next()?;
    if !version.starts_with(b"HTTP/1.") {
        return None;
    }
    let fields = lines.take_while(|line| !line.is_empty());
    Some(fields.filter_map(|line| line.split(|byte| *byte == b':').next()).collect())
}

#[cfg(test)]
mod tests {
    use edgeward_net::{TlsSession, ViewerLimits};
    use http::Request;

    use super::*;

    fn connection(viewer: &str, resumed: Option<bool>) -> Connection {
        let tls = resumed.map(|resumed| TlsSession {
            protocol: "TLSv1.3",
            cipher: "TLS_AES_128_GCM_SHA256",
            server_name: None,
            resumed,
            hello: None,
            shown: None,
        });
        let limits = ViewerLimits { max_head_bytes: 0, ..ViewerLimits::default() };
        Connection::new(viewer.parse().unwrap(), "127.0.0.1:443".parse().unwrap(), tls, &limits)
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
            (TransportFact::Address, &clear, &h1, Some("198.51.100.10:46532")),
            (TransportFact::Address, &mapped, &h1, Some("198.51.100.10:46532")),
            (TransportFact::Address, &six, &h1, Some("2001:db8::1:46532")),
            (TransportFact::ForwardedProto, &clear, &h1, Some("http")),
            (TransportFact::ForwardedProto, &six, &h1, Some("https")),
            (TransportFact::HttpVersion, &clear, &h1, Some("1.1")),
            (TransportFact::HttpVersion, &clear, &h2, Some("2.0")),
            (TransportFact::Ja3, &clear, &h1, None),
            (TransportFact::Ja4, &six, &h1, None),
            (TransportFact::Tls, &clear, &h1, None),
            (TransportFact::Tls, &six, &h1, Some("TLSv1.3:TLS_AES_128_GCM_SHA256:fullHandshake")),
            (TransportFact::Tls, &resumed, &h1, Some("TLSv1.3:TLS_AES_128_GCM_SHA256:sessionResumed")),
        ] {
            let found = value(fact, connection, request, None);
            assert_eq!(found.as_ref().map(|value| value.to_str().unwrap()), expected, "{fact:?}");
        }
    }

    #[test]
    fn host_is_the_authority_where_the_target_has_one() {
        for (target, expected) in [("/a", "h1.test:8080"), ("https://h2.test:8443/a", "h2.test:8443")] {
            assert_eq!(host(&request(target, Version::HTTP_11)).unwrap(), expected);
        }
    }

    #[test]
    fn header_names_are_those_of_the_head_in_its_order() {
        for (head, expected) in [
            (&b"GET / HTTP/1.1\r\nHost: a\r\nX-B: b:c\r\nhost: d\r\n\r\n"[..], Some("Host:X-B:host")),
            (b"\r\nGET / HTTP/1.0\nUser-Agent: a\n\n", Some("User-Agent")),
            (b"GET / HTTP/1.1\r\n\r\n", Some("")),
            (b"3\r\nabc\r\n0\r\n\r\n", None),
            (b"\r\n", None),
        ] {
            let found = names_in(head).map(|names| HeaderNames::in_order(names.into_iter()));
            let order = found.map(|names| String::from_utf8(names.order).unwrap());
            assert_eq!(order.as_deref(), expected, "{head:?}");
        }
    }

    #[test]
    fn a_long_order_is_cut_off_and_every_name_counted() {
        let names = HeaderNames::in_order(std::iter::repeat_n(&b"x-a"[..], 3_000));
        assert_eq!((names.count, names.order.len()), (3_000, LONGEST_ORDER));
    }
}
