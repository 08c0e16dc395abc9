"""The rules of what concerns a distribution as a whole."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.references import References
from edgeward.services.cloudfront.distribution.rules import check_distribution

ConfigWith = Callable[[Mapping[str, Any]], Shape]
AssertRefused = Callable[[Mapping[str, Any], str, str], None]

ACM = "arn:aws:acm:us-east-1:123456789012:certificate/1"


def geo(kind: str, *countries: str) -> Shape:
    restriction = {"RestrictionType": kind, "Quantity": len(countries), "Items": list(countries)}
    return {"Restrictions.GeoRestriction": restriction}


def aliases(*names: str) -> Shape:
    return {"Aliases": {"Quantity": len(names), "Items": list(names)}}


def error_pages(*responses: Shape) -> Shape:
    return {"CustomErrorResponses": {"Quantity": len(responses), "Items": list(responses)}}


def page(path: str, status: str = "200", code: int = 404) -> Shape:
    return {"ErrorCode": code, "ResponsePagePath": path, "ResponseCode": status}


REFUSED = [
    ("no caller reference", {"CallerReference": ""}, "InvalidArgument", "DistributionConfig.CallerReference:"),
    ("a comment of 129 characters", {"Comment": "x" * 129}, "InvalidArgument", "DistributionConfig.Comment:"),
    ("a root object with /", {"DefaultRootObject": "/index.html"}, "InvalidDefaultRootObject", "starts with /"),
    ("a root object with a space", {"DefaultRootObject": "a b"}, "InvalidDefaultRootObject", "holds A-Z"),
    ("a root object with a query", {"DefaultRootObject": "a?b"}, "InvalidDefaultRootObject", "holds A-Z"),
    ("a long root object", {"DefaultRootObject": "x" * 256}, "InvalidDefaultRootObject", "at most 255"),
    (
        "no certificate",
        {"ViewerCertificate": {"CloudFrontDefaultCertificate": False}},
        "InvalidViewerCertificate",
        "DistributionConfig.ViewerCertificate: set exactly one",
    ),
    (
        "two certificates",
        {"ViewerCertificate": {"CloudFrontDefaultCertificate": True, "ACMCertificateArn": ACM}},
        "InvalidViewerCertificate",
        "CloudFrontDefaultCertificate and ACMCertificateArn",
    ),
    (
        "no SSL support method",
        {"ViewerCertificate": {"ACMCertificateArn": ACM}},
        "InvalidViewerCertificate",
        "ViewerCertificate.SSLSupportMethod:",
    ),
    (
        "SSLv3 by SNI",
        {
            "ViewerCertificate": {
                "IAMCertificateId": "1",
                "SSLSupportMethod": "sni-only",
                "MinimumProtocolVersion": "SSLv3",
            }
        },
        "InvalidMinimumProtocolVersion",
        "ViewerCertificate.MinimumProtocolVersion:",
    ),
    (
        "a late version on an address of one's own",
        {
            "ViewerCertificate": {
                "ACMCertificateArn": ACM,
                "SSLSupportMethod": "vip",
                "MinimumProtocolVersion": "TLSv1.2_2021",
            }
        },
        "InvalidMinimumProtocolVersion",
        "ViewerCertificate.MinimumProtocolVersion:",
    ),
    (
        "a certificate that is not there",
        {"ViewerCertificate": {"ACMCertificateArn": f"{ACM}0", "SSLSupportMethod": "sni-only"}},
        "InvalidViewerCertificate",
        "there is no certificate 'arn:aws:acm:us-east-1:123456789012:certificate/10'; import it",
    ),
    (
        "a certificate that has expired",
        {"ViewerCertificate": {"ACMCertificateArn": f"{ACM}-expired", "SSLSupportMethod": "sni-only"}},
        "InvalidViewerCertificate",
        "the certificate's status is EXPIRED",
    ),
    (
        "a certificate for other names than the aliases",
        aliases("www.example.com", "a.b.example.com")
        | {"ViewerCertificate": {"ACMCertificateArn": ACM, "SSLSupportMethod": "sni-only"}},
        "InvalidViewerCertificate",
        "not for the alias a.b.example.com; it is for *.example.com, example.com",
    ),
    ("countries without a restriction", geo("none", "DE"), "InvalidGeoRestrictionParameter", "GeoRestriction:"),
    ("a restriction without countries", geo("blacklist"), "InvalidGeoRestrictionParameter", "GeoRestriction:"),
    ("a country in small letters", geo("whitelist", "de"), "InvalidLocationCode", "GeoRestriction.Items[de]:"),
    ("a page for status 200", error_pages(page("/x", code=200)), "InvalidErrorCode", "Items[200].ErrorCode:"),
    ("two pages for one status", error_pages(page("/x"), page("/y")), "InvalidErrorCode", "Items[404].ErrorCode:"),
    ("a page without a status", error_pages(page("/x", "")), "InvalidResponseCode", "Items[404]:"),
    ("a status without a page", error_pages(page("", "200")), "InvalidResponseCode", "Items[404]:"),
    ("status 302 for a page", error_pages(page("/x", "302")), "InvalidResponseCode", "ResponseCode:"),
    ("a page with a query string", error_pages(page("/x?y")), "InvalidRelativePath", "ResponsePagePath:"),
    (
        "an error kept for a negative time",
        error_pages({"ErrorCode": 404, "ErrorCachingMinTTL": -1}),
        "InvalidArgument",
        "Items[404].ErrorCachingMinTTL:",
    ),
    ("no header for tags", {"CacheTagConfig": {"HeaderName": ""}}, "InvalidArgument", "CacheTagConfig.HeaderName:"),
    (
        "a header that is none",
        {"CacheTagConfig": {"HeaderName": "a b"}},
        "InvalidArgument",
        "CacheTagConfig.HeaderName:",
    ),
    ("a page without a leading /", error_pages(page("x")), "InvalidRelativePath", "ResponsePagePath:"),
]


@pytest.mark.parametrize(("changes", "code", "named"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_an_unsound_setting_is_refused_by_name(
    changes: dict[str, Any], code: str, named: str, assert_refused: AssertRefused
) -> None:
    assert_refused(changes, code, named)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"Comment": "é" * 128}, id="a comment of 128 characters"),
        pytest.param({"DefaultRootObject": "a/b~c/index.html"}, id="a root object in a folder"),
        pytest.param({"ViewerCertificate": {}}, id="nothing about certificates"),
        pytest.param(
            {"ViewerCertificate": {"CloudFrontDefaultCertificate": True, "MinimumProtocolVersion": "TLSv1.2_2021"}},
            id="a version beside the default certificate, which CloudFront overlooks",
        ),
        pytest.param(
            aliases("a.example.com")
            | {"ViewerCertificate": {"ACMCertificateArn": ACM, "SSLSupportMethod": "sni-only"}},
            id="a certificate",
        ),
        pytest.param(
            aliases("example.com", "www.example.com", "*.example.com")
            | {"ViewerCertificate": {"ACMCertificateArn": ACM, "SSLSupportMethod": "sni-only"}},
            id="a certificate for all aliases",
        ),
        pytest.param(geo("whitelist", "DE", "FR"), id="a restriction to countries"),
        pytest.param(error_pages(page("/404.html", "404"), {"ErrorCode": 500}), id="error pages"),
    ],
)
def test_a_sound_setting_is_allowed(changes: dict[str, Any], config_with: ConfigWith, known: References) -> None:
    check_distribution(config_with(changes), known)
