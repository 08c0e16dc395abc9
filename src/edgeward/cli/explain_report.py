"""An explanation in sentences. Pure: the edge's JSON and names of policies in, lines for a terminal out.

The words of the edge are its reasons; a word that is not known here is shown as it is, so that an edge may be newer
than this program.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Explanation = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The names of the policies that a behavior attaches, as far as they are known."""

    cache: str | None = None
    origin_request: str | None = None
    response_headers: str | None = None


def report(explanation: Explanation, policies: Policies) -> Iterator[str]:
    """The lines of the whole report."""
    distribution = explanation.get("distribution")
    yield f"{explanation['status']} {explanation['result']}" + (
        f", distribution {distribution}" if distribution else ""
    )
    yield from _in_columns(_course(explanation, policies))
    if explanation.get("error_page"):
        yield f"in place of an error, by the error page {explanation['error_page']}:"
        yield from _in_columns(_course(explanation.get("error", {}), Policies()))
    if explanation.get("cut"):
        yield f"left out to stay short: {', '.join(explanation['cut'])}"


def _in_columns(rows: Iterator[tuple[str, str]]) -> Iterator[str]:
    before = ""
    for subject, text in rows:
        yield f"  {'' if subject == before else subject:<12} {text}"
        before = subject


def _course(course: Explanation, policies: Policies) -> Iterator[tuple[str, str]]:
    for subject, lines in (
        ("challenge", _challenge(course)),
        ("behavior", _behavior(course)),
        ("refused", _refusal(course)),
        ("cache key", _key(course, policies)),
        ("look-up", _lookup(course)),
        ("primary", _primary(course, policies)),
        ("origin", _origin(course.get("origin"), policies)),
        ("lifetime", _lifetime(course)),
        ("stored", _stored(course)),
        ("compression", _compression(course)),
        ("headers", _response_headers(course, policies)),
    ):
        yield from ((subject, line) for line in lines)


def _challenge(course: Explanation) -> Iterator[str]:
    if course.get("challenge"):
        yield "a certificate authority that asks whose the name is, answered before any distribution"


def _behavior(course: Explanation) -> Iterator[str]:
    behavior = course.get("behavior")
    if behavior is not None:
        place = "default" if behavior["place"] == behavior["of"] else ordinal(behavior["place"])
        yield f"{behavior['path_pattern']} ({place} of {behavior['of']})"
        if "path" in behavior:
            yield f"asked as {behavior['path']}"


def _refusal(course: Explanation) -> Iterator[str]:
    if "refusal" in course:
        yield _words(REFUSALS, course["refusal"])


def _key(course: Explanation, policies: Policies) -> Iterator[str]:
    key = course.get("key")
    if key is None:
        return
    queries, headers, cookies = key["query_strings"], key["headers"], key["cookies"]
    yield key["path"] if key["method"] == "GET" else f"{key['path']} for {key['method']}"
    yield from (f"query string {query}" for query in queries)
    yield from (f"header {name}: {value}" for name, value in headers.items())
    yield from (f"cookie {name}" for name in cookies)
    if "codings" in key:
        yield f"accepts {key['codings']}"
    if policies.cache:
        yield f"selected by the cache policy {policies.cache}"
    parts = {f"query string {name}": name for name in (query.partition("=")[0] for query in queries)}
    parts |= {f"cookie {name}": name for name in cookies} | {f"header {name}": name for name in headers}
    yield from (
        f"{part} makes the key unique to a viewer or a visit" for part, name in parts.items() if is_unique(name)
    )


def _lookup(course: Explanation) -> Iterator[str]:
    lookup, reason = course.get("lookup"), course.get("lookup_reason", "")
    if lookup == "fresh":
        yield f"HIT: {FRESH.get(reason, 'a fresh response is stored')}"
    elif lookup == "stale":
        yield f"STALE: {_words(STALE, reason)}"
    elif lookup == "missing":
        yield f"MISS: {_words(MISSING, reason)}"
    elif lookup == "none":
        reason = course.get("not_stored", "")
        yield f"none: {_words(NOT_STORED, reason)}"
    if course.get("flight") in FLIGHTS:
        yield FLIGHTS[course["flight"]]


def _primary(course: Explanation, policies: Policies) -> Iterator[str]:
    primary = course.get("primary")
    if primary is not None:
        yield from _origin(primary, policies)
        yield f"left for the secondary origin: the failover criteria list {primary['failover_criterion']}"


def _origin(origin: Explanation | None, policies: Policies) -> Iterator[str]:
    if origin is None:
        return
    times = f", sent {origin['sent']} times" if origin["sent"] > 1 else ""
    yield f"{origin['method']} {origin['url']}{times}"
    yield from (f"  {name}: {value}" for name, value in origin["headers"].items())
    if policies.origin_request is not None:
        yield f"forwarded by the origin request policy {policies.origin_request}, beside the cache key"
    if "status" in origin:
        yield f"answered {origin['status']}"
    if "failure" in origin:
        yield f"failed: {origin.get('failure_text', origin['failure'])}"
    if origin["stale_stands_in"]:
        yield "an expired response stands in for it"
    if origin.get("status") == 403 and origin["headers"].get("x-amz-content-sha256") == "UNSIGNED-PAYLOAD":
        yield from UNSIGNED_UPLOAD if origin["method"] in ("PUT", "POST", "PATCH") else ()


def _lifetime(course: Explanation) -> Iterator[str]:
    ttl = course.get("ttl")
    if ttl is None:
        return
    source = ttl.get("source")
    why = "stored under another configuration" if source is None else _words(SOURCES, source)
    yield f"{ttl['seconds']} s: {why}; its age is {ttl['age']} s"
    says = ttl.get("origin_says")
    if says is not None and source in ("min-ttl", "max-ttl"):
        yield f"the origin's {_words(SOURCES, says['source'])} says {says['seconds']} s"
    yield f"bounds of the policy: minimum {ttl['min']}, default {ttl['default']}, maximum {ttl['max']}"


def _stored(course: Explanation) -> Iterator[str]:
    reason = course.get("not_stored")
    if reason is not None:
        yield f"no: {_words(NOT_STORED, reason)}"
    elif course.get("stored"):
        yield "yes"


def _compression(course: Explanation) -> Iterator[str]:
    reason = course.get("compression")
    if reason is not None and reason != "not-asked":
        yield _words(COMPRESSION, reason)


def _response_headers(course: Explanation, policies: Policies) -> Iterator[str]:
    if course.get("response_headers_policy"):
        yield f"changed by the response headers policy {policies.response_headers or ''}".rstrip()


def _words(known: Mapping[str, str], reason: str) -> str:
    return known.get(reason, reason)


def ordinal(number: int) -> str:
    """`2nd`."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def is_unique(name: str) -> bool:
    """Whether values of this name are known to differ from viewer to viewer: marks of trackers and of sessions."""
    lower = name.lower()
    return lower in _UNIQUE or lower.startswith(_UNIQUE_PREFIXES)


_UNIQUE = frozenset(
    """
    authorization cookie fbclid gclid dclid msclkid user-agent x-forwarded-for x-request-id x-amzn-trace-id
    session sessionid session_id phpsessid jsessionid asp.net_sessionid connect.sid referer
    cloudfront-viewer-cert-serial-number cloudfront-viewer-cert-sha256 cloudfront-viewer-cert-subject
    cloudfront-viewer-address cloudfront-viewer-ja3-fingerprint cloudfront-viewer-ja4-fingerprint traceparent
    """.split()
)
_UNIQUE_PREFIXES = ("_ga", "_gid", "_gcl", "_fbp", "_fbc", "_hj", "_pk_id", "utm_", "intercom-", "amp_")

REFUSALS = {
    "invalid-host": "the request has no Host, several, or one that is no host name",
    "invalid-framing": "Content-Length and Transfer-Encoding are malformed or contradict each other",
    "invalid-target": "the target is no path",
    "url-too-long": "the URL is longer than 8,192 bytes",
    "headers-too-large": "request line and header section are larger than 20,480 bytes",
    "unknown-host": "no distribution has this name: add it to Aliases, or use the distribution's domain name",
    "misdirected": "the connection was made for a name of another distribution, or of none",
    "tls-below-policy": "the connection's TLS is not one that the distribution's security policy allows",
    "not-authenticated": "the connection was not asked for the certificate that the distribution asks viewers for now",
    "disabled": "the distribution is disabled",
    "geo-blocked": "the distribution's GeoRestriction does not serve the viewer's country",
    "geo-data-missing": "the distribution has a GeoRestriction, and the edge has no data about countries",
    "https-required": "the behavior's ViewerProtocolPolicy is https-only",
    "method-not-allowed": "the method is not among the behavior's AllowedMethods",
    "unexpected-content": "GET and HEAD may not have content",
    "grpc-in-clear": "gRPC goes to origins over HTTPS alone, and this one is asked in clear",
    "no-signing-identity": "the origin is to be signed for, and the edge has no identity to sign with",
    "origin-dns": "the origin's domain name cannot be resolved",
    "origin-out-of-reach": "the origin's domain name leads to a private address; the edge's allowed_private_origins "
    "names those it may connect to",
    "origin-connect": "the origin accepts no connection",
    "origin-connect-timeout": "no connection to the origin within its connection timeout",
    "origin-tls": "the origin's certificate is not trusted, or there is no common version of TLS",
    "origin-timeout": "the origin did not answer within its response timeout",
    "origin-completion-timeout": "the origin's response was not complete within its response completion timeout",
    "origin-busy": "as many requests as the edge lets the origin have are in progress (origin_limits of the edge)",
    "origin-given-up": "connections to the origin have been failing, and it is too early to try another one",
    "origin-read": "the origin's connection broke before the response was complete",
    "origin-write": "the request could not be written to the origin",
    "origin-invalid-response": "what the origin sent is not HTTP",
    "origin-header-too-big": "the header section of the origin's response is too large",
    "origin-content-too-large": "the origin's content is longer than 50 GB, the most that is cached",
    "origin-zero-size": "the origin closed the connection without a byte",
}
FRESH = {"part-missing": "a fresh response is stored, but not yet the part that is asked for"}
MISSING = {
    "not-stored": "nothing is stored under this key: never asked for here, not stored, or evicted",
    "invalidated": "what was stored is older than an invalidation that matches it",
}
STALE = {
    "while-revalidating": "expired, served at once while the origin is asked (stale-while-revalidate)",
    "after-error": "expired, served because the origin failed a moment ago",
    "if-error": "expired; validated, and served should the origin fail",
    "if-unreachable": "expired; validated, and served should the origin give no answer",
    "validation": "expired; nothing but the origin's word makes it usable",
}
FLIGHTS = {
    "led": "this request asked the origin, for all who wait for the same key",
    "followed": "another request was asking the origin already, and its response answers this one",
    "not-shared": "another request was asking the origin already, but its response was for that one alone",
    "in-background": "the origin is asked in the background",
}
NOT_STORED = {
    "caching-disabled": "the cache policy's maximum TTL is 0",
    "status": "its status is not one that is stored",
    "no-store": "Cache-Control: no-store",
    "no-cache": "Cache-Control: no-cache",
    "private": "Cache-Control: private",
    "authorized": "the request has Authorization, and nothing says that others may have the response",
    "varies-by-everything": "Vary: *",
    "zero-lifetime": "it is stale at once and has no ETag or Last-Modified to ask the origin with",
    "too-large": "it is larger than the cache takes",
    "truncated": "its content ended early",
    "method-not-cached": "the method is not among the behavior's CachedMethods",
    "part-only": "a part is stored only where it is fresh and has a strong validator, such as an ETag without W/",
    "no-content": "the answer to HEAD has no content",
    "grpc": "gRPC is never stored",
    "not-shared": "it was asked for beside a request whose response could not be shared",
}
SOURCES = {
    "s-max-age": "s-maxage",
    "max-age": "max-age",
    "expires": "Expires",
    "min-ttl": "the policy's minimum TTL",
    "default-ttl": "the policy's default TTL, because the origin says nothing",
    "max-ttl": "the policy's maximum TTL",
    "error-caching-min-ttl": "the distribution's ErrorCachingMinTTL",
    "no-cache": "no-cache, validated before each use",
    "heuristic": "a tenth of the time since Last-Modified, because the origin says nothing",
}
COMPRESSION = {
    "edge": "by the edge",
    "origin": "by the origin",
    "status": "none: only 200, 403 and 404 are compressed",
    "coded": "by the origin",
    "length": "none: the content is shorter than 1,000 bytes, longer than 10,000,000, or of unknown length",
    "content-type": "none: its Content-Type is not one that is compressed",
    "no-transform": "none: Cache-Control: no-transform",
    "viewer-accepts-none": "none: the viewer's Accept-Encoding has no coding of the policy's",
    "edge-was-busy": "none: the edge was compressing too many responses",
}
UNSIGNED_UPLOAD = (
    "an upload through origin access control is signed with the hash of its content only where the viewer sends it:",
    "put the SHA-256 of the content into x-amz-content-sha256",
)
