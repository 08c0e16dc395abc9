"""The rules of certificates that viewers show."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.rules import check_distribution
from edgeward.services.cloudfront.managed_policies import CACHING_DISABLED_POLICY_ID, MANAGED_CACHE_POLICIES

STORE = {"TrustStoreId": "ts_1"}
FIRST, DEFAULT = "CacheBehaviors.Items.0", "DefaultCacheBehavior"
UNCACHED = {f"{each}.CachePolicyId": CACHING_DISABLED_POLICY_ID for each in (FIRST, DEFAULT)}
PASSTHROUGH = {"ViewerMtlsConfig": {"Mode": "passthrough"}, **UNCACHED}


@pytest.fixture(autouse=True)
def managed(known: Any) -> None:
    known.cache_policies |= {policy.id: policy.config for policy in MANAGED_CACHE_POLICIES}


@pytest.mark.parametrize(
    "changes",
    [
        {"ViewerMtlsConfig": {}},
        {"ViewerMtlsConfig": {"Mode": "required", "TrustStoreConfig": STORE}},
        {"ViewerMtlsConfig": {"Mode": "optional", "TrustStoreConfig": STORE}},
        {"ViewerMtlsConfig": {"TrustStoreConfig": STORE}},
        {"ViewerMtlsConfig": {"TrustStoreConfig": STORE}, "HttpVersion": "http1.1"},
        PASSTHROUGH,
    ],
)
def test_sound_demands_are_taken(changes: dict[str, Any], config_with: Callable[..., Shape], known: Any) -> None:
    check_distribution(config_with(changes), known)


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"ViewerMtlsConfig": {"Mode": "required"}}, "InvalidArgument", "TrustStoreConfig: is missing"),
        ({"ViewerMtlsConfig": {"Mode": "optional"}}, "InvalidArgument", "TrustStoreConfig: is missing"),
        (
            {"ViewerMtlsConfig": {"TrustStoreConfig": {"TrustStoreId": "ts_0"}}},
            "EntityNotFound",
            "ViewerMtlsConfig.TrustStoreConfig.TrustStoreId: there is no trust store 'ts_0'",
        ),
        ({"ViewerMtlsConfig": {"TrustStoreConfig": {"TrustStoreId": "ts_pending"}}}, "InvalidArgument", "not active"),
        *(
            (
                {"ViewerMtlsConfig": {"TrustStoreConfig": STORE}, "HttpVersion": version},
                "InvalidArgument",
                "DistributionConfig.HttpVersion: ",
            )
            for version in ("http3", "http2and3")
        ),
        *(
            (
                {"ViewerMtlsConfig": {"TrustStoreConfig": STORE}, f"{each}.ViewerProtocolPolicy": "allow-all"},
                "InvalidArgument",
                "ViewerProtocolPolicy: ",
            )
            for each in (FIRST, DEFAULT)
        ),
        (
            PASSTHROUGH | {"ViewerMtlsConfig": {"Mode": "passthrough", "TrustStoreConfig": STORE}},
            "InvalidArgument",
            "TrustStoreConfig: ",
        ),
        (PASSTHROUGH | {f"{FIRST}.CachePolicyId": "policy"}, "InvalidArgument", "CachePolicyId: passthrough"),
        (PASSTHROUGH | {f"{DEFAULT}.CachePolicyId": "policy"}, "InvalidArgument", "CachePolicyId: passthrough"),
        (
            PASSTHROUGH
            | {f"{DEFAULT}.LambdaFunctionAssociations": {"Quantity": 1, "Items": [{"EventType": "viewer-request"}]}},
            "InvalidArgument",
            "LambdaFunctionAssociations: ",
        ),
        (PASSTHROUGH | {"Origins.Items.0.OriginShield": {"Enabled": True}}, "InvalidArgument", "OriginShield: "),
    ],
)
def test_an_unsound_demand_is_refused_by_name(
    changes: Mapping[str, Any], code: str, named: str, assert_refused: Callable[..., None]
) -> None:
    assert_refused(changes, code, named)
