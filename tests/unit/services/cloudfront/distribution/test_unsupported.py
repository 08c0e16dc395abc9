"""Every member of a distribution has an effect, needs none, or is refused."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from botocore.model import ListShape, StructureShape
from botocore.model import Shape as ModelShape

from edgeward.aws.errors import ApiError
from edgeward.aws.model import ServiceModel, Shape
from edgeward.services.cloudfront.distribution.support import EFFECTS, INERT
from edgeward.services.cloudfront.distribution.unsupported import ACCOUNTED, REFUSALS, refuse_unsupported

ConfigWith = Callable[[Mapping[str, Any]], Shape]

DEFAULT = "DefaultCacheBehavior"
SITE = "Origins.Items.0"
API = "Origins.Items.1"


def paths_of(shape: ModelShape, path: str = "") -> Iterator[str]:
    """Every path of the shape, structures before their members; Quantity beside Items is no member of its own."""
    yield path
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            if not (name == "Quantity" and "Items" in shape.members):
                yield from paths_of(member, f"{path}.{name}".lstrip("."))
    elif isinstance(shape, ListShape):
        yield from paths_of(shape.member, f"{path}[]")


def leaves_of(paths: set[str]) -> set[str]:
    return {path for path in paths if not any(other.startswith((f"{path}.", f"{path}[")) for other in paths)}


MODEL_PATHS = set(paths_of(ServiceModel("cloudfront", "2020-05-31").shape("DistributionConfig"))) - {""}


def test_every_member_of_the_model_is_accounted_for() -> None:
    missing = {
        leaf
        for leaf in leaves_of(MODEL_PATHS)
        if not any(leaf == row or leaf.startswith((f"{row}.", f"{row}[")) for row in ACCOUNTED)
    }

    assert not missing, f"add a row to EFFECTS or INERT in support.py, or to REFUSALS in unsupported.py: {missing}"


def test_no_row_is_about_a_member_that_the_model_does_not_have() -> None:
    assert ACCOUNTED <= MODEL_PATHS


def test_a_member_has_an_effect_or_needs_none() -> None:
    assert not EFFECTS.keys() & INERT.keys()
    assert not INERT.keys() & {refusal.path for refusal in REFUSALS}


def test_every_refusal_is_written_once() -> None:
    paths = [refusal.path for refusal in REFUSALS]

    assert len(paths) == len(set(paths))


def container(*items: Any) -> Shape:
    return {"Quantity": len(items), "Items": list(items)}


ENABLED = {"Enabled": True}
ASKED_FOR: list[tuple[str, Any]] = [
    ("OriginGroups.Items.0.SelectionCriteria", "media-quality-based"),
    ("Logging", {"Enabled": True, "Bucket": "b.s3.amazonaws.com"}),
    ("ViewerCertificate.SSLSupportMethod", "vip"),
    ("ViewerCertificate.SSLSupportMethod", "static-ip"),
    ("WebACLId", "arn:aws:wafv2:us-east-1:123456789012:global/webacl/x/1"),
    ("ContinuousDeploymentPolicyId", "1"),
    ("Staging", True),
    ("AnycastIpListId", "1"),
    ("TenantConfig", {"ParameterDefinitions": [{"Name": "x", "Definition": {}}]}),
    ("ConnectionMode", "tenant-only"),
    ("ConnectionFunctionAssociation", {"Id": "1"}),
    (f"{SITE}.S3OriginConfig.OriginAccessIdentity", "origin-access-identity/cloudfront/E1"),
    (f"{SITE}.VpcOriginConfig", {"VpcOriginId": "1"}),
    (f"{API}.CustomOriginConfig.OriginSslProtocols", container("TLSv1", "TLSv1.1")),
    (f"{API}.OriginShield", {"Enabled": True, "OriginShieldRegion": "us-east-1"}),
    *(
        (f"{behavior}.{member}", value)
        for behavior in (DEFAULT, "CacheBehaviors.Items.0")
        for member, value in {
            "SmoothStreaming": True,
            "TrustedSigners": ENABLED | container("self"),
            "TrustedKeyGroups": ENABLED | container("1"),
            "FunctionAssociations": container({"FunctionARN": "arn", "EventType": "viewer-request"}),
            "LambdaFunctionAssociations": container({"LambdaFunctionARN": "arn", "EventType": "origin-request"}),
            "FieldLevelEncryptionId": "1",
            "RealtimeLogConfigArn": "arn",
        }.items()
    ),
]

SURROUNDINGS = {
    "OriginGroups": container({"Id": "both"}),
    "ViewerCertificate": {"ACMCertificateArn": "arn"},
}
PLACES = {
    SITE: "Origins.Items[site]",
    API: "Origins.Items[api]",
    "OriginGroups.Items.0": "OriginGroups.Items[both]",
    "CacheBehaviors.Items.0": "CacheBehaviors.Items[/api/*]",
}


def place_of(path: str) -> str:
    for prefix, place in PLACES.items():
        path = path.replace(prefix, place)
    return f"DistributionConfig.{path}:"


@pytest.mark.parametrize(("path", "value"), ASKED_FOR)
def test_what_the_edge_lacks_is_refused_by_name(path: str, value: Any, config_with: ConfigWith) -> None:
    with pytest.raises(ApiError) as refusal:
        refuse_unsupported(config_with(SURROUNDINGS | {path: value}))

    assert refusal.value.code == "InvalidArgument"
    assert refusal.value.message.startswith(place_of(path))


def test_every_refusal_is_tried_by_a_row_of_this_table() -> None:
    tried = {path.replace("Items.0", "Items[]").replace("Items.1", "Items[]") for path, _ in ASKED_FOR}

    assert tried == {refusal.path for refusal in REFUSALS}


def test_the_message_says_what_to_write_instead(config_with: ConfigWith) -> None:
    with pytest.raises(ApiError) as refusal:
        refuse_unsupported(config_with({f"{DEFAULT}.SmoothStreaming": True}))

    assert refusal.value.message == (
        "DistributionConfig.DefaultCacheBehavior.SmoothStreaming: this edge has no Smooth Streaming; set it to false."
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("HttpVersion", "http1.1"),
        ("PriceClass", "PriceClass_100"),
        ("PriceClass", "None"),
        ("IsIPV6Enabled", False),
        ("AnycastIpListId", ""),
        ("ConnectionMode", "direct"),
        ("TenantConfig", {}),
        ("Logging", {"Enabled": False, "IncludeCookies": True, "Bucket": "b.s3.amazonaws.com"}),
        ("OriginGroups", {"Quantity": 0, "Items": []}),
        ("OriginGroups", container({"Id": "both", "SelectionCriteria": "default"})),
        ("CustomErrorResponses", container({"ErrorCode": 404, "ResponsePagePath": "/x", "ResponseCode": "200"})),
        ("CustomErrorResponses", container({"ErrorCode": 500, "ErrorCachingMinTTL": 0})),
        ("Restrictions", {}),
        ("ViewerCertificate", {}),
        ("ViewerCertificate", {"CloudFrontDefaultCertificate": True, "MinimumProtocolVersion": "TLSv1.2_2021"}),
        (
            "ViewerCertificate",
            {
                "CloudFrontDefaultCertificate": False,
                "ACMCertificateArn": "arn",
                "Certificate": "arn",
                "CertificateSource": "acm",
                "SSLSupportMethod": "sni-only",
                "MinimumProtocolVersion": "TLSv1.3_2025",
            },
        ),
        (f"{API}.CustomOriginConfig.OriginSslProtocols", container("TLSv1.2")),
        (f"{API}.ResponseCompletionTimeout", 0),
        (f"{SITE}.S3OriginConfig.OriginReadTimeout", 60),
        (f"{DEFAULT}.TrustedSigners", {"Enabled": False, "Quantity": 0, "Items": []}),
        (f"{DEFAULT}.OriginRequestPolicyId", ""),
        (f"{DEFAULT}.Compress", True),
        (f"{DEFAULT}.MinTTL", 0),
        (f"{DEFAULT}.MaxTTL", 0),
    ],
)
def test_what_asks_for_nothing_or_is_there_is_accepted(path: str, value: Any, config_with: ConfigWith) -> None:
    refuse_unsupported(config_with({path: value}))


def test_a_config_is_accepted_with_and_without_its_defaults(config_with: ConfigWith, sparse: Shape) -> None:
    refuse_unsupported(sparse)
    refuse_unsupported(config_with({}))


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("NewFeature", "DistributionConfig.NewFeature:"),
        (f"{DEFAULT}.NewFeature", "DistributionConfig.DefaultCacheBehavior.NewFeature:"),
        (f"{API}.NewFeature", "DistributionConfig.Origins.Items[api].NewFeature:"),
        ("Restrictions.NewFeature", "DistributionConfig.Restrictions.NewFeature:"),
        ("Aliases.NewFeature", "DistributionConfig.Aliases.NewFeature:"),
    ],
)
def test_a_member_that_no_row_accounts_for_is_refused(path: str, place: str, config_with: ConfigWith) -> None:
    with pytest.raises(ApiError) as refusal:
        refuse_unsupported(config_with({path: {"Enabled": False}}))

    assert refusal.value.message.startswith(place)
