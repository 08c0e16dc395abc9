"""The origin request policy family through boto3."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from edgeward.aws.model import ServiceModel
from edgeward.aws.validation import check_quantities, problems_of
from edgeward.services.cloudfront.managed_origin_request_policies import MANAGED_ORIGIN_REQUEST_POLICIES
from edgeward.services.cloudfront.managed_policies import ManagedPolicy

ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
ALL_AND_CLOUDFRONT = "33f36d7e-f396-46d9-90e0-52428a34d9dc"
POLICY: dict[str, Any] = {
    "Name": "forward",
    "Comment": "",
    "HeadersConfig": {"HeaderBehavior": "none"},
    "CookiesConfig": {"CookieBehavior": "none"},
    "QueryStringsConfig": {"QueryStringBehavior": "all"},
}


def with_headers(behavior: str, *names: str) -> dict[str, Any]:
    headers: dict[str, Any] = {"HeaderBehavior": behavior}
    if names:
        headers["Headers"] = {"Quantity": len(names), "Items": list(names)}
    return POLICY | {"HeadersConfig": headers}


def with_cookies(behavior: str, *names: str) -> dict[str, Any]:
    cookies = {"CookieBehavior": behavior, "Cookies": {"Quantity": len(names), "Items": list(names)}}
    return POLICY | {"CookiesConfig": cookies}


@pytest.mark.parametrize("policy", MANAGED_ORIGIN_REQUEST_POLICIES, ids=lambda policy: policy.config["Name"])
def test_a_managed_policy_has_the_shape_that_the_model_asks_for(policy: ManagedPolicy) -> None:
    shape = ServiceModel("cloudfront", "2020-05-31").shape("OriginRequestPolicyConfig")

    assert not list(problems_of(shape, policy.config, "OriginRequestPolicyConfig"))
    check_quantities(shape, policy.config)


def test_a_policy_lives_through_create_get_update_and_delete(cloudfront: Any, refused: Callable[..., str]) -> None:
    created = cloudfront.create_origin_request_policy(OriginRequestPolicyConfig=POLICY)
    policy_id = created["OriginRequestPolicy"]["Id"]

    config = cloudfront.get_origin_request_policy_config(Id=policy_id)["OriginRequestPolicyConfig"]
    assert config == POLICY
    updated = cloudfront.update_origin_request_policy(
        Id=policy_id, OriginRequestPolicyConfig=config | {"Comment": "new"}, IfMatch=created["ETag"]
    )
    fetched = cloudfront.get_origin_request_policy(Id=policy_id)["OriginRequestPolicy"]
    assert fetched == updated["OriginRequestPolicy"]
    cloudfront.delete_origin_request_policy(Id=policy_id, IfMatch=updated["ETag"])
    assert refused(cloudfront.get_origin_request_policy, Id=policy_id) == "NoSuchOriginRequestPolicy"


def test_managed_policies_are_listed_by_type_and_cannot_be_changed(
    cloudfront: Any, refused: Callable[..., str]
) -> None:
    own = cloudfront.create_origin_request_policy(OriginRequestPolicyConfig=POLICY)["OriginRequestPolicy"]["Id"]

    def listed(**members: Any) -> set[str]:
        items = cloudfront.list_origin_request_policies(**members)["OriginRequestPolicyList"]["Items"]
        return {item["OriginRequestPolicy"]["Id"] for item in items}

    managed = {policy.id for policy in MANAGED_ORIGIN_REQUEST_POLICIES}
    assert len(managed) == 8
    assert (listed(Type="managed"), listed(Type="custom"), listed()) == (managed, {own}, managed | {own})
    target = {"Id": ALL_VIEWER, "IfMatch": cloudfront.get_origin_request_policy(Id=ALL_VIEWER)["ETag"]}
    change = {**target, "OriginRequestPolicyConfig": POLICY}
    assert refused(cloudfront.update_origin_request_policy, **change) == "IllegalUpdate"
    assert refused(cloudfront.delete_origin_request_policy, **target) == "IllegalDelete"


@pytest.mark.parametrize(
    ("config", "code"),
    [
        (POLICY | {"Name": " "}, "InvalidArgument"),
        (POLICY | {"Comment": "x" * 129}, "InvalidArgument"),
        (with_headers("whitelist"), "InvalidArgument"),
        (with_headers("allViewer", "Origin"), "InvalidArgument"),
        (with_headers("allExcept"), "InvalidArgument"),
        (with_headers("whitelist", "Authorization"), "InvalidArgument"),
        (with_headers("whitelist", "Cookie"), "InvalidArgument"),
        (with_headers("whitelist", "Proxy-Authenticate"), "InvalidArgument"),
        (with_headers("whitelist", "Referer", "referer"), "InvalidArgument"),
        (with_headers("allViewerAndWhitelistCloudFront", "Origin"), "InvalidArgument"),
        (with_headers("whitelist", *(f"X-{n}" for n in range(11))), "TooManyHeadersInOriginRequestPolicy"),
        (with_cookies("whitelist", *(f"c{n}" for n in range(11))), "TooManyCookiesInOriginRequestPolicy"),
        (with_headers("whitelist", "x" * 1025), "InvalidArgument"),
    ],
)
def test_a_policy_that_breaks_a_rule_is_refused(
    cloudfront: Any, refused: Callable[..., str], config: dict[str, Any], code: str
) -> None:
    assert refused(cloudfront.create_origin_request_policy, OriginRequestPolicyConfig=config) == code
    assert cloudfront.list_origin_request_policies(Type="custom")["OriginRequestPolicyList"]["Quantity"] == 0


def test_an_account_has_twenty_policies_at_most(cloudfront: Any, refused: Callable[..., str]) -> None:
    for number in range(20):
        config = POLICY | {"Name": f"policy-{number}"}
        cloudfront.create_origin_request_policy(OriginRequestPolicyConfig=config)

    code = refused(cloudfront.create_origin_request_policy, OriginRequestPolicyConfig=POLICY)
    assert code == "TooManyOriginRequestPolicies"


def test_a_change_reaches_the_distributions_that_attach_the_policy(
    cloudfront: Any, config: dict[str, Any], edge: Any, refused: Callable[..., str]
) -> None:
    policy = cloudfront.create_origin_request_policy(OriginRequestPolicyConfig=POLICY)
    policy_id = policy["OriginRequestPolicy"]["Id"]
    config["DefaultCacheBehavior"]["OriginRequestPolicyId"] = policy_id
    user = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    change = {"Id": policy_id, "IfMatch": policy["ETag"]}

    in_use = refused(cloudfront.delete_origin_request_policy, **change)
    unwritten = with_headers("whitelist", "CloudFront-Is-Robot-Viewer")
    missing = refused(cloudfront.update_origin_request_policy, OriginRequestPolicyConfig=unwritten, **change)
    cloudfront.update_origin_request_policy(OriginRequestPolicyConfig=with_headers("allViewer"), **change)

    assert (in_use, missing) == ("OriginRequestPolicyInUse", "InvalidArgument")
    behavior = json.loads(edge.plans[-1])["distributions"][user]["behaviors"][0]
    assert behavior["origin_request"]["headers"] == {"mode": "all", "names": []}


def test_the_managed_policy_with_all_headers_of_cloudfront_can_be_attached(
    cloudfront: Any, config: dict[str, Any], edge: Any
) -> None:
    config["DefaultCacheBehavior"]["OriginRequestPolicyId"] = ALL_AND_CLOUDFRONT

    user = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"]

    behavior = json.loads(edge.plans[-1])["distributions"][user]["behaviors"][0]
    assert len(behavior["origin_request"]["headers"]["names"]) == 21
