//! Stage 1: is this a request that can be served at all, and for which host?
//!
//! What hyper's parser lets through but two servers could read differently is refused here (RFC 9112 sections 3.2, 6.1;
//! RFC 9113 sections 8.2.1, 8.3.1).

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use edgeward_http_rules::framing::{self, Framing};
use edgeward_http_rules::host::Host;
use edgeward_net::RequestContent;
use http::{HeaderMap, Method, Version, header};
use http_body::Body;
use tokio::time::timeout;

use super::Early;
use crate::exchange::Exchange;
use crate::refusal::Refusal;

/// Guide, quotas: bytes of a URL, scheme and host included.
const LONGEST_URL: usize = 8_192;
/// Guide, quotas: bytes of request line and header section.
const LARGEST_HEAD: usize = 20_480;

/// Whether it takes another frame to tell if a request that may have no content has none: a viewer may end its stream
/// with an empty DATA frame (RFC 9113 section 8.1).
pub(crate) fn awaits_end(exchange: &Exchange) -> bool {
    let request = &exchange.request;
    request.version == Version::HTTP_2
        && exchange.content_received.is_some()
        && matches!(request.method, Method::GET | Method::HEAD)
        && !request.headers.contains_key(header::CONTENT_LENGTH)
}

/// Reads up to the end of the stream, or the first byte of content.
pub(crate) async fn end_of_request(
    mut exchange: Box<Exchange>,
    mut content: RequestContent,
) -> Result<(Box<Exchange>, RequestContent), (Box<Exchange>, Refusal)> {
    let first = async {
        loop {
            match poll_fn(|context| Pin::new(&mut content).poll_frame(context)).await {
                Some(Ok(frame)) if frame.data_ref().is_none_or(Bytes::is_empty) => {}
                other => return other.transpose(),
            }
        }
    };
    match timeout(exchange.worker.engine.content_pace.grace, first).await {
        Ok(Ok(None)) => exchange.content_received = None,
        Ok(Ok(Some(_content))) => {}
        Ok(Err(_broken)) => return Err((exchange, Refusal::ViewerContentBroken)),
        Err(_elapsed) => {
            exchange.worker.engine.slow_contents.fetch_add(1, Ordering::Relaxed);
            return Err((exchange, Refusal::ViewerTooSlow));
        }
    }
    Ok((exchange, content))
}

/// The host the request is for, in lower case and without port.
pub(crate) fn check(exchange: &Exchange) -> Result<Cow<'_, str>, Early> {
    let request = &exchange.request;
    check_sizes(exchange)?;
    if request.method == Method::CONNECT || !request.uri.path().starts_with('/') {
        return Err(Refusal::InvalidTarget.into());
    }
    if request.version >= Version::HTTP_2 && has_padded_value(&request.headers) {
        return Err(Refusal::InvalidField.into());
    }
    let has_content = exchange.content_received.is_some();
    if has_content || request.headers.contains_key(header::CONTENT_LENGTH) {
        check_framing(exchange)?;
    }
    if has_content && matches!(request.method, Method::GET | Method::HEAD) {
        return Err(Refusal::UnexpectedContent.into());
    }
    check_expectation(&request.headers)?;
    host(exchange)
}

/// RFC 9113 section 8.2.1: white space around a value would vanish in HTTP/1.1.
fn has_padded_value(headers: &HeaderMap) -> bool {
    headers.values().any(|value| matches!(value.as_bytes(), [b' ' | b'\t', ..] | [.., b' ' | b'\t']))
}

/// Where the content ends.
fn check_framing(exchange: &Exchange) -> Result<(), Refusal> {
    let request = &exchange.request;
    let framing = framing::declared(request.version, &request.headers).map_err(|_| Refusal::InvalidFraming)?;
    if framing == Framing::Chunked && exchange.connection.ambiguous_framing() {
        return Err(Refusal::InvalidFraming);
    }
    Ok(())
}

/// RFC 9110 section 10.1.1: the one expectation there is, once. hyper meets it as soon as the content is read; it and the
/// origin could read another one differently.
fn check_expectation(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut lines = headers.get_all(header::EXPECT).iter();
    let is_known = lines.next().is_none_or(|line| line.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if is_known && lines.next().is_none() { Ok(()) } else { Err(Refusal::UnknownExpectation) }
}

fn check_sizes(exchange: &Exchange) -> Result<(), Refusal> {
    let uri = &exchange.request.uri;
    let host = uri.authority().map_or(0, |authority| authority.as_str().len());
    let url = "https://".len() + host + uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    if url > LONGEST_URL {
        return Err(Refusal::UrlTooLong);
    }
    if url + exchange.section_bytes > LARGEST_HEAD {
        return Err(Refusal::HeadersTooLarge);
    }
    Ok(())
}

/// RFC 9112 section 3.2.2: the authority of an absolute-form target replaces Host. HTTP/2 has `:authority`, and a Host
/// beside it must say the same (RFC 9113 section 8.3.1).
fn host(exchange: &Exchange) -> Result<Cow<'_, str>, Early> {
    let request = &exchange.request;
    let has_host = request.version < Version::HTTP_2 || request.headers.contains_key(header::HOST);
    let field = if has_host { Some(Host::of_request(&request.headers)) } else { None };
    let field = field.transpose().map_err(|_| Refusal::InvalidHost)?;
    let Some(authority) = request.uri.authority() else {
        return Ok(field.ok_or(Refusal::InvalidHost)?.name);
    };
    let host = Host::parse(authority.as_str().as_bytes()).map_err(|_| Refusal::InvalidHost)?;
    match field {
        Some(field) if request.version >= Version::HTTP_2 && field.name != host.name => {
            Err(Refusal::InvalidHost.into())
        }
        _ => Ok(host.name),
    }
}
