"""The families that distributions will name: what their rules refuse, and what ListDistributionsBy... finds."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from unit.services.cloudfront.generated.samples import (
    SAMPLES,
    STREAM,
    call,
    deployment_policy,
    distribution,
    distribution_config,
    endpoint_config,
    listed,
    log_config,
    streaming_config,
    unique,
    vpc_origin,
)

END_POINT = {"StreamType": "Kinesis", "KinesisStreamConfig": STREAM}


@pytest.mark.parametrize(
    "change",
    [
        {"Name": "two words"},
        {"SamplingRate": 0},
        {"SamplingRate": 101},
        {"Fields": []},
        {"Fields": ["timestamp", "timestamp"]},
        {"Fields": ["no-such-field"]},
        {"EndPoints": []},
        {"EndPoints": [END_POINT, END_POINT]},
        {"EndPoints": [{"StreamType": "Kinesis"}]},
        {"EndPoints": [END_POINT | {"StreamType": "Firehose"}]},
        {"EndPoints": [END_POINT | {"KinesisStreamConfig": STREAM | {"RoleARN": "arn:aws:iam::1:user/x"}}]},
    ],
)
def test_a_log_configuration_that_breaks_a_rule_is_refused(
    cloudfront: Any, refused: Callable[..., str], change: dict[str, Any]
) -> None:
    members = SAMPLES["CreateRealtimeLogConfig"](cloudfront)

    assert refused(cloudfront.create_realtime_log_config, **members | change) == "InvalidArgument"


def test_a_log_configuration_keeps_what_an_update_leaves_out(cloudfront: Any, refused: Callable[..., str]) -> None:
    made = log_config(cloudfront)

    updated = cloudfront.update_realtime_log_config(ARN=made["ARN"], SamplingRate=77)["RealtimeLogConfig"]

    assert updated == made | {"SamplingRate": 77}
    assert cloudfront.get_realtime_log_config(Name=made["Name"])["RealtimeLogConfig"] == updated
    assert refused(cloudfront.get_realtime_log_config) == "InvalidArgument"
    assert refused(cloudfront.get_realtime_log_config, Name="absent") == "NoSuchRealtimeLogConfig"


def test_an_identity_created_again_is_the_same_one(cloudfront: Any, refused: Callable[..., str]) -> None:
    create = cloudfront.create_cloud_front_origin_access_identity
    config = {"CallerReference": "once", "Comment": "bucket"}
    first = create(CloudFrontOriginAccessIdentityConfig=config)

    again = create(CloudFrontOriginAccessIdentityConfig=config)

    assert again["CloudFrontOriginAccessIdentity"] == first["CloudFrontOriginAccessIdentity"]
    assert again["ETag"] == first["ETag"]
    code = refused(create, CloudFrontOriginAccessIdentityConfig=config | {"Comment": "another"})
    assert code == "CloudFrontOriginAccessIdentityAlreadyExists"
    listing = cloudfront.list_cloud_front_origin_access_identities()["CloudFrontOriginAccessIdentityList"]
    assert listing["Quantity"] == 1


@pytest.mark.parametrize(
    "traffic",
    [
        {"Type": "SingleWeight"},
        {"Type": "SingleHeader", "SingleWeightConfig": {"Weight": 0.1}},
        {"Type": "SingleWeight", "SingleWeightConfig": {"Weight": 0.16}},
        {
            "Type": "SingleWeight",
            "SingleWeightConfig": {"Weight": 0.1, "SessionStickinessConfig": {"IdleTTL": 299, "MaximumTTL": 600}},
        },
        {
            "Type": "SingleWeight",
            "SingleWeightConfig": {"Weight": 0.1, "SessionStickinessConfig": {"IdleTTL": 700, "MaximumTTL": 600}},
        },
        {"Type": "SingleHeader", "SingleHeaderConfig": {"Header": "x-staging", "Value": "1"}},
        {"Type": "SingleHeader", "SingleHeaderConfig": {"Header": "aws-cf-cd-x", "Value": ""}},
    ],
)
def test_traffic_that_breaks_a_rule_is_refused(
    cloudfront: Any, refused: Callable[..., str], traffic: dict[str, Any]
) -> None:
    config = deployment_policy(cloudfront) | {"TrafficConfig": traffic}

    create = cloudfront.create_continuous_deployment_policy
    assert refused(create, ContinuousDeploymentPolicyConfig=config) == "InvalidArgument"


def test_a_policy_holds_its_staging_distribution(cloudfront: Any, refused: Callable[..., str]) -> None:
    create = cloudfront.create_continuous_deployment_policy
    config = deployment_policy(cloudfront)
    primary = distribution(cloudfront)["Distribution"]["DomainName"]
    staging = next(
        each
        for each in cloudfront.list_distributions()["DistributionList"]["Items"]
        if each["DomainName"] == config["StagingDistributionDnsNames"]["Items"][0]
    )

    wrong = config | {"StagingDistributionDnsNames": listed(primary)}
    assert refused(create, ContinuousDeploymentPolicyConfig=wrong) == "InvalidArgument"
    made = create(ContinuousDeploymentPolicyConfig=config)
    assert refused(create, ContinuousDeploymentPolicyConfig=config) == "StagingDistributionInUse"
    delete = {"Id": staging["Id"], "IfMatch": staging["ETag"]}
    assert refused(cloudfront.delete_distribution, **_disabled(cloudfront, delete)) == "ResourceInUse"
    policy = made["ContinuousDeploymentPolicy"]["Id"]
    cloudfront.delete_continuous_deployment_policy(Id=policy, IfMatch=made["ETag"])


def _disabled(cloudfront: Any, target: dict[str, str]) -> dict[str, str]:
    config = cloudfront.get_distribution_config(Id=target["Id"])["DistributionConfig"] | {"Enabled": False}
    return {**target, "IfMatch": cloudfront.update_distribution(**target, DistributionConfig=config)["ETag"]}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Enabled": True}, "InvalidArgument"),
        ({"TrustedSigners": {"Enabled": True, "Quantity": 1, "Items": ["self"]}}, "InvalidArgument"),
        ({"Aliases": listed("rtmp.example.com")}, "InvalidArgument"),
        ({"S3Origin": {"DomainName": "", "OriginAccessIdentity": ""}}, "InvalidOrigin"),
        (
            {"S3Origin": {"DomainName": "b.s3.amazonaws.com", "OriginAccessIdentity": "x/E0"}},
            "InvalidOriginAccessIdentity",
        ),
    ],
)
def test_a_streaming_distribution_asks_for_nothing(
    cloudfront: Any, refused: Callable[..., str], change: dict[str, Any], code: str
) -> None:
    config = streaming_config() | change

    assert refused(cloudfront.create_streaming_distribution, StreamingDistributionConfig=config) == code


@pytest.mark.parametrize(
    "change",
    [
        {"Name": ""},
        {"Arn": "arn:aws:s3:::bucket"},
        {"HTTPPort": 81},
        {"HTTPSPort": 65_536},
        {"OriginSslProtocols": {"Quantity": 0, "Items": []}},
    ],
)
def test_a_vpc_origin_that_breaks_a_rule_is_refused(
    cloudfront: Any, refused: Callable[..., str], change: dict[str, Any]
) -> None:
    create = cloudfront.create_vpc_origin
    assert refused(create, VpcOriginEndpointConfig=endpoint_config(**change)) == "InvalidArgument"


def test_what_was_tagged_at_creation_shows_its_tags(cloudfront: Any) -> None:
    for operation, content in {
        "CreateAnycastIpList": "AnycastIpList",
        "CreateConnectionGroup": "ConnectionGroup",
        "CreateTrustStore": "TrustStore",
        "CreateVpcOrigin": "VpcOrigin",
    }.items():
        members = SAMPLES[operation](cloudfront)
        arn = call(cloudfront, operation, members)[content]["Arn"]
        assert cloudfront.list_tags_for_resource(Resource=arn)["Tags"] == members["Tags"], operation


def test_a_resource_policy_belongs_to_a_resource(cloudfront: Any, refused: Callable[..., str]) -> None:
    arn = vpc_origin(cloudfront)["Arn"]
    put = cloudfront.put_resource_policy
    policy = '{"Statement": [{"Effect": "Allow"}]}'

    assert refused(cloudfront.get_resource_policy, ResourceArn=arn) == "EntityNotFound"
    for document in ("", "[]", "{", "{}", '"' * 30_000, "[" * 20_000):
        assert refused(put, ResourceArn=arn, PolicyDocument=document) == "InvalidArgument"
    put(ResourceArn=arn, PolicyDocument=policy)
    replaced = policy.replace("Allow", "Deny")
    put(ResourceArn=arn, PolicyDocument=replaced)
    assert cloudfront.get_resource_policy(ResourceArn=arn)["PolicyDocument"] == replaced
    cloudfront.delete_resource_policy(ResourceArn=arn)
    assert refused(cloudfront.delete_resource_policy, ResourceArn=arn) == "EntityNotFound"
    of_distribution = distribution(cloudfront)["Distribution"]["ARN"]
    assert refused(put, ResourceArn=of_distribution, PolicyDocument=policy) == "UnsupportedOperation"


@pytest.mark.parametrize("kind", ["CachePolicy", "OriginRequestPolicy", "ResponseHeadersPolicy"])
def test_distributions_are_found_by_the_policy_they_use(cloudfront: Any, kind: str) -> None:
    distribution(cloudfront)
    member = f"{kind}Id"
    policy = call(cloudfront, f"Create{kind}", SAMPLES[f"Create{kind}"](cloudfront))[kind]["Id"]
    config = distribution_config()
    config["DefaultCacheBehavior"][member] = policy
    user = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"]

    found = call(cloudfront, f"ListDistributionsBy{member}", {member: policy})["DistributionIdList"]
    assert found["Items"] == [user]
    with pytest.raises(ClientError, match=f"NoSuch{kind}"):
        call(cloudfront, f"ListDistributionsBy{member}", {member: "absent"})


def test_distributions_without_a_web_acl_are_found_by_null(cloudfront: Any) -> None:
    made = distribution(cloudfront)["Distribution"]

    without = cloudfront.list_distributions_by_web_acl_id(WebACLId="null")["DistributionList"]
    assert [item["Id"] for item in without["Items"]] == [made["Id"]]


def test_a_group_is_disabled_before_it_is_deleted(cloudfront: Any, refused: Callable[..., str]) -> None:
    made = cloudfront.create_connection_group(Name=unique("group"))
    target = {"Id": made["ConnectionGroup"]["Id"], "IfMatch": made["ETag"]}

    assert refused(cloudfront.delete_connection_group, **target) == "ResourceNotDisabled"
    disabled = cloudfront.update_connection_group(**target, Enabled=False)
    assert disabled["ConnectionGroup"]["Ipv6Enabled"] is True
    cloudfront.delete_connection_group(Id=target["Id"], IfMatch=disabled["ETag"])
