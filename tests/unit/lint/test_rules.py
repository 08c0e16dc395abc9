"""Every rule about mistakes: what it finds, and the nearest thing that is none."""

import copy
import inspect
from typing import Any

import pytest

from edgeward.lint.rules import RULES, SEVERITIES, Subject, findings

CACHING, NOT_CACHING, FORWARDING = "cache", "none", "forward"


def items(*each: Any, **beside: Any) -> dict[str, Any]:
    return {"Quantity": len(each), "Items": list(each), **beside}


def origin(name: str = "site", **changes: Any) -> dict[str, Any]:
    custom = {"OriginProtocolPolicy": "https-only", "OriginSslProtocols": items("TLSv1.2")}
    return {"Id": name, "DomainName": f"{name}.example.com", "CustomOriginConfig": custom} | changes


def bucket(**changes: Any) -> dict[str, Any]:
    made = {
        "Id": "site",
        "DomainName": "b.s3.us-east-1.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
        "OriginAccessControlId": "E1",
    }
    return made | changes


def behavior(**changes: Any) -> dict[str, Any]:
    return {
        "TargetOriginId": "site",
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": CACHING,
        "Compress": True,
        "AllowedMethods": items("GET", "HEAD"),
    } | changes


def config(**changes: Any) -> dict[str, Any]:
    return {
        "Origins": items(origin()),
        "DefaultCacheBehavior": behavior(),
        "DefaultRootObject": "index.html",
        "ViewerCertificate": {"CloudFrontDefaultCertificate": True},
    } | changes


KEY: dict[str, Any] = {
    "HeadersConfig": {"HeaderBehavior": "none"},
    "CookiesConfig": {"CookieBehavior": "none"},
    "EnableAcceptEncodingGzip": True,
    "EnableAcceptEncodingBrotli": True,
}


def policy(**key: Any) -> dict[str, Any]:
    return {"MinTTL": 0, "MaxTTL": 100, "ParametersInCacheKeyAndForwardedToOrigin": KEY | key}


def found(changed: dict[str, Any], cache: Any = None, forward: Any = None) -> set[str]:
    policies = {CACHING: cache or policy(), NOT_CACHING: policy() | {"MaxTTL": 0}}
    subject = Subject(config=changed, cache_policies=policies, origin_request_policies={FORWARDING: forward or {}})
    return {finding.rule for finding in findings(subject)}


def headers(*names: str) -> dict[str, Any]:
    return {"HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": items(*names)}}


PAGE = {"ErrorCode": 404, "ResponseCode": "200", "ResponsePagePath": "/index.html"}
API = behavior(PathPattern="/api/*")
TELLING = behavior(OriginRequestPolicyId=FORWARDING)
GROUP = {"Id": "both", "Members": items({"OriginId": "site"}, {"OriginId": "spare"})}

MISTAKES: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("spa-page-masks-errors", {"CustomErrorResponses": items(PAGE), "CacheBehaviors": items(API)}, None, None),
    ("cors-without-origin", {"DefaultCacheBehavior": TELLING}, None, headers("Origin")),
    ("all-cookies-in-key", {}, policy(CookiesConfig={"CookieBehavior": "all"}), None),
    (
        "all-cookies-in-key",
        {"DefaultCacheBehavior": behavior(CachePolicyId="", ForwardedValues={"Cookies": {"Forward": "all"}})},
        None,
        None,
    ),
    ("unique-header-in-key", {}, policy(**headers("User-Agent")), None),
    (
        "all-headers-forwarded",
        {"DefaultCacheBehavior": behavior(CachePolicyId="", ForwardedValues={"Headers": items("*")})},
        None,
        None,
    ),
    ("minimum-ttl-overrules", {}, policy() | {"MinTTL": 3600}, None),
    ("authorization-in-key", {}, policy(**headers("Authorization")), None),
    ("alias-without-certificate", {"Aliases": items("www.example.com")}, None, None),
    (
        "certificate-of-other-region",
        {"ViewerCertificate": {"ACMCertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/a"}},
        None,
        None,
    ),
    (
        "access-control-with-website",
        {"Origins": items(origin(DomainName="b.s3-website-us-east-1.amazonaws.com", OriginAccessControlId="E1"))},
        None,
        None,
    ),
    ("bucket-without-access-control", {"Origins": items(bucket(OriginAccessControlId=""))}, None, None),
    (
        "host-sent-to-bucket",
        {"Origins": items(bucket()), "DefaultCacheBehavior": TELLING},
        None,
        {"HeadersConfig": {"HeaderBehavior": "allViewer"}},
    ),
    (
        "writes-to-bucket",
        {"Origins": items(bucket()), "DefaultCacheBehavior": behavior(AllowedMethods=items("GET", "PUT"))},
        None,
        None,
    ),
    ("viewers-in-clear", {"DefaultCacheBehavior": behavior(ViewerProtocolPolicy="allow-all")}, None, None),
    (
        "origin-in-clear",
        {"Origins": items(origin(CustomOriginConfig={"OriginProtocolPolicy": "http-only"}))},
        None,
        None,
    ),
    (
        "grpc-in-clear",
        {
            "Origins": items(origin(DomainName="web", CustomOriginConfig={"OriginProtocolPolicy": "http-only"})),
            "DefaultCacheBehavior": behavior(GrpcConfig={"Enabled": True}),
        },
        None,
        None,
    ),
    (
        "grpc-in-clear",
        {"Origins": items(bucket()), "DefaultCacheBehavior": behavior(GrpcConfig={"Enabled": True})},
        None,
        None,
    ),
    (
        "old-tls-to-origin",
        {"Origins": items(origin(CustomOriginConfig={"OriginSslProtocols": items("TLSv1", "TLSv1.2")}))},
        None,
        None,
    ),
    (
        "old-tls-to-viewers",
        {"ViewerCertificate": {"ACMCertificateArn": "arn", "MinimumProtocolVersion": "TLSv1_2016"}},
        None,
        None,
    ),
    ("errors-kept-long", {"CustomErrorResponses": items({"ErrorCode": 502, "ErrorCachingMinTTL": 300})}, None, None),
    ("no-root-object", {"Origins": items(bucket()), "DefaultRootObject": ""}, None, None),
    (
        "compression-without-codings",
        {},
        policy(EnableAcceptEncodingGzip=False, EnableAcceptEncodingBrotli=False),
        None,
    ),
    ("compression-without-codings", {"DefaultCacheBehavior": behavior(Compress=False)}, None, None),
    (
        "unreachable-behavior",
        {"CacheBehaviors": items(behavior(PathPattern="/img/*"), behavior(PathPattern="/img/big/*.png"))},
        None,
        None,
    ),
    ("unused-origin", {"Origins": items(origin(), origin("spare"))}, None, None),
    ("signers-by-account", {"DefaultCacheBehavior": behavior(TrustedSigners={"Enabled": True})}, None, None),
    (
        "failover-to-itself",
        {
            "Origins": items(origin(), origin("spare", DomainName="site.example.com")),
            "OriginGroups": items(GROUP),
            "DefaultCacheBehavior": behavior(TargetOriginId="both"),
        },
        None,
        None,
    ),
]

SOUND: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("a site", {}, None, None),
    ("an error page without an API", {"CustomErrorResponses": items(PAGE)}, None, None),
    (
        "a page for an error that stays one",
        {"CustomErrorResponses": items(PAGE | {"ResponseCode": "404"}), "CacheBehaviors": items(API)},
        None,
        None,
    ),
    (
        "CORS with the origin in the key",
        {"DefaultCacheBehavior": TELLING},
        policy(**headers("origin")),
        headers("Origin"),
    ),
    (
        "CORS that is not cached",
        {"DefaultCacheBehavior": behavior(OriginRequestPolicyId=FORWARDING, CachePolicyId=NOT_CACHING)},
        None,
        headers("Origin"),
    ),
    ("some cookies", {}, policy(CookiesConfig={"CookieBehavior": "whitelist", "Cookies": items("theme")}), None),
    ("a bucket with access control", {"Origins": items(bucket())}, None, None),
    (
        "a bucket with an identity",
        {
            "Origins": items(
                bucket(
                    OriginAccessControlId="",
                    S3OriginConfig={"OriginAccessIdentity": "origin-access-identity/cloudfront/E1"},
                )
            )
        },
        None,
        None,
    ),
    (
        "all but the Host to a bucket",
        {"Origins": items(bucket()), "DefaultCacheBehavior": TELLING},
        None,
        {"HeadersConfig": {"HeaderBehavior": "allExcept", "Headers": items("Host")}},
    ),
    (
        "a private origin in clear",
        {"Origins": items(origin(DomainName="web", CustomOriginConfig={"OriginProtocolPolicy": "http-only"}))},
        None,
        None,
    ),
    (
        "gRPC as the viewer came",
        {
            "Origins": items(
                origin(
                    CustomOriginConfig={"OriginProtocolPolicy": "match-viewer", "OriginSslProtocols": items("TLSv1.2")}
                )
            ),
            "DefaultCacheBehavior": behavior(GrpcConfig={"Enabled": True}),
        },
        None,
        None,
    ),
    (
        "an error kept for ten seconds",
        {"CustomErrorResponses": items({"ErrorCode": 502, "ErrorCachingMinTTL": 10})},
        None,
        None,
    ),
    (
        "patterns from narrow to wide",
        {
            "CacheBehaviors": items(
                behavior(PathPattern="/img/big/*"), behavior(PathPattern="/img/*"), behavior(PathPattern="*.png")
            )
        },
        None,
        None,
    ),
    (
        "patterns that overlap",
        {"CacheBehaviors": items(behavior(PathPattern="/a/*"), behavior(PathPattern="*/b"))},
        None,
        None,
    ),
    (
        "a certificate",
        {
            "Aliases": items("www.example.com"),
            "ViewerCertificate": {
                "CloudFrontDefaultCertificate": False,
                "ACMCertificateArn": "arn",
                "MinimumProtocolVersion": "TLSv1.2_2021",
            },
        },
        None,
        None,
    ),
    (
        "failover",
        {
            "Origins": items(origin(), origin("spare")),
            "OriginGroups": items(GROUP),
            "DefaultCacheBehavior": behavior(TargetOriginId="both"),
        },
        None,
        None,
    ),
]


@pytest.mark.parametrize(("rule", "changes", "cache", "forward"), MISTAKES, ids=[each[0] for each in MISTAKES])
def test_a_mistake_is_found(rule: str, changes: dict[str, Any], cache: Any, forward: Any) -> None:
    assert rule in found(config(**changes), cache, forward)


@pytest.mark.parametrize(("what", "changes", "cache", "forward"), SOUND, ids=[each[0] for each in SOUND])
def test_what_is_sound_is_left_alone(what: str, changes: dict[str, Any], cache: Any, forward: Any) -> None:
    assert found(config(**changes), cache, forward) == set(), what


def test_every_rule_has_a_mistake_and_names_its_source() -> None:
    assert {rule.__name__.replace("_", "-") for rule in RULES} == {each[0] for each in MISTAKES}
    assert all(inspect.getdoc(rule) for rule in RULES)


def test_a_policy_that_is_not_known_is_passed_over() -> None:
    changed = config(DefaultCacheBehavior=behavior(CachePolicyId="gone", OriginRequestPolicyId="gone"))
    assert found(changed, policy(CookiesConfig={"CookieBehavior": "all"}), headers("Origin")) == set()


def test_the_worst_comes_first() -> None:
    bad = config(
        Origins=items(bucket(OriginAccessControlId=""), origin("spare")),
        DefaultCacheBehavior=behavior(ViewerProtocolPolicy="allow-all"),
        CacheBehaviors=items(behavior(PathPattern="*"), behavior(PathPattern="/a")),
    )
    severities = [finding.severity for finding in findings(Subject(config=bad))]
    assert severities == sorted(severities, key=SEVERITIES.index)
    assert len(set(severities)) == 3


def test_an_empty_configuration_breaks_nothing() -> None:
    assert findings(Subject(config={})) == []
    assert findings(Subject(config=copy.deepcopy(config()) | {"Origins": {"Quantity": 0}})) == []
