//! Vary towards viewers: what the origin never saw cannot have made a difference (guide,
//! RequestAndResponseBehaviorCustomOrigin, Vary).
//!
//! Done once, when a response arrives. Called by `stages::viewer_response`.

use edgeward_http_rules::fields;
use edgeward_plan::ForwardedHeaders;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Leaves in Vary what the behavior forwards, Accept-Encoding, Cookie and `*`; User-Agent too where the origin was told
/// of the device that it names.
pub(crate) fn keep_what_varies(forwarded: &ForwardedHeaders, headers: &mut HeaderMap) {
    if !fields::members(headers, &header::VARY).any(|name| !is_kept(name, forwarded)) {
        return;
    }
    let kept: Vec<&[u8]> = fields::members(headers, &header::VARY).filter(|name| is_kept(name, forwarded)).collect();
    let vary = HeaderValue::from_bytes(&kept.join(&b", "[..]));
    match vary {
        Ok(vary) if !vary.is_empty() => drop(headers.insert(header::VARY, vary)),
        _ => drop(headers.remove(header::VARY)),
    }
}

fn is_kept(name: &[u8], forwarded: &ForwardedHeaders) -> bool {
    name == b"*"
        || HeaderName::from_bytes(name).is_ok_and(|name| match name {
            header::ACCEPT_ENCODING | header::COOKIE => true,
            header::USER_AGENT if forwarded.tells_of_devices() => true,
            name => forwarded.forwards(&name),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vary_keeps_what_reached_the_origin() {
        let listed = ForwardedHeaders::Listed(vec![HeaderName::from_static("x-tenant")]);
        let device = ForwardedHeaders::Listed(vec![HeaderName::from_static("cloudfront-is-mobile-viewer")]);
        let all = ForwardedHeaders::All { except: vec![header::HOST], also: Vec::new() };
        for (forwarded, sent, kept) in [
            (&listed, &["Accept-Encoding, X-Tenant, X-Other"][..], Some("Accept-Encoding, X-Tenant")),
            (&listed, &["Cookie"], Some("Cookie")),
            (&listed, &["User-Agent"], None),
            (&device, &["User-Agent, X-Other"], Some("User-Agent")),
            (&listed, &["*"], Some("*")),
            (&listed, &["X-Other"], None),
            (&listed, &["X-Other", "x-tenant"], Some("x-tenant")),
            (&listed, &["not a name, x-tenant"], Some("x-tenant")),
            (&all, &["X-Other, Host"], Some("X-Other")),
            (&all, &["X-Other"], Some("X-Other")),
            (&listed, &[], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in sent {
                headers.append(header::VARY, HeaderValue::from_static(line));
            }
            keep_what_varies(forwarded, &mut headers);
            let found = headers.get(header::VARY).map(|value| value.to_str().unwrap());
            assert_eq!(found, kept, "{sent:?}");
            assert!(headers.get_all(header::VARY).iter().count() <= 1);
        }
    }
}
