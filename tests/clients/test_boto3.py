"""A tour of the API with boto3: what a distribution goes through from creation to deletion."""

import time

import pytest
from botocore.exceptions import ClientError
from types_boto3_cloudfront import CloudFrontClient

from clients.configurations import one_origin
from clients.running import RunningCdn


def test_a_distribution_lives_from_creation_to_deletion(cdn: RunningCdn, cloudfront: CloudFrontClient) -> None:
    created = cloudfront.create_distribution(DistributionConfig=one_origin(site_domain(cdn)))
    distribution_id, domain = created["Distribution"]["Id"], created["Distribution"]["DomainName"]
    wait_deployed(cloudfront, distribution_id)
    assert distribution_id in listed_ids(cloudfront)

    current = cloudfront.get_distribution_config(Id=distribution_id)
    config = current["DistributionConfig"]
    config["Comment"], config["Enabled"] = "changed", False
    updated = cloudfront.update_distribution(Id=distribution_id, DistributionConfig=config, IfMatch=current["ETag"])
    assert updated["ETag"] != current["ETag"]
    assert updated["Distribution"]["DistributionConfig"]["Comment"] == "changed"
    wait_deployed(cloudfront, distribution_id)

    cloudfront.delete_distribution(Id=distribution_id, IfMatch=updated["ETag"])
    assert error_code(lambda: cloudfront.get_distribution(Id=distribution_id)) == "NoSuchDistribution"
    assert cdn.get("/", Host=domain).status == 403


def test_a_stale_etag_is_refused(cdn: RunningCdn, cloudfront: CloudFrontClient) -> None:
    created = cloudfront.create_distribution(DistributionConfig=one_origin(site_domain(cdn), enabled=False))
    distribution_id, stale = created["Distribution"]["Id"], created["ETag"]
    config = cloudfront.get_distribution_config(Id=distribution_id)["DistributionConfig"]
    fresh = cloudfront.update_distribution(Id=distribution_id, DistributionConfig=config, IfMatch=stale)["ETag"]
    assert (
        error_code(lambda: cloudfront.update_distribution(Id=distribution_id, DistributionConfig=config, IfMatch=stale))
        == "PreconditionFailed"
    )
    cloudfront.delete_distribution(Id=distribution_id, IfMatch=fresh)


def test_an_enabled_distribution_cannot_be_deleted(cdn: RunningCdn, cloudfront: CloudFrontClient) -> None:
    etag = cloudfront.get_distribution(Id=cdn.distribution_id)["ETag"]
    refused = error_code(lambda: cloudfront.delete_distribution(Id=cdn.distribution_id, IfMatch=etag))
    assert refused == "DistributionNotDisabled"


def test_a_change_is_live_when_the_call_returns(cdn: RunningCdn, cloudfront: CloudFrontClient) -> None:
    created = cloudfront.create_distribution(DistributionConfig=one_origin(site_domain(cdn)))
    distribution, etag = created["Distribution"], created["ETag"]
    # The bucket refuses unsigned requests, so a live distribution without access control relays its 403.
    relayed = cdn.get("/index.html", Host=distribution["DomainName"])
    assert (relayed.status, relayed.headers["X-Cache"]) == (403, "Error from cloudfront")
    assert b"AccessDenied" in relayed.data
    config = cloudfront.get_distribution_config(Id=distribution["Id"])["DistributionConfig"]
    config["Enabled"] = False
    start = time.monotonic()
    etag = cloudfront.update_distribution(Id=distribution["Id"], DistributionConfig=config, IfMatch=etag)["ETag"]
    assert time.monotonic() - start < 1
    assert b"AccessDenied" not in cdn.get("/index.html", Host=distribution["DomainName"]).data
    cloudfront.delete_distribution(Id=distribution["Id"], IfMatch=etag)


def test_tags_are_added_listed_and_removed(cdn: RunningCdn, cloudfront: CloudFrontClient) -> None:
    arn = cloudfront.get_distribution(Id=cdn.distribution_id)["Distribution"]["ARN"]
    cloudfront.tag_resource(
        Resource=arn, Tags={"Items": [{"Key": "team", "Value": "web"}, {"Key": "stage", "Value": "dev"}]}
    )
    cloudfront.untag_resource(Resource=arn, TagKeys={"Items": ["stage"]})
    tags = cloudfront.list_tags_for_resource(Resource=arn)["Tags"]["Items"]
    assert {"Key": "team", "Value": "web"} in tags
    assert "stage" not in {tag["Key"] for tag in tags}


def test_the_sample_has_two_origins_three_behaviors_and_a_policy_of_its_own(
    cdn: RunningCdn, cloudfront: CloudFrontClient
) -> None:
    config = cloudfront.get_distribution_config(Id=cdn.distribution_id)["DistributionConfig"]
    assert [origin["Id"] for origin in config["Origins"]["Items"]] == ["site", "dynamic"]
    assert [behavior["PathPattern"] for behavior in config["CacheBehaviors"]["Items"]] == ["/api/*", "/assets/*"]
    own = cloudfront.list_cache_policies(Type="custom")["CachePolicyList"]["Items"]
    assert [item["CachePolicy"]["CachePolicyConfig"]["Name"] for item in own] == ["edgeward-sample-assets"]


def test_an_operation_not_served_yet_says_so_by_name(cloudfront: CloudFrontClient) -> None:
    with pytest.raises(ClientError, match="TestFunction") as refused:
        cloudfront.test_function(Name="rewrite", IfMatch="E1", EventObject=b"{}")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"aws_secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"aws_access_key_id": "AKIAUNKNOWN"}, "InvalidClientTokenId"),
    ],
    ids=["wrong secret", "unknown key"],
)
def test_a_caller_without_the_key_is_refused(cdn: RunningCdn, overrides: dict[str, str], code: str) -> None:
    stranger = cdn.cloudfront(**overrides)
    assert error_code(stranger.list_distributions) == code


def site_domain(cdn: RunningCdn) -> str:
    return f"{cdn.bucket}.s3.us-east-1.amazonaws.com"


def wait_deployed(cloudfront: CloudFrontClient, distribution_id: str) -> None:
    """Requires that the waiter's first poll finds it deployed."""
    cloudfront.get_waiter("distribution_deployed").wait(Id=distribution_id, WaiterConfig={"MaxAttempts": 1})


def listed_ids(cloudfront: CloudFrontClient) -> set[str]:
    pages = cloudfront.get_paginator("list_distributions").paginate(PaginationConfig={"PageSize": 1})
    return {item["Id"] for page in pages for item in page["DistributionList"].get("Items", [])}


def error_code(call: object) -> str:
    assert callable(call)
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]
