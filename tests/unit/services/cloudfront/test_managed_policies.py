"""The managed cache policies."""

import re

import pytest

from edgeward.aws.model import ServiceModel, Shape
from edgeward.aws.validation import check_quantities, problems_of
from edgeward.compiler.cache_behavior import compile_behavior
from edgeward.services.cloudfront.managed_policies import MANAGED_CACHE_POLICIES, ManagedPolicy

BY_NAME = {policy.config["Name"]: policy for policy in MANAGED_CACHE_POLICIES}


class Managed:
    """Implements `references.AttachedResources` with the managed policies alone."""

    def cache_policy(self, policy_id: str, /) -> Shape | None:
        return next((policy.config for policy in MANAGED_CACHE_POLICIES if policy.id == policy_id), None)

    def origin_request_policy(self, _policy_id: str, /) -> Shape | None:
        return None

    def response_headers_policy(self, _policy_id: str, /) -> Shape | None:
        return None

    def trusted_authorities(self, _store_id: str, /) -> str | None:
        return None

    def origin_access_control(self, _control_id: str, /) -> Shape | None:
        return None


def compiled(name: str) -> Shape:
    methods = {"Quantity": 2, "Items": ["GET", "HEAD"]}
    behavior = {
        "TargetOriginId": "o",
        "ViewerProtocolPolicy": "allow-all",
        "AllowedMethods": methods | {"CachedMethods": methods},
        "Compress": False,
        "CachePolicyId": BY_NAME[name].id,
        "GrpcConfig": {"Enabled": False},
    }
    cache: Shape = compile_behavior(behavior, Managed())["cache"]
    return cache


@pytest.mark.parametrize("policy", MANAGED_CACHE_POLICIES, ids=BY_NAME)
def test_a_managed_policy_has_the_shape_that_the_model_asks_for(policy: ManagedPolicy) -> None:
    shape = ServiceModel("cloudfront", "2020-05-31").shape("CachePolicyConfig")

    assert not list(problems_of(shape, policy.config, "CachePolicyConfig"))
    check_quantities(shape, policy.config)


def test_every_managed_policy_has_an_id_and_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len({policy.id for policy in MANAGED_CACHE_POLICIES}) == 8
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", policy.id) for policy in BY_NAME.values())


@pytest.mark.parametrize(
    ("name", "ttls", "encodings", "modes"),
    [
        ("Managed-CachingOptimized", (1, 86_400, 31_536_000), (True, True), ("none", "none", "none")),
        ("Managed-CachingDisabled", (0, 0, 0), (False, False), ("none", "none", "none")),
        (
            "Managed-CachingOptimizedForUncompressedObjects",
            (1, 86_400, 31_536_000),
            (False, False),
            ("none", "none", "none"),
        ),
        ("Managed-Amplify", (2, 2, 600), (True, True), ("whitelist", "all", "all")),
        (
            "Managed-Elemental-MediaPackage",
            (0, 86_400, 31_536_000),
            (True, False),
            ("whitelist", "none", "whitelist"),
        ),
        ("Edgeward-RFC9111", (0, 0, 31_536_000), (False, False), ("none", "none", "all")),
        ("UseOriginCacheControlHeaders", (0, 0, 31_536_000), (True, True), ("whitelist", "all", "none")),
        ("UseOriginCacheControlHeaders-QueryStrings", (0, 0, 31_536_000), (True, True), ("whitelist", "all", "all")),
    ],
)
def test_a_managed_policy_compiles_to_what_the_guide_says(
    name: str, ttls: tuple[int, int, int], encodings: tuple[bool, bool], modes: tuple[str, str, str]
) -> None:
    cache = compiled(name)

    assert (cache["min_ttl"], cache["default_ttl"], cache["max_ttl"]) == ttls
    assert (cache["gzip"], cache["brotli"]) == encodings
    assert tuple(cache[part]["mode"] for part in ("headers", "cookies", "query_strings")) == modes
