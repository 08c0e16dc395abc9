//! What of a viewer's request reaches the origin: the values of the cache key, and those that the origin request policy
//! or the legacy settings add (CloudFront guide, controlling-origin-requests).
//!
//! Invariant: whatever is in the key is forwarded. The union is made once, when a plan is checked. Read by `proxy` for
//! every request to an origin.

use edgeward_http_rules::Selection;
use http::{HeaderName, header};

use crate::types::CachePolicy;

/// What a cache behavior forwards.
#[derive(Debug)]
pub struct Forwarding {
    /// Header fields.
    pub headers: ForwardedHeaders,
    /// Cookies.
    pub cookies: Selection,
    /// Query strings.
    pub query_strings: Selection,
    /// The fields of key and origin request that the edge itself writes; empty for most behaviors.
    pub viewer_facts: Vec<ViewerFact>,
}

/// Which header fields of the viewer are forwarded.
#[derive(Debug, PartialEq, Eq)]
pub enum ForwardedHeaders {
    /// These.
    Listed(Vec<HeaderName>),
    /// All but `except`; and `also`, whatever `except` says and whoever writes them.
    All {
        /// Left out.
        except: Vec<HeaderName>,
        /// The header fields of the cache key, and those of CloudFront that the policy names.
        also: Vec<HeaderName>,
    },
}

impl ForwardedHeaders {
    /// Whether a viewer's field of this name goes to the origin.
    pub fn forwards(&self, name: &HeaderName) -> bool {
        match self {
            ForwardedHeaders::Listed(names) => names.contains(name),
            ForwardedHeaders::All { except, also } => {
                also.contains(name) || !(except.contains(name) || is_for_the_edge(name))
            }
        }
    }

    pub(crate) fn joined_with(self, key: &[HeaderName]) -> ForwardedHeaders {
        let join = |mut names: Vec<HeaderName>| {
            names.extend_from_slice(key);
            names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
            names.dedup();
            names
        };
        match self {
            ForwardedHeaders::Listed(names) => ForwardedHeaders::Listed(join(names)),
            ForwardedHeaders::All { except, also } => ForwardedHeaders::All { except, also: join(also) },
        }
    }

    /// The names that are written out somewhere.
    fn named(&self) -> &[HeaderName] {
        match self {
            ForwardedHeaders::Listed(names) | ForwardedHeaders::All { also: names, .. } => names,
        }
    }
}

/// Fields that CloudFront removes or writes itself (guide, RequestAndResponseBehaviorCustomOrigin), or that belong to
/// the exchange with the viewer: its content is framed anew, and the edge has answered its Expect.
fn is_for_the_edge(name: &HeaderName) -> bool {
    const PREFIXES: [&str; 4] = ["cloudfront-", "proxy-", "x-amz-cf-", "x-edge-"];
    matches!(name.as_str(), "content-length" | "cookie" | "expect" | "x-forwarded-proto" | "x-real-ip")
        || PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
}

/// A field about the viewer that the edge states, in place of what the viewer may have sent under its name (guide,
/// adding-cloudfront-headers).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewerFact {
    /// `Host`, which HTTP/2 carries as `:authority`.
    Host,
    /// `CloudFront-Viewer-Address`: address and port.
    Address,
    /// `CloudFront-Forwarded-Proto`: `http` or `https`.
    ForwardedProto,
    /// `CloudFront-Viewer-Http-Version`: `1.1`, `2.0`.
    HttpVersion,
    /// `CloudFront-Viewer-TLS`: version, cipher and kind of handshake; absent over http.
    Tls,
}

impl ViewerFact {
    const ALL: [ViewerFact; 5] =
        [ViewerFact::Host, ViewerFact::Address, ViewerFact::ForwardedProto, ViewerFact::HttpVersion, ViewerFact::Tls];

    /// The field that states it.
    pub fn field(self) -> HeaderName {
        match self {
            ViewerFact::Host => header::HOST,
            ViewerFact::Address => HeaderName::from_static("cloudfront-viewer-address"),
            ViewerFact::ForwardedProto => HeaderName::from_static("cloudfront-forwarded-proto"),
            ViewerFact::HttpVersion => HeaderName::from_static("cloudfront-viewer-http-version"),
            ViewerFact::Tls => HeaderName::from_static("cloudfront-viewer-tls"),
        }
    }

    /// Those that `key` and `forwarded` ask for; an error names a field of CloudFront's that this edge cannot write.
    pub(crate) fn asked_for(key: &CachePolicy, forwarded: &ForwardedHeaders) -> Result<Vec<ViewerFact>, String> {
        let named = || key.headers.0.iter().chain(forwarded.named());
        let is_known = |name: &HeaderName| ViewerFact::ALL.iter().any(|fact| fact.field() == *name);
        match named().find(|name| name.as_str().starts_with("cloudfront-") && !is_known(name)) {
            Some(unknown) => Err(format!("this edge cannot write the header {unknown}")),
            None => Ok(ViewerFact::ALL
                .into_iter()
                .filter(|fact| {
                    let field = fact.field();
                    forwarded.forwards(&field) || named().any(|name| *name == field)
                })
                .collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use edgeward_http_rules::SelectionMode;

    use super::*;
    use crate::types::{CachingRules, HeaderSelection};

    fn names(names: &[&'static str]) -> Vec<HeaderName> {
        names.iter().map(|name| HeaderName::from_static(name)).collect()
    }

    fn key(headers: &[&'static str]) -> CachePolicy {
        CachePolicy {
            min_ttl: 0,
            default_ttl: 0,
            max_ttl: 0,
            gzip: false,
            brotli: false,
            rules: CachingRules::CloudFront,
            headers: HeaderSelection(names(headers)),
            cookies: Selection::new(SelectionMode::None, [""; 0]),
            query_strings: Selection::new(SelectionMode::None, [""; 0]),
        }
    }

    #[test]
    fn listed_headers_are_those_of_key_and_policy() {
        let forwarded = ForwardedHeaders::Listed(names(&["referer", "origin"])).joined_with(&names(&["x-a", "origin"]));
        assert_eq!(forwarded, ForwardedHeaders::Listed(names(&["origin", "referer", "x-a"])));
    }

    #[test]
    fn all_headers_but_the_excepted_and_the_edges_own_are_forwarded() {
        let forwarded = ForwardedHeaders::All { except: names(&["host", "x-key"]), also: Vec::new() };
        let forwarded = forwarded.joined_with(&names(&["x-key"]));
        for (name, is_forwarded) in [
            ("accept", true),
            ("authorization", true),
            ("x-key", true),
            ("host", false),
            ("cookie", false),
            ("expect", false),
            ("content-length", false),
            ("cloudfront-viewer-country", false),
            ("x-amz-cf-id", false),
            ("x-edge-location", false),
            ("x-real-ip", false),
        ] {
            assert_eq!(forwarded.forwards(&HeaderName::from_static(name)), is_forwarded, "{name}");
        }
    }

    #[test]
    fn the_edge_states_what_key_or_policy_name() {
        let all = |except: &[&'static str], also: &[&'static str]| ForwardedHeaders::All {
            except: names(except),
            also: names(also),
        };
        let listed = |listed: &[&'static str]| ForwardedHeaders::Listed(names(listed));
        for (key, forwarded, facts) in [
            (key(&["x-a"]), listed(&["referer"]), vec![]),
            (key(&[]), listed(&["host"]), vec![ViewerFact::Host]),
            (key(&["cloudfront-forwarded-proto"]), listed(&[]), vec![ViewerFact::ForwardedProto]),
            (key(&[]), all(&[], &["cloudfront-viewer-address"]), vec![ViewerFact::Host, ViewerFact::Address]),
            (key(&[]), all(&["host"], &[]), vec![]),
        ] {
            assert_eq!(ViewerFact::asked_for(&key, &forwarded), Ok(facts), "{key:?} {forwarded:?}");
        }
    }

    #[test]
    fn a_field_that_this_edge_cannot_write_is_an_error_that_names_it() {
        let error = ViewerFact::asked_for(&key(&["cloudfront-viewer-country"]), &ForwardedHeaders::Listed(Vec::new()));
        assert_eq!(error, Err("this edge cannot write the header cloudfront-viewer-country".to_owned()));
    }
}
