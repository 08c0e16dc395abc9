"""The cache policy family through boto3."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from edgeward.services.cloudfront.managed_policies import MANAGED_CACHE_POLICIES

KEY = {
    "EnableAcceptEncodingGzip": True,
    "EnableAcceptEncodingBrotli": True,
    "HeadersConfig": {"HeaderBehavior": "none"},
    "CookiesConfig": {"CookieBehavior": "none"},
    "QueryStringsConfig": {"QueryStringBehavior": "none"},
}
POLICY = {"Name": "short", "Comment": "", "MinTTL": 1, "ParametersInCacheKeyAndForwardedToOrigin": KEY}


def with_key(**changes: Any) -> dict[str, Any]:
    return POLICY | {"ParametersInCacheKeyAndForwardedToOrigin": KEY | changes}


def headers(*names: str) -> dict[str, Any]:
    return {"HeaderBehavior": "whitelist", "Headers": {"Quantity": len(names), "Items": list(names)}}


def test_a_policy_lives_through_create_get_update_and_delete(cloudfront: Any, refused: Callable[..., str]) -> None:
    created = cloudfront.create_cache_policy(CachePolicyConfig=POLICY)
    policy_id = created["CachePolicy"]["Id"]

    config = cloudfront.get_cache_policy_config(Id=policy_id)["CachePolicyConfig"]
    assert config == POLICY | {"DefaultTTL": 86400, "MaxTTL": 31536000}
    updated = cloudfront.update_cache_policy(
        Id=policy_id, CachePolicyConfig=config | {"DefaultTTL": 5}, IfMatch=created["ETag"]
    )
    assert cloudfront.get_cache_policy(Id=policy_id)["CachePolicy"] == updated["CachePolicy"]
    cloudfront.delete_cache_policy(Id=policy_id, IfMatch=updated["ETag"])
    assert refused(cloudfront.get_cache_policy, Id=policy_id) == "NoSuchCachePolicy"


def test_managed_policies_are_listed_by_type(cloudfront: Any) -> None:
    own = cloudfront.create_cache_policy(CachePolicyConfig=POLICY)["CachePolicy"]["Id"]

    def listed(**members: Any) -> set[str]:
        items = cloudfront.list_cache_policies(**members)["CachePolicyList"]["Items"]
        return {item["CachePolicy"]["Id"] for item in items}

    managed = {policy.id for policy in MANAGED_CACHE_POLICIES}
    assert listed(Type="managed") == managed
    assert listed(Type="custom") == {own}
    assert listed() == managed | {own}


def test_pages_run_through_managed_and_custom_policies(cloudfront: Any) -> None:
    for number in range(3):
        cloudfront.create_cache_policy(CachePolicyConfig=POLICY | {"Name": f"policy-{number}"})
    listed = []
    marker: dict[str, str] = {}
    while True:
        page = cloudfront.list_cache_policies(MaxItems="2", **marker)["CachePolicyList"]
        listed += [item["CachePolicy"]["Id"] for item in page["Items"]]
        if "NextMarker" not in page:
            break
        marker = {"Marker": page["NextMarker"]}

    assert len(listed) == len(set(listed)) == 3 + len(MANAGED_CACHE_POLICIES)


def test_a_managed_policy_can_be_read_but_not_changed_or_deleted(cloudfront: Any, refused: Callable[..., str]) -> None:
    managed = MANAGED_CACHE_POLICIES[0]
    answer = cloudfront.get_cache_policy(Id=managed.id)

    assert answer["CachePolicy"]["CachePolicyConfig"] == managed.config
    target = {"Id": managed.id, "IfMatch": answer["ETag"]}
    assert refused(cloudfront.update_cache_policy, CachePolicyConfig=POLICY, **target) == "IllegalUpdate"
    assert refused(cloudfront.delete_cache_policy, **target) == "IllegalDelete"


def test_names_are_unique_among_custom_and_managed_policies(cloudfront: Any, refused: Callable[..., str]) -> None:
    cloudfront.create_cache_policy(CachePolicyConfig=POLICY)
    other = cloudfront.create_cache_policy(CachePolicyConfig=POLICY | {"Name": "other"})

    for name in ("short", MANAGED_CACHE_POLICIES[0].config["Name"]):
        config = POLICY | {"Name": name}
        assert refused(cloudfront.create_cache_policy, CachePolicyConfig=config) == "CachePolicyAlreadyExists"
        update = {"Id": other["CachePolicy"]["Id"], "IfMatch": other["ETag"], "CachePolicyConfig": config}
        assert refused(cloudfront.update_cache_policy, **update) == "CachePolicyAlreadyExists"


def test_a_policy_in_use_cannot_be_deleted(
    cloudfront: Any, config: dict[str, Any], refused: Callable[..., str]
) -> None:
    policy = cloudfront.create_cache_policy(CachePolicyConfig=POLICY)
    policy_id = policy["CachePolicy"]["Id"]
    config["DefaultCacheBehavior"]["CachePolicyId"] = policy_id
    cloudfront.create_distribution(DistributionConfig=config)

    assert refused(cloudfront.delete_cache_policy, Id=policy_id, IfMatch=policy["ETag"]) == "CachePolicyInUse"


def test_a_change_republishes_the_distributions_that_use_the_policy(
    cloudfront: Any, config: dict[str, Any], edge: Any
) -> None:
    policy = cloudfront.create_cache_policy(CachePolicyConfig=POLICY)
    cloudfront.create_distribution(DistributionConfig=config)
    config["DefaultCacheBehavior"]["CachePolicyId"] = policy["CachePolicy"]["Id"]
    user = cloudfront.create_distribution(DistributionConfig=config | {"CallerReference": "user"})["Distribution"]

    cloudfront.update_cache_policy(
        Id=policy["CachePolicy"]["Id"], IfMatch=policy["ETag"], CachePolicyConfig=POLICY | {"DefaultTTL": 7}
    )

    plan = json.loads(edge.plans[-1])
    assert plan["distributions"].keys() == {user["Id"]}
    assert plan["distributions"][user["Id"]]["behaviors"][0]["cache"]["default_ttl"] == 7
    assert cloudfront.get_distribution(Id=user["Id"])["Distribution"]["Status"] == "Deployed"


@pytest.mark.parametrize(
    ("config", "code"),
    [
        (POLICY | {"Name": " "}, "InvalidArgument"),
        (POLICY | {"Comment": "x" * 129}, "InvalidArgument"),
        (POLICY | {"MinTTL": -1}, "InvalidArgument"),
        (POLICY | {"MinTTL": 10, "DefaultTTL": 5}, "InvalidArgument"),
        (POLICY | {"DefaultTTL": 10, "MaxTTL": 5}, "InvalidArgument"),
        (POLICY | {"MinTTL": 0, "DefaultTTL": 0, "MaxTTL": 0}, "InvalidArgument"),
        (with_key(HeadersConfig=headers("Accept-Encoding")), "InvalidArgument"),
        (with_key(HeadersConfig=headers("Cookie")), "InvalidArgument"),
        (with_key(HeadersConfig=headers("Origin", "origin")), "InvalidArgument"),
        (with_key(HeadersConfig=headers(*(f"X-{n}" for n in range(11)))), "TooManyHeadersInCachePolicy"),
        (with_key(HeadersConfig=headers("x" * 1025)), "InvalidArgument"),
        (with_key(HeadersConfig={"HeaderBehavior": "whitelist"}), "InvalidArgument"),
        (with_key(HeadersConfig=headers("Origin") | {"HeaderBehavior": "none"}), "InvalidArgument"),
        (
            with_key(HeadersConfig={"HeaderBehavior": "whitelist", "Headers": {"Quantity": 2, "Items": ["Origin"]}}),
            "InconsistentQuantities",
        ),
    ],
)
def test_a_policy_that_breaks_a_rule_is_refused_and_not_stored(
    cloudfront: Any, refused: Callable[..., str], config: dict[str, Any], code: str
) -> None:
    assert refused(cloudfront.create_cache_policy, CachePolicyConfig=config) == code
    assert cloudfront.list_cache_policies(Type="custom")["CachePolicyList"]["Quantity"] == 0


def test_an_account_has_twenty_policies_at_most(cloudfront: Any, refused: Callable[..., str]) -> None:
    for number in range(20):
        cloudfront.create_cache_policy(CachePolicyConfig=POLICY | {"Name": f"policy-{number}"})

    assert refused(cloudfront.create_cache_policy, CachePolicyConfig=POLICY) == "TooManyCachePolicies"


def test_a_minimum_above_the_defaults_raises_them(cloudfront: Any) -> None:
    config = cloudfront.create_cache_policy(CachePolicyConfig=POLICY | {"MinTTL": 40_000_000})

    filled = config["CachePolicy"]["CachePolicyConfig"]
    assert (filled["DefaultTTL"], filled["MaxTTL"]) == (40_000_000, 40_000_000)
