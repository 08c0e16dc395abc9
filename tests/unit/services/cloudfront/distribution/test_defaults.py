"""What CloudFront fills in."""

from copy import deepcopy
from typing import Any

import pytest

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.defaults import fill_defaults

EMPTY = {"Quantity": 0}


def test_the_least_config_is_answered_in_full() -> None:
    behavior = {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "CachePolicyId": "p"}
    bucket = {"Id": "o", "DomainName": "b.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    server = {
        "Id": "p",
        "DomainName": "a.example",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "match-viewer"},
    }
    config = {
        "CallerReference": "r",
        "Origins": {"Quantity": 2, "Items": [bucket, server]},
        "DefaultCacheBehavior": behavior,
        "Comment": "",
        "Enabled": True,
    }

    reach = {
        "OriginPath": "",
        "CustomHeaders": EMPTY,
        "ConnectionAttempts": 3,
        "ConnectionTimeout": 10,
        "OriginShield": {"Enabled": False},
        "OriginAccessControlId": "",
    }
    assert fill_defaults(config) == {
        "CallerReference": "r",
        "Aliases": EMPTY,
        "DefaultRootObject": "",
        "Origins": {
            "Quantity": 2,
            "Items": [
                bucket | reach | {"S3OriginConfig": {"OriginAccessIdentity": "", "OriginReadTimeout": 30}},
                server
                | reach
                | {
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "match-viewer",
                        "OriginSslProtocols": {"Quantity": 3, "Items": ["TLSv1", "TLSv1.1", "TLSv1.2"]},
                        "OriginReadTimeout": 30,
                        "OriginKeepaliveTimeout": 5,
                        "IpAddressType": "ipv4",
                    }
                },
            ],
        },
        "OriginGroups": EMPTY,
        "DefaultCacheBehavior": behavior
        | {
            "TrustedSigners": {"Enabled": False, "Quantity": 0},
            "TrustedKeyGroups": {"Enabled": False, "Quantity": 0},
            "AllowedMethods": {
                "Quantity": 2,
                "Items": ["HEAD", "GET"],
                "CachedMethods": {"Quantity": 2, "Items": ["HEAD", "GET"]},
            },
            "SmoothStreaming": False,
            "Compress": False,
            "LambdaFunctionAssociations": EMPTY,
            "FunctionAssociations": EMPTY,
            "FieldLevelEncryptionId": "",
            "GrpcConfig": {"Enabled": False},
        },
        "CacheBehaviors": EMPTY,
        "CustomErrorResponses": EMPTY,
        "Comment": "",
        "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
        "PriceClass": "PriceClass_All",
        "Enabled": True,
        "ViewerCertificate": {
            "CloudFrontDefaultCertificate": True,
            "SSLSupportMethod": "vip",
            "MinimumProtocolVersion": "TLSv1",
            "CertificateSource": "cloudfront",
        },
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
        "WebACLId": "",
        "HttpVersion": "http2",
        "IsIPV6Enabled": True,
        "ContinuousDeploymentPolicyId": "",
        "Staging": False,
    }


@pytest.mark.parametrize(
    ("member", "sent"),
    [
        ("Aliases", {"Quantity": 2, "Items": ["b.example.com", "a.example.com"]}),
        ("HttpVersion", "http1.1"),
        ("IsIPV6Enabled", False),
        ("Staging", True),
        ("PriceClass", "PriceClass_100"),
        (
            "ViewerCertificate",
            {
                "CloudFrontDefaultCertificate": False,
                "ACMCertificateArn": "arn",
                "SSLSupportMethod": "sni-only",
                "MinimumProtocolVersion": "TLSv1.2_2021",
            },
        ),
        ("ViewerCertificate", {"CloudFrontDefaultCertificate": False}),
    ],
)
def test_what_the_caller_sent_stays(member: str, sent: Any, sparse: Shape) -> None:
    assert fill_defaults(sparse | {member: sent})[member] == sent


def test_a_certificate_of_ones_own_has_the_policy_of_those_who_name_none(sparse: Shape) -> None:
    sent = {"ACMCertificateArn": "arn", "SSLSupportMethod": "sni-only"}

    filled = fill_defaults(sparse | {"ViewerCertificate": sent})["ViewerCertificate"]

    assert filled == sent | {"CloudFrontDefaultCertificate": False, "MinimumProtocolVersion": "TLSv1"}


def test_a_structure_that_is_half_there_is_completed(sparse: Shape) -> None:
    sparse["Logging"] = {"Enabled": True, "Bucket": "b.s3.amazonaws.com"}

    filled = fill_defaults(sparse)

    assert filled["Logging"] == {
        "Enabled": True,
        "IncludeCookies": False,
        "Bucket": "b.s3.amazonaws.com",
        "Prefix": "",
    }


def test_methods_without_cached_ones_get_those(sparse: Shape) -> None:
    sparse["DefaultCacheBehavior"]["AllowedMethods"] = {"Quantity": 3, "Items": ["GET", "HEAD", "OPTIONS"]}

    methods = fill_defaults(sparse)["DefaultCacheBehavior"]["AllowedMethods"]

    assert methods == {
        "Quantity": 3,
        "Items": ["GET", "HEAD", "OPTIONS"],
        "CachedMethods": {"Quantity": 2, "Items": ["HEAD", "GET"]},
    }


def test_two_filled_configs_share_nothing(sparse: Shape) -> None:
    first, second = fill_defaults(sparse), fill_defaults(sparse)

    first["DefaultCacheBehavior"]["AllowedMethods"]["Items"].append("OPTIONS")
    first["Aliases"]["Quantity"] = 9

    assert second == fill_defaults(sparse)


@pytest.mark.parametrize(
    ("sent", "ttls"),
    [
        pytest.param({}, (0, 86_400, 31_536_000), id="the defaults"),
        pytest.param({"MinTTL": 100_000}, (100_000, 100_000, 31_536_000), id="a long MinTTL lifts DefaultTTL"),
        pytest.param({"DefaultTTL": 40_000_000}, (0, 40_000_000, 40_000_000), id="a long DefaultTTL lifts MaxTTL"),
        pytest.param({"MinTTL": 40_000_000}, (40_000_000,) * 3, id="a very long MinTTL lifts both"),
        pytest.param({"MinTTL": 1, "DefaultTTL": 2, "MaxTTL": 3}, (1, 2, 3), id="none where all are sent"),
    ],
)
def test_the_ttls_of_legacy_settings_are_filled_in_order(
    sent: dict[str, int], ttls: tuple[int, int, int], sparse: Shape
) -> None:
    behavior = sparse["DefaultCacheBehavior"]
    del behavior["CachePolicyId"]
    behavior |= {"ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}} | sent

    filled = fill_defaults(sparse)["DefaultCacheBehavior"]

    assert (filled["MinTTL"], filled["DefaultTTL"], filled["MaxTTL"]) == ttls
    assert filled["ForwardedValues"]["Headers"] == EMPTY
    assert filled["ForwardedValues"]["QueryStringCacheKeys"] == EMPTY


def test_filling_leaves_its_input_alone(sparse: Shape) -> None:
    before = deepcopy(sparse)

    fill_defaults(sparse)

    assert sparse == before
