"""The response headers policy family through boto3."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from edgeward.aws.model import ServiceModel
from edgeward.aws.validation import check_quantities, problems_of
from edgeward.compiler.response_headers import compile_response_headers
from edgeward.services.cloudfront.managed_policies import ManagedPolicy
from edgeward.services.cloudfront.managed_response_headers_policies import MANAGED_RESPONSE_HEADERS_POLICIES

SIMPLE_CORS = "60669652-455b-4ae9-85a4-c4c02393f86c"


def items(*values: Any) -> dict[str, Any]:
    return {"Quantity": len(values), "Items": list(values)}


def custom(name: str = "X-A", value: str = "a") -> dict[str, Any]:
    return {"Header": name, "Value": value, "Override": False}


POLICY: dict[str, Any] = {"Name": "add", "Comment": "", "CustomHeadersConfig": items(custom())}
CORS: dict[str, Any] = {
    "AccessControlAllowOrigins": items("https://*.example.com"),
    "AccessControlAllowHeaders": items("X-A"),
    "AccessControlAllowMethods": items("GET"),
    "AccessControlAllowCredentials": True,
    "OriginOverride": True,
}


def cors(**changes: Any) -> dict[str, Any]:
    return {"Name": "cors", "CorsConfig": CORS | changes}


def security(**settings: Any) -> dict[str, Any]:
    with_override = {name: members | {"Override": True} for name, members in settings.items()}
    return {"Name": "security", "SecurityHeadersConfig": with_override}


def remove(*names: str) -> dict[str, Any]:
    return {"Name": "remove", "RemoveHeadersConfig": items(*({"Header": name} for name in names))}


def timing(rate: float) -> dict[str, Any]:
    return {"Name": "timing", "ServerTimingHeadersConfig": {"Enabled": True, "SamplingRate": rate}}


@pytest.mark.parametrize("policy", MANAGED_RESPONSE_HEADERS_POLICIES, ids=lambda policy: policy.config["Name"])
def test_a_managed_policy_has_the_shape_that_the_model_asks_for_and_compiles(policy: ManagedPolicy) -> None:
    shape = ServiceModel("cloudfront", "2020-05-31").shape("ResponseHeadersPolicyConfig")

    assert not list(problems_of(shape, policy.config, "ResponseHeadersPolicyConfig"))
    check_quantities(shape, policy.config)
    assert compile_response_headers(policy.config)["remove"] == []


def test_a_policy_lives_through_create_get_update_and_delete(cloudfront: Any, refused: Callable[..., str]) -> None:
    created = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=POLICY)
    policy_id = created["ResponseHeadersPolicy"]["Id"]

    config = cloudfront.get_response_headers_policy_config(Id=policy_id)["ResponseHeadersPolicyConfig"]
    assert config == POLICY
    updated = cloudfront.update_response_headers_policy(
        Id=policy_id, ResponseHeadersPolicyConfig=cors(), IfMatch=created["ETag"]
    )
    fetched = cloudfront.get_response_headers_policy(Id=policy_id)["ResponseHeadersPolicy"]
    assert fetched == updated["ResponseHeadersPolicy"]
    cloudfront.delete_response_headers_policy(Id=policy_id, IfMatch=updated["ETag"])
    assert refused(cloudfront.get_response_headers_policy, Id=policy_id) == "NoSuchResponseHeadersPolicy"


def test_managed_policies_are_listed_by_type_and_cannot_be_deleted(
    cloudfront: Any, refused: Callable[..., str]
) -> None:
    own = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=POLICY)["ResponseHeadersPolicy"]["Id"]

    def listed(**members: Any) -> set[str]:
        found = cloudfront.list_response_headers_policies(**members)["ResponseHeadersPolicyList"]["Items"]
        return {item["ResponseHeadersPolicy"]["Id"] for item in found}

    managed = {policy.id for policy in MANAGED_RESPONSE_HEADERS_POLICIES}
    assert len(managed) == 5
    assert (listed(Type="managed"), listed(Type="custom")) == (managed, {own})
    target = {"Id": SIMPLE_CORS, "IfMatch": cloudfront.get_response_headers_policy(Id=SIMPLE_CORS)["ETag"]}
    assert refused(cloudfront.delete_response_headers_policy, **target) == "IllegalDelete"


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"Name": "nothing"}, "InvalidArgument"),
        (POLICY | {"Name": ""}, "InvalidArgument"),
        (cors(AccessControlAllowOrigins=items("https://a*.example.com")), "InvalidArgument"),
        (cors(AccessControlAllowOrigins=items("https://www.*.com")), "InvalidArgument"),
        (cors(AccessControlAllowOrigins=items("ftp://example.com")), "InvalidArgument"),
        (cors(AccessControlAllowOrigins=items("https://example.com/a")), "InvalidArgument"),
        (cors(AccessControlAllowOrigins=items()), "InvalidArgument"),
        (cors(AccessControlAllowOrigins=items("*")), "InvalidArgument"),
        (cors(AccessControlAllowHeaders=items("a b")), "InvalidArgument"),
        (cors(AccessControlMaxAgeSec=-1), "InvalidArgument"),
        (security(XSSProtection={"Protection": True, "ModeBlock": True, "ReportUri": "/r"}), "InvalidArgument"),
        (security(XSSProtection={"Protection": False, "ModeBlock": True}), "InvalidArgument"),
        (
            security(ContentSecurityPolicy={"ContentSecurityPolicy": "x" * 1784}),
            "TooLongCSPInResponseHeadersPolicy",
        ),
        (security(StrictTransportSecurity={"AccessControlMaxAgeSec": -1}), "InvalidArgument"),
        (timing(100.1), "MalformedXML"),
        (timing(0.00001), "InvalidArgument"),
        (POLICY | {"CustomHeadersConfig": items(custom("Via"))}, "InvalidArgument"),
        (POLICY | {"CustomHeadersConfig": items(custom("X-Frame-Options"))}, "InvalidArgument"),
        (POLICY | {"CustomHeadersConfig": items(custom("X-A"), custom("x-a"))}, "InvalidArgument"),
        (POLICY | {"CustomHeadersConfig": items(custom(value="a\tb"))}, "InvalidArgument"),
        (
            POLICY | {"CustomHeadersConfig": items(*(custom(f"X-{n}") for n in range(11)))},
            "TooManyCustomHeadersInResponseHeadersPolicy",
        ),
        (remove("X-Amz-Cf-Pop"), "InvalidArgument"),
        (remove("X-Edge-Anything"), "InvalidArgument"),
        (remove("Content-Length"), "InvalidArgument"),
        (remove(*(f"X-{n}" for n in range(11))), "TooManyRemoveHeadersInResponseHeadersPolicy"),
    ],
)
def test_a_policy_that_breaks_a_rule_is_refused(
    cloudfront: Any, refused: Callable[..., str], config: dict[str, Any], code: str
) -> None:
    assert refused(cloudfront.create_response_headers_policy, ResponseHeadersPolicyConfig=config) == code


@pytest.mark.parametrize(
    "config",
    [
        cors(),
        cors(AccessControlAllowOrigins=items("*.example.com", "http://localhost:3000")),
        cors(AccessControlAllowOrigins=items("*"), AccessControlAllowCredentials=False),
        POLICY | {"CustomHeadersConfig": items(custom(value=""))},
        remove("Server", "Date"),
        timing(12.3456),
    ],
)
def test_a_sound_policy_is_accepted(cloudfront: Any, config: dict[str, Any]) -> None:
    assert cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=config)["ETag"]


def test_a_change_reaches_the_distributions_that_attach_the_policy(
    cloudfront: Any, config: dict[str, Any], edge: Any, refused: Callable[..., str]
) -> None:
    policy = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=POLICY)
    policy_id = policy["ResponseHeadersPolicy"]["Id"]
    config["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] = policy_id
    user = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    change = {"Id": policy_id, "IfMatch": policy["ETag"]}

    in_use = refused(cloudfront.delete_response_headers_policy, **change)
    cloudfront.update_response_headers_policy(ResponseHeadersPolicyConfig=remove("X-Gone"), **change)

    assert in_use == "ResponseHeadersPolicyInUse"
    behavior = json.loads(edge.plans[-1])["distributions"][user]["behaviors"][0]
    assert behavior["response_headers"]["remove"] == ["x-gone"]
