//! What the stages of one request decided, in the order in which they decide it, as the JSON of the explanation.
//!
//! Reasons are the words of the enums that decide: `NotStored::NoStore` is `no-store`. Invariant: a stage only adds; what
//! an error page replaces is kept under `error`.

use std::collections::BTreeMap;
use std::fmt::Debug;

use edgeward_cache::{KeyParts, Lookup, NotStored};
use edgeward_http_rules::{cookies, query};
use edgeward_net::origin::{OriginAddress, OriginError};
use edgeward_plan::{CachingRules, Origin};
use http::{HeaderMap, Method, Request, StatusCode};
use serde::Serialize;

use super::redact;
use super::serving::Served;
use crate::exchange::{Exchange, Route};
use crate::outcome::ResultType;
use crate::refusal::Refusal;

/// Entries of a list or a header section; what comes after them is left out.
const MOST_ENTRIES: usize = 64;

/// Everything noted about one request.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Facts {
    #[serde(skip_serializing_if = "Option::is_none")]
    distribution: Option<String>,
    result: &'static str,
    status: u16,
    /// The path of the error page that stands in place of what `error` describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_page: Option<String>,
    #[serde(flatten)]
    course: Course,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Box<Course>>,
    /// Whether the behavior's response headers policy was followed.
    response_headers_policy: bool,
    /// What was left out to keep this short.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cut: Vec<&'static str>,
}

/// One walk through the stages: a request's, or that of an error page in its place.
#[derive(Debug, Default, Serialize)]
struct Course {
    #[serde(skip_serializing_if = "Option::is_none")]
    behavior: Option<Behavior>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    /// Whether a certificate authority's question was answered.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    challenge: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Key>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup: Option<&'static str>,
    /// Why nothing usable was found, or what the stale response is good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flight: Option<Joining>,
    /// The origin group's primary origin, where it was left for the secondary one, which is `origin` then.
    #[serde(skip_serializing_if = "Option::is_none")]
    primary: Option<OriginRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<OriginRequest>,
    /// Whether the response answers later requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_stored: Option<String>,
    #[serde(flatten)]
    served: Served,
}

/// How a request took part in asking the origin.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Joining {
    /// It asked, for all who waited.
    Led,
    /// Another request asked, and its response answers this one too.
    Followed,
    /// Another request asked, and its response was for that one alone.
    NotShared,
    /// A request of the edge's own asks meanwhile.
    InBackground,
}

/// Why a response answers no later requests.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WhyNotStored {
    /// Of the response.
    Response(NotStored),
    /// Of the request: its method is not one whose responses are stored.
    MethodNotCached,
    /// HEAD has no content to store.
    NoContent,
    /// The request is gRPC's.
    Grpc,
    /// A part of a response that is stale at once, or has no strong validator by which others could be joined to it.
    PartOnly,
    /// Another request asked at the same time, and could not share its response.
    NotShared,
}

#[derive(Debug, Serialize)]
struct Behavior {
    path_pattern: String,
    /// From 1, in the order of matching; the default one is the last.
    place: usize,
    of: usize,
    /// What stands in place of the request's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

#[derive(Debug, Serialize)]
struct Key {
    method: &'static str,
    path: String,
    query_strings: Vec<String>,
    headers: BTreeMap<String, String>,
    /// Names alone.
    cookies: Vec<String>,
    /// Accept-Encoding as the key has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    codings: Option<&'static str>,
    rules: &'static str,
}

#[derive(Debug, Default, Serialize)]
struct OriginRequest {
    id: String,
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
    /// How often it was sent.
    sent: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_text: Option<String>,
    /// The status of the failover criteria for which this origin was left.
    #[serde(skip_serializing_if = "Option::is_none")]
    failover_criterion: Option<u16>,
    /// Whether an expired response stands in for the failed origin.
    stale_stands_in: bool,
}

impl Facts {
    /// The request belongs to a distribution and a behavior.
    pub(super) fn routed(&mut self, route: &Route) {
        self.distribution = Some(route.distribution.id.to_string());
        self.course.behavior = Some(behavior(route));
    }

    /// The method or the policy rules a look-up out.
    pub(crate) fn not_cacheable(&mut self, exchange: &Exchange) {
        let is_disabled = exchange.route.as_ref().is_some_and(|route| !route.behavior.cache.allows_caching());
        self.course.lookup = Some("none");
        self.not_stored(match is_disabled {
            true => WhyNotStored::Response(NotStored::CachingDisabled),
            false => WhyNotStored::MethodNotCached,
        });
    }

    /// A gRPC request: nothing is looked up.
    pub(crate) fn grpc(&mut self) {
        self.course.lookup = Some("none");
        self.not_stored(WhyNotStored::Grpc);
    }

    /// What the cache had for the key made from `parts`.
    pub(crate) fn looked_up(&mut self, parts: Option<&KeyParts<'_>>, found: &Lookup) {
        self.course.key = parts.map(key);
        let (lookup, reason) = match found {
            // Looked up again once it is read.
            Lookup::OnDisk => return,
            Lookup::Fresh(_) => ("fresh", None),
            Lookup::Stale(how, _) => ("stale", Some(word(how))),
            Lookup::Missing(why) => ("missing", Some(word(why))),
        };
        (self.course.lookup, self.course.lookup_reason) = (Some(lookup), reason);
        if !matches!(found, Lookup::Missing(_)) {
            self.course.stored = Some(true);
        }
    }

    /// What is stored is fresh, but not the part that is asked for.
    pub(crate) fn lacks_a_part(&mut self) {
        self.course.lookup_reason = Some("part-missing".to_owned());
    }

    /// The part the request takes in asking the origin.
    pub(crate) fn joined(&mut self, joining: Joining) {
        self.course.flight = Some(joining);
    }

    /// The origin is about to be asked.
    pub(crate) fn asked(&mut self, origin: &Origin, address: &OriginAddress, request: &Request<()>) {
        if matches!(self.course.flight, Some(Joining::Followed)) {
            self.course.flight = Some(Joining::NotShared);
            self.not_stored(WhyNotStored::NotShared);
        }
        self.course.origin = Some(OriginRequest {
            id: redact::cut(origin.id.as_bytes()),
            method: request.method().to_string(),
            url: url(address, request),
            headers: sent(request.headers(), origin),
            ..OriginRequest::default()
        });
    }

    /// The request went out once more.
    pub(crate) fn sent(&mut self) {
        if let Some(origin) = &mut self.course.origin {
            origin.sent += 1;
        }
    }

    /// The origin answered, or failed.
    pub(crate) fn replied(&mut self, reply: Result<StatusCode, &OriginError>) {
        let Some(origin) = &mut self.course.origin else { return };
        match reply {
            Ok(status) => origin.status = Some(status.as_u16()),
            Err(error) => {
                origin.failure = Some(word(&Refusal::from(error)));
                origin.failure_text = Some(redact::cut(error.to_string().as_bytes()));
            }
        }
    }

    /// The origin is left for the secondary one of its group.
    pub(crate) fn failed_over(&mut self, criterion: StatusCode) {
        self.course.primary = self.course.origin.take();
        if let Some(primary) = &mut self.course.primary {
            primary.failover_criterion = Some(criterion.as_u16());
        }
    }

    /// An expired response answers in place of the failed origin.
    pub(crate) fn stood_in(&mut self) {
        if let Some(origin) = &mut self.course.origin {
            origin.stale_stands_in = true;
        }
    }

    /// The response answers later requests, once it is complete, unless there is a reason against it.
    pub(crate) fn decided(&mut self, against: Option<NotStored>) {
        match against {
            Some(reason) => self.not_stored(WhyNotStored::Response(reason)),
            None => (self.course.stored, self.course.not_stored) = (Some(true), None),
        }
    }

    /// The same for a part of a response, which is stored where others can be joined to it.
    pub(crate) fn part_decided(&mut self, against: Option<NotStored>, is_stored: bool) {
        match against {
            None if !is_stored => self.not_stored(WhyNotStored::PartOnly),
            against => self.decided(against),
        }
    }

    /// The response answers this request alone.
    pub(crate) fn not_stored(&mut self, why: WhyNotStored) {
        self.course.stored = Some(false);
        self.course.not_stored = Some(match why {
            WhyNotStored::Response(reason) => word(&reason),
            other => word(&other),
        });
    }

    /// The edge itself answers with an error.
    pub(crate) fn refused(&mut self, refusal: Refusal) {
        self.course.refusal = Some(word(&refusal));
    }

    /// The edge answered a certificate authority.
    pub(crate) fn challenged(&mut self) {
        self.course.challenge = true;
    }

    /// What is known of the response that answers.
    pub(crate) fn served(&mut self, served: Served) {
        // That of a flight the request followed, unless somebody said otherwise.
        self.course.stored.get_or_insert(true);
        self.course.served = served;
    }

    /// From here on it is the error page at `route` that is asked for.
    pub(crate) fn replaced(&mut self, route: &Route) {
        self.error_page.clone_from(&route.rewritten_path);
        let before =
            std::mem::replace(&mut self.course, Course { behavior: Some(behavior(route)), ..Course::default() });
        self.error = Some(Box::new(before));
    }

    /// The response that goes out.
    pub(super) fn answered(&mut self, exchange: &Exchange, status: StatusCode, result: ResultType) {
        (self.status, self.result) = (status.as_u16(), result.as_str());
        let has_policy = exchange.route.as_ref().is_some_and(|route| route.behavior.response_headers.is_some());
        self.response_headers_policy = has_policy && result != ResultType::Redirect;
    }

    /// Makes the explanation shorter; `None` when nothing more can go.
    pub(super) fn leave_out(&mut self) -> Option<()> {
        let origin = self.course.origin.as_mut().map(|origin| &mut origin.headers);
        let primary = self.course.primary.as_mut().map(|origin| &mut origin.headers);
        let key = self.course.key.as_mut();
        if self.error.take().is_some() {
            self.cut.push("error");
        } else if let Some(headers) = primary.filter(|headers| !headers.is_empty()) {
            headers.clear();
            self.cut.push("primary.headers");
        } else if let Some(headers) = origin.filter(|headers| !headers.is_empty()) {
            headers.clear();
            self.cut.push("origin.headers");
        } else {
            let key = key.filter(|_| !self.cut.contains(&"key"))?;
            key.query_strings.clear();
            key.headers.clear();
            key.cookies.clear();
            self.cut.push("key");
        }
        Some(())
    }
}

fn behavior(route: &Route) -> Behavior {
    let behaviors = &route.distribution.behaviors;
    let place = behaviors.iter().position(|behavior| std::sync::Arc::ptr_eq(behavior, &route.behavior));
    Behavior {
        path_pattern: route.behavior.path_pattern.as_str().to_owned(),
        place: place.map_or(behaviors.len(), |place| place + 1),
        of: behaviors.len(),
        path: route.rewritten_path.as_ref().map(|path| redact::cut(path.as_bytes())),
    }
}

fn key(parts: &KeyParts<'_>) -> Key {
    let policy = parts.policy;
    let mut selected = Vec::new();
    query::select(parts.query.unwrap_or_default().as_bytes(), &policy.query_strings, &mut selected);
    let cookies = cookies::cookies(parts.headers).filter(|cookie| policy.cookies.selects(cookie.name));
    let headers = policy.headers.0.iter().filter(|name| parts.headers.contains_key(*name));
    Key {
        method: if *parts.method == Method::OPTIONS { "OPTIONS" } else { "GET" },
        path: redact::cut(parts.path.as_bytes()),
        query_strings: redact::parameters(&selected).into_iter().take(MOST_ENTRIES).collect(),
        headers: headers
            .take(MOST_ENTRIES)
            .map(|name| (name.as_str().to_owned(), redact::values(name, parts.headers)))
            .collect(),
        cookies: cookies.take(MOST_ENTRIES).map(|cookie| redact::cut(cookie.name)).collect(),
        codings: parts.codings.as_field_value(),
        rules: match policy.rules {
            CachingRules::CloudFront => "cloudfront",
            CachingRules::Rfc9111 => "rfc9111",
        },
    }
}

fn url(address: &OriginAddress, request: &Request<()>) -> String {
    let scheme = if address.tls { "https" } else { "http" };
    let target = redact::target(request.uri().path(), request.uri().query());
    format!("{scheme}://{}:{}{target}", address.host, address.port)
}

fn sent(headers: &HeaderMap, origin: &Origin) -> BTreeMap<String, String> {
    let is_custom = |name| origin.headers.iter().any(|(custom, _)| custom == name);
    let shown = |name| if is_custom(name) { redact::hidden() } else { redact::values(name, headers) };
    headers.keys().take(MOST_ENTRIES).map(|name| (name.as_str().to_owned(), shown(name))).collect()
}

/// `IfError` as `if-error`.
pub(crate) fn word(reason: &impl Debug) -> String {
    let mut word = String::new();
    for letter in format!("{reason:?}").chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeward_cache::{LifetimeSource, Missing, StaleUse};

    #[test]
    fn reasons_are_words_with_hyphens() {
        assert_eq!(word(&NotStored::NoStore), "no-store");
        assert_eq!(word(&LifetimeSource::SMaxAge), "s-max-age");
        assert_eq!(word(&Missing::Invalidated), "invalidated");
        assert_eq!(word(&StaleUse::WhileRevalidating), "while-revalidating");
        assert_eq!(word(&Refusal::HttpsRequired), "https-required");
    }

    #[test]
    fn what_is_missed_least_goes_first() {
        let mut facts = Facts { error: Some(Box::default()), ..Facts::default() };
        let headers = BTreeMap::from([("accept".to_owned(), "a".repeat(9_000))]);
        let request = || OriginRequest { headers: headers.clone(), ..OriginRequest::default() };
        (facts.course.primary, facts.course.origin) = (Some(request()), Some(request()));
        let value = super::super::field::value(&mut facts).unwrap();
        assert!(value.to_str().unwrap().contains("\"cut\":[\"error\",\"primary.headers\",\"origin.headers\"]"));
    }
}
