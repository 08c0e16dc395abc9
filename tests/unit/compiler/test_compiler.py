"""From a DistributionConfig to the document that edges load."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeward.aws.model import Shape
from edgeward.compiler import DanglingReferenceError, DistributionSource, compile_distribution, encode_plan
from edgeward.services.cloudfront.managed_policies import RFC9111_CACHE_POLICY_ID

CONTROL = {"OriginAccessControlOriginType": "s3", "SigningBehavior": "always", "SigningProtocol": "sigv4"}
POLICY: Shape = {
    "Name": "policy",
    "MinTTL": 1,
    "DefaultTTL": 2,
    "MaxTTL": 3,
    "ParametersInCacheKeyAndForwardedToOrigin": {
        "EnableAcceptEncodingGzip": True,
        "EnableAcceptEncodingBrotli": False,
        "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": {"Quantity": 2, "Items": ["X-B", "Origin"]}},
        "CookiesConfig": {"CookieBehavior": "allExcept", "Cookies": {"Quantity": 2, "Items": ["b", "A"]}},
        "QueryStringsConfig": {"QueryStringBehavior": "all"},
    },
}

FORWARD: Shape = {
    "Name": "forward",
    "HeadersConfig": {"HeaderBehavior": "allExcept", "Headers": {"Quantity": 1, "Items": ["Host"]}},
    "CookiesConfig": {"CookieBehavior": "all"},
    "QueryStringsConfig": {"QueryStringBehavior": "whitelist", "QueryStrings": {"Quantity": 1, "Items": ["q"]}},
}


class Attached:
    """Implements `references.AttachedResources` from dictionaries."""

    def __init__(self) -> None:
        self.policies: dict[str, Shape] = {"policy": deepcopy(POLICY)}
        self.origin_request_policies: dict[str, Shape] = {"forward": deepcopy(FORWARD)}
        self.response_headers_policies: dict[str, Shape] = {}
        self.controls: dict[str, Shape] = {"control": dict(CONTROL)}

    def cache_policy(self, policy_id: str, /) -> Shape | None:
        return self.policies.get(policy_id)

    def origin_request_policy(self, policy_id: str, /) -> Shape | None:
        return self.origin_request_policies.get(policy_id)

    def response_headers_policy(self, policy_id: str, /) -> Shape | None:
        return self.response_headers_policies.get(policy_id)

    def trusted_authorities(self, _store_id: str, /) -> str | None:
        return None

    def origin_access_control(self, control_id: str, /) -> Shape | None:
        return self.controls.get(control_id)


@pytest.fixture
def attached() -> Attached:
    return Attached()


BUCKET: Shape = {
    "Id": "site",
    "DomainName": "Site.s3.eu-west-1.amazonaws.com",
    "OriginPath": "/prefix",
    "OriginAccessControlId": "control",
    "S3OriginConfig": {"OriginAccessIdentity": "", "OriginReadTimeout": 20},
}
SERVER: Shape = {
    "Id": "api",
    "DomainName": "api.example.com",
    "CustomHeaders": {
        "Quantity": 2,
        "Items": [{"HeaderName": "X-Token", "HeaderValue": "Secret"}, {"HeaderName": "X-A", "HeaderValue": "b"}],
    },
    "ConnectionAttempts": 2,
    "ConnectionTimeout": 4,
    "CustomOriginConfig": {
        "HTTPPort": 8080,
        "HTTPSPort": 8443,
        "OriginProtocolPolicy": "https-only",
        "OriginReadTimeout": 6,
        "OriginKeepaliveTimeout": 7,
    },
}
CONFIG: Shape = {
    "CallerReference": "r",
    "Comment": "",
    "Enabled": True,
    "Aliases": {"Quantity": 2, "Items": ["www.example.com", "*.example.org"]},
    "DefaultRootObject": "index.html",
    "CustomErrorResponses": {
        "Quantity": 2,
        "Items": [
            {"ErrorCode": 500, "ErrorCachingMinTTL": 0, "ResponsePagePath": "", "ResponseCode": ""},
            {"ErrorCode": 404, "ResponsePagePath": "/404.html", "ResponseCode": "200"},
        ],
    },
    "Origins": {"Quantity": 2, "Items": [BUCKET, SERVER]},
    "CacheTagConfig": {"HeaderName": "Cache-Tag"},
    "OriginGroups": {
        "Quantity": 1,
        "Items": [
            {
                "Id": "both",
                "FailoverCriteria": {"StatusCodes": {"Quantity": 2, "Items": [503, 403]}},
                "Members": {"Quantity": 2, "Items": [{"OriginId": "site"}, {"OriginId": "api"}]},
            }
        ],
    },
    "CacheBehaviors": {
        "Quantity": 2,
        "Items": [
            {
                "PathPattern": "/api/*",
                "TargetOriginId": "api",
                "ViewerProtocolPolicy": "https-only",
                "AllowedMethods": {
                    "Quantity": 7,
                    "Items": ["HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH"],
                    "CachedMethods": {"Quantity": 3, "Items": ["OPTIONS", "HEAD", "GET"]},
                },
                "CachePolicyId": "policy",
                "GrpcConfig": {"Enabled": True},
            },
            {
                "PathPattern": "a*",
                "TargetOriginId": "site",
                "ViewerProtocolPolicy": "allow-all",
                "Compress": True,
                "CachePolicyId": "policy",
            },
        ],
    },
    "DefaultCacheBehavior": {
        "TargetOriginId": "site",
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": "policy",
    },
}


def source(config: Shape = CONFIG, **members: Any) -> DistributionSource:
    return DistributionSource(
        id="E1",
        arn="arn:aws:cloudfront::123456789012:distribution/E1",
        domain_name="d111111abcdef8.cloudfront.localhost",
        config=config,
        **members,
    )


@pytest.mark.parametrize(
    ("restriction", "compiled"),
    [
        ({"RestrictionType": "none", "Quantity": 0}, None),
        (
            {"RestrictionType": "whitelist", "Quantity": 2, "Items": ["FR", "DE"]},
            {"listed": "served", "countries": ["DE", "FR"]},
        ),
        (
            {"RestrictionType": "blacklist", "Quantity": 1, "Items": ["FR"]},
            {"listed": "blocked", "countries": ["FR"]},
        ),
    ],
)
def test_a_geo_restriction_says_what_becomes_of_the_countries_it_lists(
    restriction: Shape, compiled: Shape | None, attached: Attached
) -> None:
    config = CONFIG | {"Restrictions": {"GeoRestriction": restriction}}
    assert compile_distribution(source(config), attached)["geo_restriction"] == compiled


def test_a_distribution_is_compiled_in_full(attached: Attached) -> None:
    cache = {
        "min_ttl": 1,
        "default_ttl": 2,
        "max_ttl": 3,
        "gzip": True,
        "brotli": False,
        "rules": "cloudfront",
        "headers": {"mode": "whitelist", "names": ["origin", "x-b"]},
        "cookies": {"mode": "all_except", "names": ["A", "b"]},
        "query_strings": {"mode": "all", "names": []},
    }
    read = ["GET", "HEAD"]

    assert compile_distribution(source(), attached) == {
        "arn": "arn:aws:cloudfront::123456789012:distribution/E1",
        "domain_name": "d111111abcdef8.cloudfront.localhost",
        "aliases": ["*.example.org", "www.example.com"],
        "enabled": True,
        "certificate": None,
        "security_policy": "TLSv1",
        "default_root_object": "index.html",
        "http2": True,
        "http3": False,
        "cache_tag_header": "cache-tag",
        "geo_restriction": None,
        "viewer_mtls": None,
        "error_responses": [
            {"status": 404, "min_ttl": 10, "page": {"path": "/404.html", "status": 200}},
            {"status": 500, "min_ttl": 0, "page": None},
        ],
        "origin_groups": {"both": {"primary": "site", "secondary": "api", "statuses": [403, 503]}},
        "origins": {
            "site": {
                "kind": "s3",
                "domain_name": "site.s3.eu-west-1.amazonaws.com",
                "path": "/prefix",
                "protocol": "match-viewer",
                "http_port": 80,
                "https_port": 443,
                "headers": [],
                "connection_attempts": 3,
                "connection_timeout": 10,
                "response_timeout": 20,
                "keepalive_timeout": 5,
                "signing": {"service": "s3", "region": "eu-west-1", "behavior": "always"},
                "ip_address_type": "dualstack",
                "response_completion_timeout": None,
                "client_certificate": None,
            },
            "api": {
                "kind": "custom",
                "domain_name": "api.example.com",
                "path": "",
                "protocol": "https-only",
                "http_port": 8080,
                "https_port": 8443,
                "headers": [["x-a", "b"], ["x-token", "Secret"]],
                "connection_attempts": 2,
                "connection_timeout": 4,
                "response_timeout": 6,
                "keepalive_timeout": 7,
                "signing": None,
                "ip_address_type": "ipv4",
                "response_completion_timeout": None,
                "client_certificate": None,
            },
        },
        "behaviors": [
            {
                "path_pattern": "/api/*",
                "origin": "api",
                "viewer_protocol": "https-only",
                "allowed_methods": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
                "cached_methods": ["GET", "HEAD", "OPTIONS"],
                "compress": False,
                "cache": cache,
                "origin_request": None,
                "response_headers": None,
                "grpc": True,
            },
            {
                "path_pattern": "a*",
                "origin": "site",
                "viewer_protocol": "allow-all",
                "allowed_methods": read,
                "cached_methods": read,
                "compress": True,
                "cache": cache,
                "origin_request": None,
                "response_headers": None,
                "grpc": False,
            },
            {
                "path_pattern": "*",
                "origin": "site",
                "viewer_protocol": "redirect-to-https",
                "allowed_methods": read,
                "cached_methods": read,
                "compress": False,
                "cache": cache,
                "origin_request": None,
                "response_headers": None,
                "grpc": False,
            },
        ],
    }


@pytest.mark.parametrize(
    ("behavior", "signing"),
    [
        ("always", {"service": "s3", "region": "eu-west-1", "behavior": "always"}),
        ("no-override", {"service": "s3", "region": "eu-west-1", "behavior": "no-override"}),
        ("never", None),
    ],
)
def test_an_origin_access_control_says_when_to_sign(behavior: str, signing: Shape | None, attached: Attached) -> None:
    attached.controls["control"]["SigningBehavior"] = behavior

    assert compile_distribution(source(), attached)["origins"]["site"]["signing"] == signing


def test_a_bucket_without_an_origin_access_control_is_not_signed_for(attached: Attached) -> None:
    config = deepcopy(CONFIG)
    config["Origins"]["Items"][0]["OriginAccessControlId"] = ""

    assert compile_distribution(source(config), attached)["origins"]["site"]["signing"] is None


@pytest.mark.parametrize(
    ("ttls", "compiled"),
    [
        pytest.param({"MinTTL": 0}, (0, 86_400, 31_536_000), id="the defaults"),
        pytest.param({"MinTTL": 100_000}, (100_000, 100_000, 31_536_000), id="a long MinTTL lifts DefaultTTL"),
        pytest.param({"MinTTL": 40_000_000}, (40_000_000,) * 3, id="a very long MinTTL lifts both"),
        pytest.param({"MinTTL": 0, "DefaultTTL": 0, "MaxTTL": 0}, (0, 0, 0), id="zeros are not left out"),
    ],
)
def test_a_policy_without_ttls_has_the_defaults(
    ttls: dict[str, int], compiled: tuple[int, int, int], attached: Attached
) -> None:
    attached.policies["policy"] = {"Name": "policy", **ttls}

    cache = compile_distribution(source(), attached)["behaviors"][0]["cache"]

    assert (cache["min_ttl"], cache["default_ttl"], cache["max_ttl"]) == compiled


def test_a_policy_without_parameters_keys_by_the_path_alone(attached: Attached) -> None:
    attached.policies["policy"] = {"Name": "policy", "MinTTL": 0}

    cache = compile_distribution(source(), attached)["behaviors"][0]["cache"]

    nothing = {"mode": "none", "names": []}
    assert (cache["headers"], cache["cookies"], cache["query_strings"]) == (nothing, nothing, nothing)
    assert (cache["gzip"], cache["brotli"]) == (False, False)


def test_with_the_policy_rfc9111_compress_is_enough_for_the_codings(attached: Attached) -> None:
    attached.policies[RFC9111_CACHE_POLICY_ID] = attached.policies["policy"]
    behavior = CONFIG["DefaultCacheBehavior"] | {"CachePolicyId": RFC9111_CACHE_POLICY_ID}

    with_it, without_it = (
        compile_distribution(source(CONFIG | {"DefaultCacheBehavior": each}), attached)["behaviors"][-1]["cache"]
        for each in (behavior | {"Compress": True}, behavior | {"Compress": False})
    )

    assert (with_it["gzip"], with_it["brotli"]) == (True, True)
    assert (without_it["gzip"], without_it["brotli"]) == (False, False)


def test_the_policy_rfc9111_forwards_all_but_host_unless_an_origin_request_policy_says_otherwise(
    attached: Attached,
) -> None:
    attached.policies[RFC9111_CACHE_POLICY_ID] = attached.policies["policy"]
    behavior = CONFIG["DefaultCacheBehavior"] | {"CachePolicyId": RFC9111_CACHE_POLICY_ID}

    alone, with_policy = (
        compile_distribution(source(CONFIG | {"DefaultCacheBehavior": each}), attached)["behaviors"][-1]
        for each in (behavior, behavior | {"OriginRequestPolicyId": "forward"})
    )

    assert alone["cache"]["rules"] == with_policy["cache"]["rules"] == "rfc9111"
    assert alone["origin_request"]["headers"] == {"mode": "all_except", "names": ["host"]}
    assert (
        alone["origin_request"]["cookies"] == alone["origin_request"]["query_strings"] == {"mode": "all", "names": []}
    )
    assert with_policy["origin_request"] != alone["origin_request"]


def test_viewers_are_offered_http2_when_the_distribution_says_so(attached: Attached) -> None:
    assert compile_distribution(source(CONFIG | {"HttpVersion": "http2"}), attached)["http2"]
    assert not compile_distribution(source(CONFIG | {"HttpVersion": "http1.1"}), attached)["http2"]


@pytest.mark.parametrize(
    ("certificate", "policy"),
    [
        ({"CloudFrontDefaultCertificate": True, "MinimumProtocolVersion": "TLSv1.3_2025"}, "TLSv1"),
        ({"ACMCertificateArn": "arn:aws:acm:us-east-1:1:certificate/1", "SSLSupportMethod": "sni-only"}, "TLSv1"),
        ({"ACMCertificateArn": "arn", "MinimumProtocolVersion": "TLSv1.3_2025"}, "TLSv1.3_2025"),
    ],
)
def test_the_security_policy_goes_with_a_certificate_of_its_own(
    certificate: Shape, policy: str, attached: Attached
) -> None:
    compiled = compile_distribution(source(CONFIG | {"ViewerCertificate": certificate}), attached)

    assert compiled["security_policy"] == policy


def test_a_disabled_distribution_is_compiled_too(attached: Attached) -> None:
    assert compile_distribution(source(CONFIG | {"Enabled": False}), attached)["enabled"] is False


def test_a_certificate_goes_with_its_distribution(attached: Attached) -> None:
    certificate = {"chain_pem": "chain", "key_pem": "key"}

    assert compile_distribution(source(certificate=certificate), attached)["certificate"] == certificate


@pytest.mark.parametrize(
    ("kind", "name"), [("policies", "there is no cache policy 'policy'"), ("controls", "access control 'control'")]
)
def test_a_resource_that_is_not_there_is_named(kind: str, name: str, attached: Attached) -> None:
    getattr(attached, kind).clear()

    with pytest.raises(DanglingReferenceError, match=name):
        compile_distribution(source(), attached)


@pytest.mark.parametrize(
    ("headers", "compiled"),
    [
        ({"HeaderBehavior": "none"}, {"mode": "none", "names": []}),
        ({"HeaderBehavior": "allViewer"}, {"mode": "all", "names": []}),
        (
            {
                "HeaderBehavior": "allViewerAndWhitelistCloudFront",
                "Headers": {"Quantity": 1, "Items": ["CloudFront-Viewer-TLS"]},
            },
            {"mode": "all", "names": ["cloudfront-viewer-tls"]},
        ),
        (FORWARD["HeadersConfig"], {"mode": "all_except", "names": ["host"]}),
    ],
)
def test_an_origin_request_policy_is_compiled_into_the_behavior(
    headers: Shape, compiled: Shape, attached: Attached
) -> None:
    config = deepcopy(CONFIG)
    config["DefaultCacheBehavior"]["OriginRequestPolicyId"] = "forward"
    attached.origin_request_policies["forward"]["HeadersConfig"] = headers

    behavior = compile_distribution(source(config), attached)["behaviors"][-1]

    assert behavior["origin_request"] == {
        "headers": compiled,
        "cookies": {"mode": "all", "names": []},
        "query_strings": {"mode": "whitelist", "names": ["q"]},
    }


@pytest.mark.parametrize(
    ("member", "kind"),
    [
        ("OriginRequestPolicyId", "origin request policy"),
        ("ResponseHeadersPolicyId", "response headers policy"),
    ],
)
def test_an_attached_policy_that_is_gone_is_an_error(member: str, kind: str, attached: Attached) -> None:
    config = deepcopy(CONFIG)
    config["DefaultCacheBehavior"][member] = "gone"

    with pytest.raises(DanglingReferenceError, match=f"{kind} 'gone'"):
        compile_distribution(source(config), attached)


def test_compiling_changes_neither_config_nor_policy(attached: Attached) -> None:
    config = deepcopy(CONFIG)

    compile_distribution(source(config), attached)

    assert config == CONFIG
    assert attached.policies["policy"] == POLICY


def test_a_plan_is_compact_json_in_order() -> None:
    plan = encode_plan(17, None, {"E2": None, "E1": {"domain_name": "bücher.example", "aliases": []}}, None)

    assert plan.decode() == (
        '{"base":null,"default_certificate":null,"distributions":{"E1":{"aliases":[],"domain_name":"bücher.example"},'
        '"E2":null},"format":1,"sequence":17}'
    )


def test_a_change_names_the_plan_it_builds_on_and_the_default_certificate() -> None:
    plan = json.loads(encode_plan(18, 17, {}, {"chain_pem": "chain", "key_pem": "key"}))

    assert plan == {
        "format": 1,
        "sequence": 18,
        "base": 17,
        "default_certificate": {"chain_pem": "chain", "key_pem": "key"},
        "distributions": {},
    }


def test_the_order_of_origins_aliases_methods_and_names_makes_no_other_plan(attached: Attached) -> None:
    shuffled = deepcopy(CONFIG)
    for container in (
        shuffled["Origins"],
        shuffled["Aliases"],
        shuffled["Origins"]["Items"][1]["CustomHeaders"],
        shuffled["CacheBehaviors"]["Items"][0]["AllowedMethods"],
    ):
        container["Items"].reverse()
    key = attached.policies["policy"]["ParametersInCacheKeyAndForwardedToOrigin"]
    before = encode_plan(1, None, {"E1": compile_distribution(source(), attached)}, None)

    key["HeadersConfig"]["Headers"]["Items"].reverse()

    assert encode_plan(1, None, {"E1": compile_distribution(source(shuffled), attached)}, None) == before


def test_the_order_of_cache_behaviors_is_kept(attached: Attached) -> None:
    config = deepcopy(CONFIG)
    config["CacheBehaviors"]["Items"].reverse()

    compiled = compile_distribution(source(config), attached)

    assert [behavior["path_pattern"] for behavior in compiled["behaviors"]] == ["a*", "/api/*", "*"]


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text() | st.none(), min_size=2), st.randoms())
def test_equal_plans_are_equal_bytes(members: dict[str, Any], random: Any) -> None:
    names = list(members)
    random.shuffle(names)
    again = {name: members[name] for name in names}

    assert encode_plan(1, None, {"E1": members}, None) == encode_plan(1, None, {"E1": again}, None)
