//! What of a viewer's request reaches the origin: the values of the cache key, and those that the origin request policy
//! or the legacy settings add (CloudFront guide, controlling-origin-requests).
//!
//! Invariant: whatever is in the key is forwarded. The union is made once, when a plan is checked. Read by `proxy` for
//! every request to an origin.

use edgeward_http_rules::Selection;
use http::HeaderName;

use crate::viewer_fact::ViewerFact;

/// What a cache behavior forwards.
#[derive(Debug)]
pub struct Forwarding {
    /// Header fields.
    pub headers: ForwardedHeaders,
    /// Cookies.
    pub cookies: Selection,
    /// Query strings.
    pub query_strings: Selection,
    /// What the edge itself writes into key and origin request, each with its field; empty for most behaviors.
    pub viewer_facts: Vec<(ViewerFact, HeaderName)>,
}

impl Forwarding {
    pub(crate) fn states(&self, is_meant: impl Fn(ViewerFact) -> bool) -> bool {
        self.viewer_facts.iter().any(|(fact, _)| is_meant(*fact))
    }
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

    /// Whether a field about the viewer's device is among them.
    pub fn tells_of_devices(&self) -> bool {
        self.named().iter().any(|name| name.as_str().starts_with("cloudfront-is-"))
    }

    /// The names that are written out somewhere.
    pub(crate) fn named(&self) -> &[HeaderName] {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&'static str]) -> Vec<HeaderName> {
        names.iter().map(|name| HeaderName::from_static(name)).collect()
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
}
