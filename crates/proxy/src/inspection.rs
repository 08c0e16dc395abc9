//! What is stored for a distribution, as JSON: the question in, a page out.
//!
//! For whoever runs this edge: cookies are told by their names, and header values only where they are no secrets.
//! Reached through `Edge::list_stored`; in a fleet the control plane would ask every edge the same question.

use edgeward_cache::{CacheTag, Cursor, KeyText, Listed, Page, Tier, Timestamp, Wanted};
use edgeward_plan::PathPattern;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::explain::{redact, word};

/// Keys on one page.
const LARGEST_PAGE: usize = 1_000;

/// What is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// Distribution id.
    distribution: String,
    /// A path pattern, matched against path and query string of the key, or `#` and a cache tag; `null`: everything.
    pattern: Option<String>,
    /// Keys at most, 1 to 1,000.
    limit: usize,
    /// `next` of the page before.
    after: Option<String>,
}

/// A question that cannot be answered.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidQuestion(String);

#[derive(Serialize)]
struct Answer {
    responses: Vec<Response>,
    next: Option<String>,
}

/// Times are in seconds, lengths in bytes.
#[derive(Serialize)]
struct Response {
    target: String,
    method: &'static str,
    /// Header fields of the key.
    headers: Vec<(String, String)>,
    /// Names of the cookies of the key.
    cookies: Vec<String>,
    codings: Option<&'static str>,
    content_encoding: Option<String>,
    vary: Option<String>,
    status: u16,
    length: u64,
    age: u64,
    lifetime: u64,
    /// `fresh`, `invalidated`, or what the expired response is still good for.
    state: String,
    hits: u8,
    tier: &'static str,
}

/// Answers the JSON in `question` with JSON.
pub(crate) fn list(engine: &Engine, question: &[u8]) -> Result<Vec<u8>, InvalidQuestion> {
    let question = parse(question)?;
    let after = question.after.as_deref().map(cursor).transpose()?;
    let tag = question.pattern.as_deref().and_then(|pattern| pattern.strip_prefix('#'));
    let tag = tag.map(|tag| qualified(engine, &question.distribution, tag)).transpose()?;
    let pattern = question.pattern.as_deref().filter(|_| tag.is_none()).map(PathPattern::new);
    let is_wanted = |key: &KeyText| pattern.as_ref().is_none_or(|pattern| pattern.is_match(&key.target()));
    let wanted = Wanted { distribution: &question.distribution, is_wanted, limit: question.limit };
    let Page { mut listed, next } = engine.cache.list(&wanted, after);
    listed.retain(|listed| tag.is_none_or(|tag| listed.tags.contains(&tag)));
    let now = engine.clock.now();
    let answer =
        Answer { responses: listed.iter().map(|listed| response(listed, now)).collect(), next: next.map(written) };
    serde_json::to_vec(&answer).map_err(|error| InvalidQuestion(error.to_string()))
}

/// The tag as the responses of a distribution have it.
fn qualified(engine: &Engine, distribution: &str, tag: &str) -> Result<CacheTag, InvalidQuestion> {
    let plan = engine.plan.load();
    let header = plan.distribution(distribution).and_then(|found| found.cache_tag_header.as_ref());
    let header = header.ok_or_else(|| {
        InvalidQuestion("pattern: the distribution has no CacheTagConfig, so no response has a tag".to_owned())
    })?;
    Ok(CacheTag::new(header, tag.as_bytes()))
}

fn parse(question: &[u8]) -> Result<Question, InvalidQuestion> {
    let question: Question = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(question))
        .map_err(|error| InvalidQuestion(error.to_string()))?;
    match question.limit {
        1..=LARGEST_PAGE => Ok(question),
        _ => Err(InvalidQuestion(format!("limit: 1 to {LARGEST_PAGE}"))),
    }
}

fn cursor(text: &str) -> Result<Cursor, InvalidQuestion> {
    let read = |tier: fn(u64) -> Cursor, number| u64::from_str_radix(number, 16).ok().map(tier);
    let cursor = match text.split_at_checked(1) {
        Some(("m", hash)) => read(Cursor::Memory, hash),
        Some(("d", place)) => read(Cursor::Disk, place),
        _ => None,
    };
    cursor.ok_or_else(|| InvalidQuestion("after: not what an earlier page ended with".to_owned()))
}

fn written(cursor: Cursor) -> String {
    match cursor {
        Cursor::Memory(hash) => format!("m{hash:x}"),
        Cursor::Disk(place) => format!("d{place:x}"),
    }
}

fn response(listed: &Listed, now: Timestamp) -> Response {
    let key = &listed.key;
    let query = Some(key.query.as_str()).filter(|query| !query.is_empty());
    let field = |name| listed.headers.get(name).map(|value| redact::cut(value.as_bytes()));
    Response {
        target: redact::target(&key.path, query),
        method: if key.is_options { "OPTIONS" } else { "GET" },
        headers: key.headers.iter().map(|(name, values)| (name.clone(), shown(name, values))).collect(),
        cookies: cookie_names(&key.cookies),
        codings: key.codings,
        content_encoding: field(header::CONTENT_ENCODING),
        vary: field(header::VARY),
        status: listed.status.as_u16(),
        length: listed.length,
        age: listed.freshness.current_age(now),
        lifetime: listed.freshness.lifetime,
        state: state(listed, now),
        hits: listed.hits,
        tier: match listed.tier {
            Tier::Memory => "memory",
            Tier::Disk => "disk",
        },
    }
}

fn state(listed: &Listed, now: Timestamp) -> String {
    match (listed.is_valid, listed.freshness.is_fresh(now)) {
        (false, _) => "invalidated".to_owned(),
        (true, true) => "fresh".to_owned(),
        (true, false) => word(&listed.freshness.when_expired(now)),
    }
}

/// As an explanation shows it.
fn shown(name: &str, values: &[String]) -> String {
    let lines = values.iter().filter_map(|value| HeaderValue::from_str(value).ok());
    let Ok(name) = HeaderName::try_from(name) else { return String::new() };
    redact::values(&name, &lines.map(|value| (name.clone(), value)).collect::<HeaderMap>())
}

/// The cookies of a key are sorted and joined by `"; "`.
fn cookie_names(cookies: &str) -> Vec<String> {
    let pairs = cookies.split("; ").filter(|pair| !pair.is_empty());
    pairs.map(|pair| redact::cut(pair.split_once('=').map_or(pair, |(name, _)| name).as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_answered_is_named() {
        for (question, problem) in [
            (r#"{"distribution": "E1", "pattern": null, "limit": 0, "after": null}"#, "limit: 1 to 1000"),
            (r#"{"distribution": "E1", "limit": 1, "page": 2}"#, "page: unknown field"),
        ] {
            let found = parse(question.as_bytes()).err().unwrap().to_string();
            assert!(found.starts_with(problem), "{found}");
        }
        for text in ["", "m", "mzz", "ff", "\u{e9}f"] {
            assert!(cursor(text).is_err(), "{text}");
        }
        for place in [Cursor::Memory(u64::MAX), Cursor::Disk(0)] {
            assert_eq!(cursor(&written(place)).unwrap(), place);
        }
    }

    #[test]
    fn cookies_are_told_by_name_and_secrets_not_at_all() {
        assert_eq!(cookie_names("a=1; b=2=3"), ["a", "b"]);
        assert!(cookie_names("").is_empty());
        let lines = |text: &str| vec![text.to_owned()];
        assert_eq!(shown("x-a", &[lines("1"), lines("2")].concat()), "1, 2");
        assert_eq!(shown("authorization", &lines("Basic abc")), "[redacted]");
    }
}
