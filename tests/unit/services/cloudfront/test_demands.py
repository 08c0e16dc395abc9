"""What each operation needs to be allowed on, against the Service Authorization Reference's table of actions."""

from typing import Any

import pytest

from edgeward.aws.access import root
from edgeward.services.cloudfront.demands import cloudfront_demands, subjects_of
from edgeward.services.cloudfront.service import service_model

ACCOUNT = "123456789012"
ARN = "an ARN"
RESOURCES: dict[str, str] = {
    ARN: """
        DeleteResourcePolicy GetResourcePolicy ListTagsForResource PutResourcePolicy TagResource UntagResource
    """,
    "anycast-ip-list": """
        DeleteAnycastIpList GetAnycastIpList UpdateAnycastIpList
    """,
    "cache-policy": """
        DeleteCachePolicy GetCachePolicy GetCachePolicyConfig UpdateCachePolicy
    """,
    "connection-function": """
        DeleteConnectionFunction DescribeConnectionFunction GetConnectionFunction ListDistributionsByConnectionFunction
        PublishConnectionFunction TestConnectionFunction UpdateConnectionFunction
    """,
    "connection-group": """
        DeleteConnectionGroup GetConnectionGroup UpdateConnectionGroup
    """,
    "continuous-deployment-policy": """
        DeleteContinuousDeploymentPolicy GetContinuousDeploymentPolicy GetContinuousDeploymentPolicyConfig
        UpdateContinuousDeploymentPolicy
    """,
    "distribution": """
        AssociateAlias AssociateDistributionWebACL CopyDistribution CreateInvalidation DeleteDistribution
        DisassociateDistributionWebACL GetDistribution GetDistributionConfig GetInvalidation ListConflictingAliases
        ListDomainConflicts ListInvalidations UpdateDistribution UpdateDistributionWithStagingConfig
        UpdateDomainAssociation
    """,
    "distribution-tenant": """
        AssociateDistributionTenantWebACL CreateInvalidationForDistributionTenant DeleteDistributionTenant
        DisassociateDistributionTenantWebACL GetDistributionTenant GetInvalidationForDistributionTenant
        GetManagedCertificateDetails ListDomainConflicts ListInvalidationsForDistributionTenant UpdateDistributionTenant
        UpdateDomainAssociation VerifyDnsConfiguration
    """,
    "field-level-encryption-config": """
        DeleteFieldLevelEncryptionConfig GetFieldLevelEncryption GetFieldLevelEncryptionConfig
        UpdateFieldLevelEncryptionConfig
    """,
    "field-level-encryption-profile": """
        DeleteFieldLevelEncryptionProfile GetFieldLevelEncryptionProfile GetFieldLevelEncryptionProfileConfig
        UpdateFieldLevelEncryptionProfile
    """,
    "function": """
        DeleteFunction DescribeFunction GetFunction PublishFunction TestFunction UpdateFunction
    """,
    "key-value-store": """
        DeleteKeyValueStore DescribeKeyValueStore UpdateKeyValueStore
    """,
    "origin-access-control": """
        DeleteOriginAccessControl GetOriginAccessControl GetOriginAccessControlConfig UpdateOriginAccessControl
    """,
    "origin-access-identity": """
        DeleteCloudFrontOriginAccessIdentity GetCloudFrontOriginAccessIdentity GetCloudFrontOriginAccessIdentityConfig
        UpdateCloudFrontOriginAccessIdentity
    """,
    "origin-request-policy": """
        DeleteOriginRequestPolicy GetOriginRequestPolicy GetOriginRequestPolicyConfig UpdateOriginRequestPolicy
    """,
    "realtime-log-config": """
        DeleteRealtimeLogConfig GetRealtimeLogConfig UpdateRealtimeLogConfig
    """,
    "response-headers-policy": """
        DeleteResponseHeadersPolicy GetResponseHeadersPolicy GetResponseHeadersPolicyConfig UpdateResponseHeadersPolicy
    """,
    "streaming-distribution": """
        DeleteStreamingDistribution GetStreamingDistribution GetStreamingDistributionConfig UpdateStreamingDistribution
    """,
    "trust-store": """
        DeleteTrustStore GetTrustStore ListDistributionsByTrustStore UpdateTrustStore
    """,
    "vpcorigin": """
        DeleteVpcOrigin GetVpcOrigin UpdateVpcOrigin
    """,
}
"""The operations about one resource, by its type."""

TYPES: dict[str, str] = {
    "anycast-ip-list": "CreateAnycastIpList",
    "cache-policy": "CreateCachePolicy",
    "connection-function": "CreateConnectionFunction",
    "connection-group": "CreateConnectionGroup GetConnectionGroupByRoutingEndpoint",
    "continuous-deployment-policy": "CreateContinuousDeploymentPolicy",
    "distribution": "CreateDistribution CreateDistributionWithTags",
    "distribution-tenant": "CreateDistributionTenant GetDistributionTenantByDomain",
    "field-level-encryption-config": "CreateFieldLevelEncryptionConfig",
    "field-level-encryption-profile": "CreateFieldLevelEncryptionProfile",
    "function": "CreateFunction",
    "key-value-store": "CreateKeyValueStore",
    "origin-access-control": "CreateOriginAccessControl",
    "origin-access-identity": "CreateCloudFrontOriginAccessIdentity",
    "origin-request-policy": "CreateOriginRequestPolicy",
    "realtime-log-config": "CreateRealtimeLogConfig",
    "response-headers-policy": "CreateResponseHeadersPolicy",
    "streaming-distribution": "CreateStreamingDistribution CreateStreamingDistributionWithTags",
    "trust-store": "CreateTrustStore",
    "vpcorigin": "CreateVpcOrigin",
}
"""The operations about all resources of a type."""


def test_every_operation_is_about_what_the_reference_says() -> None:
    about: dict[str, set[str]] = {}
    for name, operation in service_model().operations.items():
        about[name] = {
            (ARN if subject.members[0] in ("Resource", "ResourceArn") else subject.type or "")
            if subject.members
            else f"{subject.type}/*"
            for subject in subjects_of(operation)
            if subject.type is not None
        }
    expected: dict[str, set[str]] = {name: set() for name in about}
    for word, names in RESOURCES.items():
        for name in names.split():
            expected[name].add(word)
    for word, names in TYPES.items():
        for name in names.split():
            expected[name].add(f"{word}/*")

    assert about == expected


def demanded(store: Any, name: str, **members: Any) -> list[tuple[str, str]]:
    operation = service_model().operations[name]
    demands = cloudfront_demands(store, ACCOUNT)(root(ACCOUNT, "AKIA"), operation, members)
    return [
        (demand.action.removeprefix("cloudfront:"), demand.resource.removeprefix(f"arn:aws:cloudfront::{ACCOUNT}:"))
        for demand in demands
    ]


TAGS = {"Items": [{"Key": "team", "Value": "blue"}]}


@pytest.mark.parametrize(
    ("name", "members", "demands"),
    [
        ("GetDistribution", {"Id": "E1"}, [("GetDistribution", "distribution/E1")]),
        ("ListDistributions", {}, [("ListDistributions", "*")]),
        ("GetPublicKey", {"Id": "K1"}, [("GetPublicKey", "*")]),
        ("CreateDistribution", {}, [("CreateDistribution", "distribution/*")]),
        (
            "CreateDistributionWithTags",
            {"DistributionConfigWithTags": {"Tags": TAGS}},
            [("CreateDistribution", "distribution/*"), ("TagResource", "distribution/*")],
        ),
        ("CreateDistributionWithTags", {"DistributionConfigWithTags": {}}, [("CreateDistribution", "distribution/*")]),
        (
            "CopyDistribution",
            {"PrimaryDistributionId": "E1"},
            [
                ("CopyDistribution", "distribution/E1"),
                ("CreateDistribution", "distribution/E1"),
                ("GetDistribution", "distribution/E1"),
            ],
        ),
        (
            "UpdateDistributionWithStagingConfig",
            {"Id": "E1", "StagingDistributionId": "E2"},
            [
                ("GetDistribution", "distribution/E1"),
                ("UpdateDistribution", "distribution/E1"),
                ("GetDistribution", "distribution/E2"),
                ("UpdateDistribution", "distribution/E2"),
            ],
        ),
        (
            "UpdateDomainAssociation",
            {"Domain": "a.example.com", "TargetResource": {"DistributionId": "E1"}},
            [("UpdateDomainAssociation", "distribution/E1")],
        ),
        ("UpdateDomainAssociation", {"Domain": "a.example.com"}, [("UpdateDomainAssociation", "*")]),
        ("GetRealtimeLogConfig", {"Name": "logs"}, [("GetRealtimeLogConfig", "realtime-log-config/logs")]),
        (
            "UpdateRealtimeLogConfig",
            {"Name": "mine", "ARN": "arn:aws:cloudfront::123456789012:realtime-log-config/yours"},
            [
                ("UpdateRealtimeLogConfig", "realtime-log-config/yours"),
                ("UpdateRealtimeLogConfig", "realtime-log-config/mine"),
            ],
        ),
        (
            "ListTagsForResource",
            {"Resource": "arn:aws-cn:cloudfront::123456789012:distribution/E1"},
            [("ListTagsForResource", "distribution/E1")],
        ),
        ("TagResource", {"Resource": "arn:x", "Tags": TAGS}, [("TagResource", "arn:x")]),
        ("VerifyDnsConfiguration", {}, [("VerifyDnsConfiguration", "*")]),
        ("DeleteFunction", {"Name": "f"}, [("DeleteFunction", "function/f")]),
    ],
)
def test_what_a_call_demands(name: str, members: dict[str, Any], demands: list[tuple[str, str]]) -> None:
    assert demanded(None, name, **members) == demands
