"""Rules about what is cached, under which key and for how long.

A key that holds too much means that viewers share no response; one that holds too little, that they share one they
must not. Called through `rules.findings`.
"""

from collections.abc import Iterator

from edgeward.lint.rules.subject import Finding, Subject, is_caching, items, key_headers


def cors_without_origin(subject: Subject) -> Iterator[Finding]:
    """Guide, "Cache content based on request headers", CORS."""
    for where, behavior in subject.behaviors():
        key = subject.key(behavior)
        forwarded = subject.origin_request_policies.get(behavior.get("OriginRequestPolicyId", ""), {})
        headers = {name.lower() for name in items(forwarded.get("HeadersConfig", {}).get("Headers"))}
        if key is None or "origin" not in headers or behavior.get("ResponseHeadersPolicyId"):
            continue
        if "origin" not in key_headers(key) and is_caching(subject, behavior):
            yield Finding(
                "cors-without-origin",
                "error",
                where,
                "the origin is told the viewer's Origin, and its answer for one site is cached for all others",
                "put Origin into the cache policy, or let a response headers policy write the CORS fields",
            )


def all_cookies_in_key(subject: Subject) -> Iterator[Finding]:
    """Guide, "Cache content based on cookies"."""
    for where, behavior in subject.behaviors():
        key = subject.key(behavior) or {}
        legacy = behavior.get("ForwardedValues", {}).get("Cookies", {}).get("Forward")
        if key.get("CookiesConfig", {}).get("CookieBehavior") == "all" or legacy == "all":
            yield Finding(
                "all-cookies-in-key",
                "warning",
                where,
                "every cookie is in the cache key, those of analytics too: hardly two viewers share a response",
                "name the cookies that change the answer, or forward them by an origin request policy",
            )


def unique_header_in_key(subject: Subject) -> Iterator[Finding]:
    """Guide, "Cache content based on request headers": headers with many values."""
    for where, behavior in subject.behaviors():
        headers = key_headers(subject.key(behavior) or {})
        headers |= {name.lower() for name in items(behavior.get("ForwardedValues", {}).get("Headers"))}
        for name in sorted(headers & _UNIQUE_HEADERS):
            yield Finding(
                "unique-header-in-key",
                "warning",
                where,
                f"{name} differs from viewer to viewer and is in the cache key",
                "leave it out, or put a CloudFront-Is-... header into the key in its place",
            )


def all_headers_forwarded(subject: Subject) -> Iterator[Finding]:
    """Guide, "Cache content based on request headers": all headers means no caching."""
    for where, behavior in subject.behaviors():
        if "*" in items(behavior.get("ForwardedValues", {}).get("Headers")):
            yield Finding(
                "all-headers-forwarded",
                "warning",
                where,
                "forwarding all headers turns caching off",
                "name the headers that change the answer, or say it with the policy CachingDisabled",
            )


def minimum_ttl_overrules(subject: Subject) -> Iterator[Finding]:
    """Guide, "Manage how long content stays in the cache": a minimum TTL above 0 outweighs no-store and private."""
    for where, behavior in subject.behaviors():
        policy = subject.cache_policies.get(behavior.get("CachePolicyId", ""), behavior)
        if int(policy.get("MinTTL") or 0) > LONG_MINIMUM:
            yield Finding(
                "minimum-ttl-overrules",
                "warning",
                where,
                f"a MinTTL of {policy['MinTTL']} s caches what the origin marks no-store or private",
                "set MinTTL to 0 or 1 and let the origin say how long",
            )


def authorization_in_key(subject: Subject) -> Iterator[Finding]:
    """Guide, "Configure caching based on the Authorization header"."""
    for where, behavior in subject.behaviors():
        key = subject.key(behavior)
        if key is not None and "authorization" in key_headers(key) and is_caching(subject, behavior):
            yield Finding(
                "authorization-in-key",
                "hint",
                where,
                "responses are cached for each value of Authorization: a response for each session",
                "use CachingDisabled with an origin request policy for what belongs to one user",
            )


def compression_without_codings(subject: Subject) -> Iterator[Finding]:
    """Guide, "Serve compressed files": it takes Compress and a cache policy with gzip or Brotli."""
    for where, behavior in subject.behaviors():
        key = subject.key(behavior)
        if key is None or not is_caching(subject, behavior):
            continue
        has_codings = key.get("EnableAcceptEncodingGzip") or key.get("EnableAcceptEncodingBrotli")
        if bool(behavior.get("Compress")) != bool(has_codings):
            yield Finding(
                "compression-without-codings",
                "warning" if behavior.get("Compress") else "hint",
                where,
                "Compress has no effect: the cache policy has neither gzip nor Brotli"
                if behavior.get("Compress")
                else "the cache policy has gzip or Brotli in the key, and Compress is off",
                "turn both on",
            )


LONG_MINIMUM = 60
"""Seconds."""
_UNIQUE_HEADERS = {"user-agent", "cookie", "referer", "x-forwarded-for", "x-request-id", "traceparent", "date"}
