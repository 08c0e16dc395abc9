"""The rules of cache behaviors."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.references import References
from edgeward.services.cloudfront.distribution.rules import check_distribution

ConfigWith = Callable[[Mapping[str, Any]], Shape]
AssertRefused = Callable[[Mapping[str, Any], str, str], None]

FIRST = "CacheBehaviors.Items.0"
DEFAULT = "DefaultCacheBehavior"
AT_FIRST = "DistributionConfig.CacheBehaviors.Items[/api/*]"
AT_DEFAULT = "DistributionConfig.DefaultCacheBehavior"


def methods(*names: str, cached: tuple[str, ...] = ("HEAD", "GET")) -> Shape:
    return {
        "Quantity": len(names),
        "Items": list(names),
        "CachedMethods": {"Quantity": len(cached), "Items": list(cached)},
    }


def forwarded(forward: str = "none", *names: str) -> Shape:
    """The legacy settings in place of the cache policy."""
    cookies: Shape = {"Forward": forward}
    if names:
        cookies["WhitelistedNames"] = {"Quantity": len(names), "Items": list(names)}
    values = {"QueryString": False, "Cookies": cookies}
    ttls = {f"{DEFAULT}.MinTTL": 0, f"{DEFAULT}.DefaultTTL": 86_400, f"{DEFAULT}.MaxTTL": 31_536_000}
    return {f"{DEFAULT}.CachePolicyId": ..., f"{DEFAULT}.ForwardedValues": values, **ttls}


def legacy(**values: Any) -> Shape:
    """Legacy settings with these values."""
    changes = forwarded()
    changes[f"{DEFAULT}.ForwardedValues"] |= values
    return changes


def listed(*names: str) -> Shape:
    return {"Quantity": len(names), "Items": list(names)}


ELEVEN = listed(*(f"x{n}" for n in range(11)))

ALL_METHODS = methods("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")
GRPC = {f"{FIRST}.GrpcConfig": {"Enabled": True}, f"{FIRST}.AllowedMethods": ALL_METHODS}
LAMBDA = {"LambdaFunctionARN": "arn", "EventType": "origin-request"}

REFUSED = [
    (
        "gRPC without POST",
        {**GRPC, f"{FIRST}.AllowedMethods": methods("GET", "HEAD")},
        "InvalidArgument",
        f"{AT_FIRST}.GrpcConfig: the parameter gRPC only supports the POST method",
    ),
    ("gRPC over HTTP/1.1", {**GRPC, "HttpVersion": "http1.1"}, "InvalidArgument", f"{AT_FIRST}.GrpcConfig:"),
    ("gRPC over HTTP/3 alone", {**GRPC, "HttpVersion": "http3"}, "InvalidArgument", f"{AT_FIRST}.GrpcConfig:"),
    (
        "gRPC with Lambda@Edge",
        {**GRPC, f"{FIRST}.LambdaFunctionAssociations": {"Quantity": 1, "Items": [LAMBDA]}},
        "InvalidArgument",
        f"{AT_FIRST}.GrpcConfig:",
    ),
    ("an unknown origin", {f"{FIRST}.TargetOriginId": "x"}, "NoSuchOrigin", f"{AT_FIRST}.TargetOriginId:"),
    ("no known default origin", {f"{DEFAULT}.TargetOriginId": "x"}, "NoSuchOrigin", f"{AT_DEFAULT}.TargetOriginId:"),
    ("an empty pattern", {f"{FIRST}.PathPattern": ""}, "InvalidArgument", "PathPattern:"),
    ("a pattern of 256 characters", {f"{FIRST}.PathPattern": "x" * 256}, "InvalidArgument", "has 256 characters"),
    ("a pattern with a space", {f"{FIRST}.PathPattern": "/a b"}, "InvalidArgument", "PathPattern:"),
    ("a pattern with a #", {f"{FIRST}.PathPattern": "/a#b"}, "InvalidArgument", "PathPattern:"),
    ("a pattern with a line feed", {f"{FIRST}.PathPattern": "/a\n"}, "InvalidArgument", "PathPattern:"),
    ("no method", {f"{DEFAULT}.AllowedMethods": methods()}, "InvalidArgument", f"{AT_DEFAULT}.AllowedMethods:"),
    (
        "GET alone",
        {f"{DEFAULT}.AllowedMethods": methods("GET", cached=("GET",))},
        "InvalidArgument",
        f"{AT_DEFAULT}.AllowedMethods:",
    ),
    (
        "four methods",
        {f"{DEFAULT}.AllowedMethods": methods("GET", "HEAD", "OPTIONS", "POST")},
        "InvalidArgument",
        f"{AT_DEFAULT}.AllowedMethods:",
    ),
    (
        "one method twice",
        {f"{DEFAULT}.AllowedMethods": methods("GET", "HEAD", "GET")},
        "InvalidArgument",
        f"{AT_DEFAULT}.AllowedMethods:",
    ),
    (
        "a cached POST",
        {f"{DEFAULT}.AllowedMethods": methods("GET", "HEAD", cached=("GET", "POST"))},
        "InvalidArgument",
        f"{AT_DEFAULT}.AllowedMethods.CachedMethods:",
    ),
    (
        "OPTIONS cached and not allowed",
        {f"{DEFAULT}.AllowedMethods": methods("GET", "HEAD", cached=("GET", "HEAD", "OPTIONS"))},
        "InvalidArgument",
        "OPTIONS is cached and not allowed",
    ),
    ("an unknown policy", {f"{FIRST}.CachePolicyId": "x"}, "NoSuchCachePolicy", f"{AT_FIRST}.CachePolicyId:"),
    (
        "an unknown origin request policy",
        {f"{FIRST}.OriginRequestPolicyId": "x"},
        "NoSuchOriginRequestPolicy",
        f"{AT_FIRST}.OriginRequestPolicyId:",
    ),
    (
        "an unknown response headers policy",
        {f"{FIRST}.ResponseHeadersPolicyId": "x"},
        "NoSuchResponseHeadersPolicy",
        f"{AT_FIRST}.ResponseHeadersPolicyId:",
    ),
    (
        "a header in the cache key that the edge cannot write",
        {f"{FIRST}.CachePolicyId": "certificate"},
        "InvalidArgument",
        "cannot write yet: cloudfront-is-robot-viewer",
    ),
    (
        "a forwarded header that the edge cannot write",
        {f"{DEFAULT}.OriginRequestPolicyId": "robot"},
        "InvalidArgument",
        "cannot write yet: cloudfront-is-robot-viewer",
    ),
    ("no policy", {f"{DEFAULT}.CachePolicyId": ...}, "InvalidArgument", f"{AT_DEFAULT}.CachePolicyId:"),
    ("an empty policy", {f"{DEFAULT}.CachePolicyId": ""}, "InvalidArgument", f"{AT_DEFAULT}.CachePolicyId:"),
    (
        "a policy and legacy settings",
        {f"{DEFAULT}.ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}},
        "InvalidArgument",
        f"{AT_DEFAULT}.ForwardedValues:",
    ),
    ("a policy and a TTL", {f"{FIRST}.MaxTTL": 60}, "InvalidArgument", f"{AT_FIRST}.MaxTTL:"),
    (
        "TTLs out of order",
        {**forwarded(), f"{DEFAULT}.MinTTL": 61, f"{DEFAULT}.DefaultTTL": 60},
        "InvalidTTLOrder",
        f"{AT_DEFAULT}.MinTTL:",
    ),
    ("a negative TTL", {**forwarded(), f"{DEFAULT}.MinTTL": -1}, "InvalidTTLOrder", f"{AT_DEFAULT}.MinTTL:"),
    (
        "an origin request policy beside legacy settings",
        {**forwarded(), f"{DEFAULT}.OriginRequestPolicyId": "x"},
        "InvalidArgument",
        f"{AT_DEFAULT}.OriginRequestPolicyId: goes with a cache policy",
    ),
    ("eleven headers", legacy(Headers=ELEVEN), "TooManyHeadersInForwardedValues", "ForwardedValues.Headers:"),
    ("eleven cookies", forwarded("whitelist", *ELEVEN["Items"]), "TooManyCookieNamesInWhiteList", "WhitelistedNames:"),
    (
        "eleven query strings",
        legacy(QueryString=True, QueryStringCacheKeys=ELEVEN),
        "TooManyQueryStringParameters",
        "QueryStringCacheKeys:",
    ),
    (
        "query strings named and not forwarded",
        legacy(QueryStringCacheKeys=listed("q")),
        "InvalidQueryStringParameters",
        "QueryStringCacheKeys:",
    ),
    ("all headers and one more", legacy(Headers=listed("*", "Origin")), "InvalidArgument", "or * alone"),
    ("a header twice", legacy(Headers=listed("Origin", "origin")), "InvalidArgument", "list each header once"),
    ("a header that is not forwarded", legacy(Headers=listed("Cookie")), "InvalidArgument", "cookie cannot be"),
    ("Host for a bucket", legacy(Headers=listed("Host")), "InvalidHeadersForS3Origin", "ForwardedValues.Headers: Host"),
    (
        "a legacy header that is not for a cache key",
        legacy(Headers=listed("CloudFront-Viewer-ASN")),
        "InvalidArgument",
        "cloudfront-viewer-asn cannot be forwarded",
    ),
    (
        "a legacy header that the edge cannot write",
        legacy(Headers=listed("CloudFront-Is-Robot-Viewer")),
        "InvalidArgument",
        "cannot write these headers yet: cloudfront-is-robot-viewer",
    ),
    (
        "a minimum and all headers",
        {**legacy(Headers=listed("*")), f"{DEFAULT}.MinTTL": 1},
        "InvalidArgument",
        f"{AT_DEFAULT}.MinTTL:",
    ),
    ("a whitelist of no cookies", forwarded("whitelist"), "InvalidForwardCookies", "ForwardedValues.Cookies:"),
    ("cookies named beside all", forwarded("all", "session"), "InvalidForwardCookies", "ForwardedValues.Cookies:"),
]


@pytest.mark.parametrize(("changes", "code", "named"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_an_unsound_cache_behavior_is_refused_by_name(
    changes: dict[str, Any], code: str, named: str, assert_refused: AssertRefused
) -> None:
    assert_refused(changes, code, named)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({f"{DEFAULT}.AllowedMethods": methods("HEAD", "GET")}, id="two methods in any order"),
        pytest.param(
            {f"{DEFAULT}.AllowedMethods": methods("GET", "HEAD", "OPTIONS", cached=("GET", "HEAD", "OPTIONS"))},
            id="three methods, all cached",
        ),
        pytest.param(
            {f"{DEFAULT}.AllowedMethods": methods("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")},
            id="all seven methods",
        ),
        pytest.param({f"{FIRST}.PathPattern": """/a-b_c.d*e?f$g~h"i'j@k:l+m&n"""}, id="every character of a pattern"),
        pytest.param({f"{FIRST}.PathPattern": "images/*.jpg"}, id="a pattern without a leading /"),
        pytest.param({f"{FIRST}.MinTTL": 0, f"{FIRST}.MaxTTL": 0}, id="TTLs of 0 beside a policy"),
        pytest.param({**GRPC, "HttpVersion": "http2"}, id="gRPC over HTTP/2"),
        pytest.param({**GRPC, "HttpVersion": "http2and3"}, id="gRPC beside HTTP/3"),
        pytest.param(forwarded(), id="legacy settings"),
        pytest.param(legacy(Headers=listed("*")), id="all headers"),
        pytest.param(
            legacy(QueryString=True, QueryStringCacheKeys=listed("q"), Headers=listed("Origin")),
            id="legacy settings with a header and a query string",
        ),
        pytest.param(forwarded("whitelist", "session"), id="legacy settings with named cookies"),
    ],
)
def test_a_sound_cache_behavior_is_allowed(changes: dict[str, Any], config_with: ConfigWith, known: References) -> None:
    check_distribution(config_with(changes), known)


@pytest.mark.parametrize("twin", ["/api/*", "api/*"])
def test_two_cache_behaviors_cannot_have_one_path_pattern(
    twin: str, config_with: ConfigWith, assert_refused: AssertRefused
) -> None:
    first = config_with({})["CacheBehaviors"]["Items"][0]
    changes = {"CacheBehaviors.Items": [first, first | {"PathPattern": twin}]}

    assert_refused(changes, "InvalidArgument", f"Items[{twin}].PathPattern: another cache behavior")


def test_path_patterns_that_differ_in_case_are_different(config_with: ConfigWith, known: References) -> None:
    first = config_with({})["CacheBehaviors"]["Items"][0]

    check_distribution(config_with({"CacheBehaviors.Items": [first, first | {"PathPattern": "/API/*"}]}), known)


def test_more_than_75_cache_behaviors_are_too_many(config_with: ConfigWith, assert_refused: AssertRefused) -> None:
    first = config_with({})["CacheBehaviors"]["Items"][0]
    changes = {"CacheBehaviors.Items": [first | {"PathPattern": f"/{n}"} for n in range(76)]}

    assert_refused(changes, "TooManyCacheBehaviors", "DistributionConfig.CacheBehaviors:")
