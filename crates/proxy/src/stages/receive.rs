//! Stage 1: is this a request that can be served at all, and for which host?
//!
//! What hyper's parser lets through but two servers could read differently is refused here (RFC 9112 sections 3.2, 6.1).

use std::borrow::Cow;

use edgeward_http_rules::framing::{Framing, request_framing};
use edgeward_http_rules::host::Host;
use http::{Method, Version};

use super::Early;
use crate::exchange::Exchange;
use crate::refusal::Refusal;

/// Guide, quotas: bytes of a URL, scheme and host included.
const LONGEST_URL: usize = 8_192;
/// Guide, quotas: bytes of request line and header section.
const LARGEST_HEAD: usize = 20_480;

/// The host the request is for, in lower case and without port.
pub(crate) fn check(exchange: &Exchange) -> Result<Cow<'_, str>, Early> {
    let request = &exchange.request;
    check_sizes(exchange)?;
    if request.method == Method::CONNECT || !request.uri.path().starts_with('/') {
        return Err(Refusal::InvalidTarget.into());
    }
    if exchange.content_received.is_some() {
        check_content(exchange)?;
    }
    host(exchange)
}

/// Of a request with content: where it ends, and whether the method may have any.
fn check_content(exchange: &Exchange) -> Result<(), Refusal> {
    let request = &exchange.request;
    let framing = request_framing(request.version, &request.headers).map_err(|_| Refusal::InvalidFraming)?;
    if framing == Framing::Chunked && exchange.connection.ambiguous_framing() {
        return Err(Refusal::InvalidFraming);
    }
    let is_unexpected = matches!(request.method, Method::GET | Method::HEAD);
    if is_unexpected { Err(Refusal::UnexpectedContent) } else { Ok(()) }
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

/// RFC 9112 section 3.2.2: the authority of an absolute-form target replaces Host; HTTP/2 has `:authority`
/// (RFC 9113 section 8.3.1).
fn host(exchange: &Exchange) -> Result<Cow<'_, str>, Early> {
    let request = &exchange.request;
    let host = match request.uri.authority() {
        Some(authority) => {
            if request.version < Version::HTTP_2 {
                Host::of_request(&request.headers).map_err(|_| Refusal::InvalidHost)?;
            }
            Host::parse(authority.as_str().as_bytes())
        }
        None => Host::of_request(&request.headers),
    };
    Ok(host.map_err(|_| Refusal::InvalidHost)?.name)
}
