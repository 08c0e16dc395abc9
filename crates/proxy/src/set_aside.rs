//! Fields that Cache-Control keeps to the viewer whose request brought them: `no-cache="Set-Cookie"`, `private="X-Name"`
//! (RFC 9111 sections 5.2.2.4 and 5.2.2.7; guide, Cookies).
//!
//! They are taken out of a response before it is stored or shared, and put back into the one response that they came
//! for. Invariant: no other viewer gets them. By our own rules such responses are not stored, or validated before each
//! use. Called by the stages that store, and by `stages::viewer_response`.

use edgeward_http_rules::cache_control::CacheControl;
use edgeward_plan::CachingRules;
use http::{HeaderMap, HeaderName, header};
use parking_lot::Mutex;

use crate::exchange::Exchange;

/// What is set aside for one viewer.
#[derive(Debug, Default)]
pub(crate) struct SetAside(Mutex<Option<Box<HeaderMap>>>);

/// Without these the content could not be read, or would answer requests that it is not for.
const NEEDED: [HeaderName; 5] =
    [header::CONTENT_ENCODING, header::CONTENT_LENGTH, header::CONTENT_RANGE, header::CONTENT_TYPE, header::VARY];

/// Takes out of a header section that is about to be stored what is for this viewer alone.
pub(crate) fn set_aside(exchange: &Exchange, headers: &mut HeaderMap) {
    if exchange.rules() == CachingRules::CloudFront {
        let kept = take_named(headers);
        *exchange.set_aside.0.lock() = kept.map(Box::new);
    }
}

/// `None` where Cache-Control names no field that is there.
fn take_named(headers: &mut HeaderMap) -> Option<HeaderMap> {
    let directives = CacheControl::parse(headers);
    let mut taken = HeaderMap::new();
    let named = directives.no_cache.field_names().iter().chain(directives.private.field_names());
    for name in named.filter(|name| !NEEDED.contains(name)) {
        if let header::Entry::Occupied(field) = headers.entry(name) {
            let (name, values) = field.remove_entry_mult();
            values.for_each(|value| {
                taken.append(&name, value);
            });
        }
    }
    (!taken.is_empty()).then_some(taken)
}

impl SetAside {
    /// Puts what was set aside into the response to the viewer.
    pub(crate) fn put_back(&self, headers: &mut HeaderMap) {
        if let Some(kept) = self.0.lock().take() {
            headers.extend(*kept);
        }
    }

    /// The response that it came with is not the one that goes out.
    pub(crate) fn forget(&self) {
        *self.0.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    // RFC 9111 sections 5.2.2.4, 5.2.2.7
    #[test]
    fn what_cache_control_names_is_taken_out_and_put_back() {
        for (cache_control, taken) in [
            ("max-age=9", 0),
            ("no-cache=\"Set-Cookie\"", 2),
            ("private=\"set-cookie\"", 2),
            ("no-cache=\"x-a\", private=\"Set-Cookie, X-None\"", 3),
            ("private=\"content-type\"", 0),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-a", "1"), ("content-type", "a/b")] {
                headers.append(name, HeaderValue::from_static(value));
            }
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
            let before = headers.clone();
            let found = take_named(&mut headers);
            assert_eq!(found.as_ref().map_or(0, HeaderMap::len), taken, "{cache_control}");
            assert_eq!(headers.len(), before.len() - taken);
            SetAside(Mutex::new(found.map(Box::new))).put_back(&mut headers);
            assert_eq!(headers, before);
        }
    }
}
