"""The rules of origins: one table of what is refused, one of what is allowed."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.references import References
from edgeward.services.cloudfront.distribution.rules import check_distribution

ConfigWith = Callable[[Mapping[str, Any]], Shape]
AssertRefused = Callable[[Mapping[str, Any], str, str], None]

SITE = "Origins.Items.0"
API = "Origins.Items.1"
AT_SITE = "DistributionConfig.Origins.Items[site]"
AT_API = "DistributionConfig.Origins.Items[api]"

REFUSED = [
    ("no origin", {"Origins.Items": []}, "InvalidArgument", "DistributionConfig.Origins:"),
    ("two origins of one id", {f"{API}.Id": "site"}, "InvalidArgument", f"{AT_SITE}.Id:"),
    ("an empty id", {f"{API}.Id": ""}, "InvalidArgument", "DistributionConfig.Origins.Items[].Id:"),
    ("an id of 129 characters", {f"{API}.Id": "x" * 129}, "InvalidArgument", "an id has 1 to 128"),
    ("no domain name", {f"{API}.DomainName": ""}, "InvalidArgument", f"{AT_API}.DomainName:"),
    ("a scheme", {f"{API}.DomainName": "https://a.example"}, "InvalidArgument", "has a scheme"),
    ("a path in the name", {f"{API}.DomainName": "a.example/x"}, "InvalidArgument", "has a path"),
    ("a port in the name", {f"{API}.DomainName": "a.example:80"}, "InvalidArgument", "has a port"),
    ("an IPv4 address", {f"{API}.DomainName": "192.0.2.1"}, "InvalidArgument", "is an IP address"),
    ("an IPv6 address", {f"{API}.DomainName": "[2001:db8::1]"}, "InvalidArgument", "is an IP address"),
    ("a bare IPv6 address", {f"{API}.DomainName": "2001:db8::a"}, "InvalidArgument", "IP address"),
    ("a name of 254 characters", {f"{API}.DomainName": "a." * 126 + "bc"}, "InvalidArgument", "253 characters"),
    ("a label of 64 characters", {f"{API}.DomainName": "a" * 64 + ".example"}, "InvalidArgument", "labels"),
    ("an empty label", {f"{API}.DomainName": "a..example"}, "InvalidArgument", "labels"),
    ("a final dot", {f"{API}.DomainName": "a.example."}, "InvalidArgument", "labels"),
    ("a space", {f"{API}.DomainName": "a .example"}, "InvalidArgument", "labels"),
    ("a line feed", {f"{API}.DomainName": "a.example\n"}, "InvalidArgument", "labels"),
    ("letters beyond ASCII", {f"{API}.DomainName": "bücher.example"}, "InvalidArgument", "xn--"),
    ("a path without /", {f"{API}.OriginPath": "v1"}, "InvalidRelativePath", f"{AT_API}.OriginPath:"),
    ("a path that ends with /", {f"{API}.OriginPath": "/v1/"}, "InvalidRelativePath", f"{AT_API}.OriginPath:"),
    ("a parameter that is not defined", {f"{API}.OriginPath": "/{{tenant}}"}, "InvalidRelativePath", "percent-encode"),
    ("the path /", {f"{API}.OriginPath": "/"}, "InvalidRelativePath", f"{AT_API}.OriginPath:"),
    ("a path of 256 characters", {f"{API}.OriginPath": "/" + "x" * 255}, "InvalidRelativePath", "255"),
    ("a path with a query", {f"{API}.OriginPath": "/v1?x"}, "InvalidRelativePath", "percent-encode"),
    ("a path with a bare %", {f"{API}.OriginPath": "/100%"}, "InvalidRelativePath", "percent-encode"),
    ("no kind", {f"{API}.CustomOriginConfig": ...}, "InvalidArgument", f"{AT_API}: exactly one of"),
    ("two kinds", {f"{SITE}.CustomOriginConfig": {}}, "InvalidArgument", f"{AT_SITE}: exactly one of"),
    ("S3OriginConfig for no bucket", {f"{SITE}.DomainName": "a.example"}, "InvalidArgument", f"{AT_SITE}.DomainName:"),
    (
        "S3OriginConfig for a website endpoint",
        {f"{SITE}.DomainName": "b.s3-website-us-east-1.amazonaws.com", f"{SITE}.OriginAccessControlId": ""},
        "InvalidArgument",
        f"{AT_SITE}.DomainName:",
    ),
    ("port 81", {f"{API}.CustomOriginConfig.HTTPPort": 81}, "InvalidArgument", "CustomOriginConfig.HTTPPort:"),
    ("port 1023", {f"{API}.CustomOriginConfig.HTTPSPort": 1023}, "InvalidArgument", "CustomOriginConfig.HTTPSPort:"),
    ("port 65536", {f"{API}.CustomOriginConfig.HTTPPort": 65536}, "InvalidArgument", "CustomOriginConfig.HTTPPort:"),
    ("0 attempts", {f"{API}.ConnectionAttempts": 0}, "InvalidArgument", f"{AT_API}.ConnectionAttempts:"),
    ("4 attempts", {f"{API}.ConnectionAttempts": 4}, "InvalidArgument", f"{AT_API}.ConnectionAttempts:"),
    ("11 seconds to connect", {f"{API}.ConnectionTimeout": 11}, "InvalidArgument", f"{AT_API}.ConnectionTimeout:"),
    (
        "121 seconds to read",
        {f"{API}.CustomOriginConfig.OriginReadTimeout": 121},
        "InvalidOriginReadTimeout",
        "CustomOriginConfig.OriginReadTimeout:",
    ),
    (
        "0 seconds to read from S3",
        {f"{SITE}.S3OriginConfig.OriginReadTimeout": 0},
        "InvalidOriginReadTimeout",
        f"{AT_SITE}.S3OriginConfig.OriginReadTimeout:",
    ),
    (
        "0 seconds of keep-alive",
        {f"{API}.CustomOriginConfig.OriginKeepaliveTimeout": 0},
        "InvalidOriginKeepaliveTimeout",
        "CustomOriginConfig.OriginKeepaliveTimeout:",
    ),
    (
        "a whole response sooner than one read",
        {f"{API}.ResponseCompletionTimeout": 29},
        "InvalidArgument",
        f"{AT_API}.ResponseCompletionTimeout:",
    ),
    (
        "no TLS version",
        {f"{API}.CustomOriginConfig.OriginSslProtocols": {"Quantity": 0, "Items": []}},
        "InvalidArgument",
        "CustomOriginConfig.OriginSslProtocols:",
    ),
]


@pytest.mark.parametrize(("changes", "code", "named"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_an_unsound_origin_is_refused_by_name(
    changes: dict[str, Any], code: str, named: str, assert_refused: AssertRefused
) -> None:
    assert_refused(changes, code, named)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="the sound one"),
        pytest.param({f"{API}.DomainName": "web"}, id="a name of one label"),
        pytest.param({f"{API}.DomainName": "my_web-1.internal"}, id="an underscore"),
        pytest.param({f"{API}.DomainName": "xn--bcher-kva.example"}, id="an internationalized name"),
        pytest.param({f"{API}.DomainName": "b.s3-website-us-east-1.amazonaws.com"}, id="a website as a custom origin"),
        pytest.param({f"{SITE}.DomainName": "site.s3.localhost"}, id="a bucket of one's own server"),
        pytest.param({f"{API}.OriginPath": "/v1/a%20b"}, id="a percent-encoded path"),
        pytest.param(
            {
                "TenantConfig": {"ParameterDefinitions": [{"Name": "tenant", "Definition": {}}]},
                f"{API}.DomainName": "{{tenant}}.example",
                f"{API}.OriginPath": "/{{tenant}}",
            },
            id="a parameter of the tenants",
        ),
        pytest.param({f"{API}.CustomOriginConfig.HTTPPort": 1024}, id="port 1024"),
        pytest.param({f"{API}.CustomOriginConfig.HTTPPort": 65535}, id="port 65535"),
        pytest.param({f"{API}.CustomOriginConfig.OriginReadTimeout": 120}, id="120 seconds to read"),
        pytest.param({f"{API}.CustomOriginConfig.OriginKeepaliveTimeout": 1}, id="1 second of keep-alive"),
        pytest.param({f"{API}.ConnectionAttempts": 1, f"{API}.ConnectionTimeout": 1}, id="the least to connect"),
        pytest.param({f"{API}.ResponseCompletionTimeout": 30}, id="a whole response as soon as one read"),
        pytest.param({f"{API}.ResponseCompletionTimeout": 0}, id="an unbounded response"),
    ],
)
def test_a_sound_origin_is_allowed(changes: dict[str, Any], config_with: ConfigWith, known: References) -> None:
    check_distribution(config_with(changes), known)


def headers(*pairs: tuple[str, str]) -> Shape:
    items = [{"HeaderName": name, "HeaderValue": value} for name, value in pairs]
    return {f"{API}.CustomHeaders": {"Quantity": len(items), "Items": items}}


@pytest.mark.parametrize(
    "name",
    [
        "Cache-Control",
        "connection",
        "CONTENT-LENGTH",
        "Cookie",
        "Host",
        "If-None-Match",
        "Proxy-Authorization",
        "Range",
        "TE",
        "Transfer-Encoding",
        "Via",
        "X-Real-Ip",
        "X-Amz-Anything",
        "x-edge-anything",
    ],
)
def test_a_header_that_cloudfront_sets_itself_may_not_be_added(name: str, assert_refused: AssertRefused) -> None:
    named = f"{AT_API}.CustomHeaders.Items[{name}].HeaderName:"

    assert_refused(headers((name, "x")), "InvalidArgument", named)


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        pytest.param(headers(("", "x")), "InvalidArgument", "HeaderName:", id="an empty name"),
        pytest.param(headers(("X Y", "x")), "InvalidArgument", "HeaderName:", id="a space in the name"),
        pytest.param(headers(("X:", "x")), "InvalidArgument", "HeaderName:", id="a colon in the name"),
        pytest.param(headers(("X" * 257, "x")), "InvalidArgument", "HeaderName:", id="a long name"),
        pytest.param(headers(("X-A", "a\r\nHost: b")), "InvalidArgument", "HeaderValue:", id="a second header inside"),
        pytest.param(headers(("X-A", "a\x00")), "InvalidArgument", "HeaderValue:", id="a NUL"),
        pytest.param(headers(("X-A", "é")), "InvalidArgument", "HeaderValue:", id="beyond ASCII"),
        pytest.param(headers(("X-A", " a")), "InvalidArgument", "HeaderValue:", id="a space before"),
        pytest.param(headers(("X-A", "v" * 1784)), "InvalidArgument", "HeaderValue:", id="a long value"),
        pytest.param(headers(("X-A", "1"), ("x-a", "2")), "InvalidArgument", "Items[x-a]:", id="one name twice"),
        pytest.param(
            headers(*((f"X-{n}", "v" * 1700) for n in range(7))),
            "InvalidArgument",
            f"{AT_API}.CustomHeaders:",
            id="too much in all",
        ),
        pytest.param(
            headers(*((f"X-{n}", "v") for n in range(31))),
            "TooManyOriginCustomHeaders",
            f"{AT_API}.CustomHeaders:",
            id="31 headers",
        ),
    ],
)
def test_an_unsound_custom_header_is_refused_by_name(
    changes: dict[str, Any], code: str, named: str, assert_refused: AssertRefused
) -> None:
    assert_refused(changes, code, named)


def test_the_value_of_a_custom_header_is_never_told(config_with: ConfigWith, known: References) -> None:
    with pytest.raises(ApiError) as refusal:
        check_distribution(config_with(headers(("X-Token", "my-secret\n"))), known)

    assert "my-secret" not in refusal.value.message


def test_thirty_custom_headers_are_allowed(config_with: ConfigWith, known: References) -> None:
    check_distribution(config_with(headers(*((f"X-{n}", "v w") for n in range(30)))), known)


def test_more_than_a_hundred_origins_are_too_many(config_with: ConfigWith, known: References) -> None:
    config = config_with({})
    config["Origins"]["Items"] += [{**config["Origins"]["Items"][1], "Id": f"o{n}"} for n in range(99)]

    with pytest.raises(ApiError) as refusal:
        check_distribution(config, known)

    assert refusal.value.code == "TooManyOrigins"


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        pytest.param(
            {f"{SITE}.OriginAccessControlId": "none"},
            "InvalidOriginAccessControl",
            "OriginAccessControlId:",
            id="unknown",
        ),
        pytest.param(
            {f"{SITE}.OriginAccessControlId": "lambda"},
            "InvalidOriginAccessControl",
            "is of origin type lambda",
            id="for another service",
        ),
        pytest.param(
            {f"{API}.OriginAccessControlId": "always"},
            "InvalidOriginAccessControl",
            f"{AT_API}.OriginAccessControlId:",
            id="for s3 on a custom origin",
        ),
        pytest.param(
            {f"{SITE}.OriginAccessControlId": "sigv4a"}, "InvalidOriginAccessControl", "signs by sigv4a", id="by sigv4a"
        ),
        pytest.param(
            {f"{SITE}.OriginAccessControlId": "always-amz-auth"},
            "InvalidOriginAccessControl",
            "always, never, no-override",
            id="beside the viewer's own",
        ),
        pytest.param(
            {f"{SITE}.S3OriginConfig.OriginAccessIdentity": "origin-access-identity/cloudfront/E1"},
            "IllegalOriginAccessConfiguration",
            f"{AT_SITE}:",
            id="with an access identity",
        ),
        pytest.param(
            {f"{SITE}.DomainName": "site.s3-website.eu-central-1.amazonaws.com"},
            "InvalidDomainNameForOriginAccessControl",
            f"{AT_SITE}.DomainName:",
            id="on a website endpoint",
        ),
    ],
)
def test_an_origin_access_control_that_does_not_fit_is_refused(
    changes: dict[str, Any], code: str, named: str, assert_refused: AssertRefused
) -> None:
    assert_refused(changes, code, named)


@pytest.mark.parametrize("control", ["always", "never", "no-override", ""])
def test_an_origin_access_control_for_s3_fits_a_bucket(
    control: str, config_with: ConfigWith, known: References
) -> None:
    check_distribution(config_with({f"{SITE}.OriginAccessControlId": control}), known)


def group(*members: str, statuses: tuple[int, ...] = (500,), group_id: str = "both") -> Shape:
    group = {
        "Id": group_id,
        "Members": {"Quantity": len(members), "Items": [{"OriginId": member} for member in members]},
        "FailoverCriteria": {"StatusCodes": {"Quantity": len(statuses), "Items": list(statuses)}},
    }
    return {"OriginGroups": {"Quantity": 1, "Items": [group]}}


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        pytest.param(group("site"), "InvalidArgument", "Items[both].Members:", id="one member"),
        pytest.param(group("site", "site"), "InvalidArgument", "Items[both].Members:", id="one member twice"),
        pytest.param(group("site", "api", "x"), "InvalidArgument", "Items[both].Members:", id="three members"),
        pytest.param(group("site", "x"), "NoSuchOrigin", "Items[both].Members:", id="an unknown member"),
        pytest.param(group("site", "api", group_id="api"), "InvalidArgument", "Items[api].Id:", id="an origin's id"),
        pytest.param(group("site", "api", statuses=()), "InvalidArgument", "StatusCodes:", id="no status"),
        pytest.param(group("site", "api", statuses=(200,)), "InvalidArgument", "StatusCodes:", id="status 200"),
    ],
)
def test_an_unsound_origin_group_is_refused_by_name(
    changes: dict[str, Any], code: str, named: str, assert_refused: AssertRefused
) -> None:
    assert_refused(changes, code, named)


def test_a_cache_behavior_may_target_an_origin_group(config_with: ConfigWith, known: References) -> None:
    changes = {**group("site", "api"), "DefaultCacheBehavior.TargetOriginId": "both"}

    check_distribution(config_with(changes), known)
