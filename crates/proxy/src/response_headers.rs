//! What a response headers policy does to a response. Pure: the request, the response and a random draw in, the response
//! out (guide, understanding-response-headers-policies).
//!
//! Invariant: what is removed is removed before anything is added. Called by `stages::viewer_response` for the responses of
//! behaviors that attach a policy.

use edgeward_plan::{Cors, ResponseHeadersPolicy};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::outcome::ResultType;

static SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
static ORIGIN_IN_VARY: HeaderValue = HeaderValue::from_static("Origin");

/// What Server-Timing tells of a response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing<'a> {
    /// How it was answered.
    pub(crate) result: ResultType,
    /// Where.
    pub(crate) pop: &'a HeaderValue,
    /// The request's id.
    pub(crate) request_id: &'a str,
    /// From the request to now, milliseconds.
    pub(crate) first_byte_after: u64,
    /// From 0 to 999 999.
    pub(crate) draw: u32,
}

/// Changes `response` as `policy` says.
pub(crate) fn apply(
    policy: &ResponseHeadersPolicy,
    method: &Method,
    request: &HeaderMap,
    response: &mut HeaderMap,
    timing: Timing<'_>,
) {
    for name in &policy.remove {
        response.remove(name);
    }
    if let (Some(cors), Some(origin)) = (&policy.cors, request.get(header::ORIGIN)) {
        share(cors, origin, is_preflight(method, request), response);
    }
    for field in &policy.fields {
        put(&field.name, &field.value, field.overrides, response);
    }
    if let Some(rate) = policy.server_timing {
        time(rate, request, response, timing);
    }
}

fn put(name: &HeaderName, value: &HeaderValue, overrides: bool, response: &mut HeaderMap) {
    if overrides || !response.contains_key(name) {
        response.insert(name, value.clone());
    }
}

/// Fetch standard, CORS protocol: a preflight asks whether a method may be used.
fn is_preflight(method: &Method, request: &HeaderMap) -> bool {
    method == Method::OPTIONS && request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Field by field, the origin's stands unless the policy overrides it; of an overriding policy an origin that is not
/// allowed gets nothing, whatever the origin server would have let it read.
fn share(cors: &Cors, origin: &HeaderValue, is_preflight: bool, response: &mut HeaderMap) {
    let fields = if is_preflight { &cors.preflight } else { &cors.simple };
    if cors.overrides {
        response.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        fields.iter().for_each(|(name, _)| drop(response.remove(name)));
    }
    let allows_any = cors.allow_origins.contains(&edgeward_plan::OriginPattern::Any);
    if !allows_any {
        // Fetch standard, CORS protocol and HTTP caches: the answer is for this origin alone.
        vary_by_origin(response);
    }
    if !cors.allow_origins.iter().any(|pattern| pattern.allows(origin.as_bytes())) {
        return;
    }
    let allowed = if allows_any { HeaderValue::from_static("*") } else { origin.clone() };
    put(&header::ACCESS_CONTROL_ALLOW_ORIGIN, &allowed, cors.overrides, response);
    for (name, value) in fields {
        put(name, value, cors.overrides, response);
    }
}

fn vary_by_origin(response: &mut HeaderMap) {
    let names_it = edgeward_http_rules::fields::members(response, &header::VARY)
        .any(|member| member == b"*" || member.eq_ignore_ascii_case(b"origin"));
    if !names_it {
        response.append(header::VARY, ORIGIN_IN_VARY.clone());
    }
}

/// The origin's own metrics are about the request that fetched the response: true on a miss, not on a hit.
fn time(rate: u32, request: &HeaderMap, response: &mut HeaderMap, timing: Timing<'_>) {
    let metric = match timing.result {
        ResultType::Hit => "cdn-cache-hit",
        ResultType::RefreshHit => "cdn-cache-refresh",
        ResultType::Miss => "cdn-cache-miss",
        _ => return,
    };
    if timing.result != ResultType::Miss {
        response.remove(&SERVER_TIMING);
    }
    if timing.draw >= rate && !asks_for_timing(request) {
        return;
    }
    let Timing { pop, request_id, first_byte_after, .. } = timing;
    let pop = pop.to_str().unwrap_or_default();
    let layer = if timing.result == ResultType::Hit { ",cdn-hit-layer;desc=\"EDGE\"" } else { "" };
    let value = format!(
        "{metric},cdn-pop;desc=\"{pop}\",cdn-rid;desc=\"{request_id}\"{layer},cdn-downstream-fbl;dur={first_byte_after}"
    );
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.append(&SERVER_TIMING, value);
    }
}

/// Guide, server-timing header: a viewer may ask for it.
fn asks_for_timing(request: &HeaderMap) -> bool {
    edgeward_http_rules::fields::members(request, &header::PRAGMA)
        .any(|member| member.eq_ignore_ascii_case(b"server-timing"))
}

#[cfg(test)]
mod tests;
