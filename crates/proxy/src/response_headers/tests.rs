//! What becomes of a response, policy by policy.

use edgeward_plan::{OriginPattern, PolicyField};

use super::*;

type Lines = &'static [(&'static str, &'static str)];

fn map(lines: Lines) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    map
}

fn pairs(lines: Lines) -> Vec<(HeaderName, HeaderValue)> {
    lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

fn lines(map: &HeaderMap) -> Vec<String> {
    let mut lines: Vec<_> = map.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    lines
}

fn policy() -> ResponseHeadersPolicy {
    ResponseHeadersPolicy { remove: Vec::new(), cors: None, fields: Vec::new(), server_timing: None }
}

fn like(authority: &str) -> OriginPattern {
    OriginPattern::Like { scheme: Some("https".to_owned()), authority: authority.to_owned(), is_parent: false }
}

fn cors(allow_origins: Vec<OriginPattern>, overrides: bool) -> ResponseHeadersPolicy {
    let simple = pairs(&[("access-control-expose-headers", "x-a")]);
    let preflight = pairs(&[("access-control-allow-methods", "GET, PUT")]);
    ResponseHeadersPolicy { cors: Some(Cors { allow_origins, preflight, simple, overrides }), ..policy() }
}

fn applied(policy: &ResponseHeadersPolicy, method: &Method, request: Lines, response: Lines) -> Vec<String> {
    timed(policy, method, request, response, (ResultType::Hit, 0))
}

fn timed(
    policy: &ResponseHeadersPolicy,
    method: &Method,
    request: Lines,
    response: Lines,
    (result, draw): (ResultType, u32),
) -> Vec<String> {
    let mut response = map(response);
    let pop = HeaderValue::from_static("LCL1-C1");
    let timing = Timing { result, pop: &pop, request_id: "id==", first_byte_after: 7, draw };
    apply(policy, method, &map(request), &mut response, timing);
    lines(&response)
}

#[test]
fn fields_replace_those_of_the_origin_only_where_they_override() {
    let field = |name, overrides| PolicyField {
        name: HeaderName::from_static(name),
        value: HeaderValue::from_static("policy"),
        overrides,
    };
    let policy = ResponseHeadersPolicy {
        remove: vec![HeaderName::from_static("x-gone"), HeaderName::from_static("x-new")],
        fields: vec![field("x-kept", false), field("x-replaced", true), field("x-new", false)],
        ..policy()
    };
    let response: Lines = &[("x-gone", "o"), ("x-kept", "o"), ("x-replaced", "o"), ("x-replaced", "p"), ("x-new", "o")];
    assert_eq!(applied(&policy, &Method::GET, &[], response), ["x-kept: o", "x-new: policy", "x-replaced: policy"]);
}

#[test]
fn cross_origin_requests_get_what_their_kind_asks_for() {
    let any = || vec![OriginPattern::Any];
    let one = || vec![like("a.test")];
    let origin: Lines = &[("origin", "https://a.test")];
    let preflight: Lines = &[("origin", "https://a.test"), ("access-control-request-method", "PUT")];
    for (policy, method, request, expected) in [
        (cors(any(), false), Method::GET, &[][..], vec![]),
        (
            cors(any(), false),
            Method::GET,
            origin,
            vec!["access-control-allow-origin: *", "access-control-expose-headers: x-a"],
        ),
        (
            cors(one(), false),
            Method::GET,
            origin,
            vec!["access-control-allow-origin: https://a.test", "access-control-expose-headers: x-a", "vary: Origin"],
        ),
        (
            cors(any(), false),
            Method::OPTIONS,
            preflight,
            vec!["access-control-allow-methods: GET, PUT", "access-control-allow-origin: *"],
        ),
        (cors(vec![like("b.test")], false), Method::GET, origin, vec!["vary: Origin"]),
    ] {
        assert_eq!(applied(&policy, &method, request, &[]), expected);
    }
}

#[test]
fn the_origins_cors_fields_stand_unless_the_policy_overrides_them() {
    let request: Lines = &[("origin", "https://a.test")];
    let response: Lines = &[("access-control-allow-origin", "https://o.test")];
    for (policy, expected) in [
        (
            cors(vec![OriginPattern::Any], false),
            vec!["access-control-allow-origin: https://o.test", "access-control-expose-headers: x-a"],
        ),
        (
            cors(vec![OriginPattern::Any], true),
            vec!["access-control-allow-origin: *", "access-control-expose-headers: x-a"],
        ),
        (cors(vec![like("b.test")], true), vec!["vary: Origin"]),
    ] {
        assert_eq!(applied(&policy, &Method::GET, request, response), expected);
    }
}

#[test]
fn server_timing_is_drawn_or_asked_for_and_merges_with_the_origins_on_a_miss() {
    let policy = ResponseHeadersPolicy { server_timing: Some(500_000), ..policy() };
    let origin: Lines = &[("server-timing", "db;dur=5")];
    let asked: Lines = &[("pragma", "Server-Timing")];
    let common = "cdn-pop;desc=\"LCL1-C1\",cdn-rid;desc=\"id==\"";
    let hit = format!("server-timing: cdn-cache-hit,{common},cdn-hit-layer;desc=\"EDGE\",cdn-downstream-fbl;dur=7");
    let miss = format!("server-timing: cdn-cache-miss,{common},cdn-downstream-fbl;dur=7");
    let refresh = format!("server-timing: cdn-cache-refresh,{common},cdn-downstream-fbl;dur=7");
    for (request, drawn, expected) in [
        (&[][..], (ResultType::Hit, 499_999), vec![hit.clone()]),
        (&[], (ResultType::Hit, 500_000), vec![]),
        (asked, (ResultType::Hit, 999_999), vec![hit]),
        (&[], (ResultType::RefreshHit, 0), vec![refresh]),
        (&[], (ResultType::Miss, 0), vec![miss, "server-timing: db;dur=5".to_owned()]),
        (&[], (ResultType::Miss, 500_000), vec!["server-timing: db;dur=5".to_owned()]),
        (&[], (ResultType::Error, 0), vec!["server-timing: db;dur=5".to_owned()]),
    ] {
        assert_eq!(timed(&policy, &Method::GET, request, origin, drawn), expected, "{drawn:?}");
    }
}
