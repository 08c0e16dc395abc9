"""Condition keys on tags, at every operation that is about something that can have tags, or that sets some.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudFront".
"""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.model import StructureShape

from edgeward.aws.access import root
from edgeward.control_plane import ControlPlane
from edgeward.services.cloudfront.arns import is_arn
from edgeward.services.cloudfront.demands import cloudfront_demands, requested_tags, subjects_of
from edgeward.services.cloudfront.service import service_model
from edgeward.services.cloudfront.tagging import UNTAGGED_FAMILIES
from policies import ACCOUNT, DISTRIBUTIONS, allow, deny
from unit.services.cloudfront.generated.samples import SAMPLES, call, distribution

Refusal = Callable[..., tuple[str, str]]
TAGGED_TYPES = {
    "anycast-ip-list",
    "connection-function",
    "connection-group",
    "distribution",
    "distribution-tenant",
    "function",
    "key-value-store",
    "streaming-distribution",
    "trust-store",
    "vpcorigin",
}
"""The types of resources whose ARNs can be tagged."""


def tagged_members(name: str) -> list[str]:
    """The types of what an operation names, of those that can have tags."""
    subjects = subjects_of(service_model().operations[name])
    return [subject.type for subject in subjects if subject.members and subject.type in TAGGED_TYPES]


ABOUT_TAGGED = sorted(name for name in SAMPLES if tagged_members(name))
"""The operations that name something that can have tags, and have a sample."""
SETTING_TAGS = sorted(
    name for name in SAMPLES if any(word in name for word in ("WithTags", "TagResource")) and name != "UntagResource"
) + sorted(
    f"Create{noun}"
    for noun in (
        "AnycastIpList",
        "ConnectionFunction",
        "ConnectionGroup",
        "DistributionTenant",
        "Function",
        "KeyValueStore",
        "TrustStore",
        "VpcOrigin",
    )
)
"""The operations that set tags in their input."""


def arns_of(plane: ControlPlane, name: str, members: dict[str, Any]) -> list[str]:
    """The ARNs of what a call is about."""
    demands = cloudfront_demands(plane._store, ACCOUNT)
    found = demands(root(ACCOUNT, "AKIA"), service_model().operations[name], members)
    return list(dict.fromkeys(demand.resource for demand in found if is_arn(demand.resource)))


def is_denied(client: Any, name: str, members: dict[str, Any]) -> bool:
    try:
        call(client, name, members)
    except ClientError as error:
        return error.response["Error"]["Code"] == "AccessDenied"
    return False


def tag(cloudfront: Any, arn: str, team: str) -> None:
    cloudfront.tag_resource(Resource=arn, Tags={"Items": [{"Key": "team", "Value": team}]})


@pytest.mark.parametrize("name", ABOUT_TAGGED)
def test_tags_of_the_resource_decide_on_every_operation(
    control_plane: ControlPlane, cloudfront: Any, account: Any, name: str
) -> None:
    edge: dict[str, Any] = {"StringEquals": {"aws:ResourceTag/team": "edge"}}
    others: dict[str, Any] = {"StringNotEquals": {"aws:ResourceTag/team": "edge"}}
    allowed = account.add_user("ada", allow("cloudfront:*", **edge)).client()
    forbidden = account.add_user("eve", allow("cloudfront:*"), deny("cloudfront:*", **others)).client()
    members = SAMPLES[name](cloudfront)
    arns = arns_of(control_plane, name, members)
    assert arns

    for arn in arns:
        tag(cloudfront, arn, "core")
    assert is_denied(allowed, name, members)
    assert is_denied(forbidden, name, members)
    for arn in arns:
        tag(cloudfront, arn, "edge")
    # A call that sets other tags needs to be allowed for its own sake too; these set the same.
    assert not is_denied(allowed, name, members)


def test_the_table_has_all_operations_with_tags_on_what_they_name() -> None:
    named = {name for name in service_model().operations if tagged_members(name)}
    without_sample = named - SAMPLES.keys()

    assert without_sample == {"TestFunction", "TestConnectionFunction", "GetManagedCertificateDetails"}
    assert {"realtime-log-config"} == UNTAGGED_FAMILIES


@pytest.mark.parametrize("name", SETTING_TAGS)
def test_tags_of_the_request_decide_on_every_operation_that_sets_some(cloudfront: Any, account: Any, name: str) -> None:
    members = SAMPLES[name](cloudfront)
    assert requested_tags(members) == {"team": "edge"}

    def may(user: str, **condition: Any) -> bool:
        return not is_denied(account.add_user(user, allow("cloudfront:*", **condition)).client(), name, members)

    assert not may("a", StringEquals={"aws:RequestTag/team": "core"})
    assert not may("b", StringEquals={"aws:RequestTag/owner": "ada"})
    assert not may("c", **{"ForAllValues:StringEquals": {"aws:TagKeys": ["owner"]}})
    assert may(
        "d",
        StringEquals={"aws:RequestTag/team": "edge"},
        **{"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "owner"]}},
    )


def test_the_table_has_all_operations_that_set_tags() -> None:
    setting = {
        name for name, operation in service_model().operations.items() if operation.input and _tags(operation.input)
    }

    assert setting == set(SETTING_TAGS)


def _tags(shape: StructureShape) -> bool:
    """Whether a structure has tags, or a member of it has."""
    inner = [member for member in shape.members.values() if isinstance(member, StructureShape)]
    return "Tags" in shape.members or any("Tags" in member.members for member in inner)


@pytest.mark.parametrize(("keys", "may"), [(["team"], True), (["team", "owner"], False), (["owner"], False)])
def test_keys_of_tags_decide_about_their_removal(
    cloudfront: Any, account: Any, refusal: Refusal, keys: list[str], *, may: bool
) -> None:
    arn = distribution(cloudfront)["Distribution"]["ARN"]
    only_team: dict[str, Any] = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    client = account.add_user("ada", allow("cloudfront:UntagResource", f"{DISTRIBUTIONS}/*", **only_team)).client()

    if may:
        client.untag_resource(Resource=arn, TagKeys={"Items": keys})
    else:
        assert refusal(client.untag_resource, Resource=arn, TagKeys={"Items": keys})[0] == "AccessDenied"


def test_tags_of_a_store_decide_about_its_keys(cloudfront: Any, account: Any, refusal: Refusal) -> None:
    arn = cloudfront.create_key_value_store(Name="redirects")["KeyValueStore"]["ARN"]
    edge: dict[str, Any] = {"StringEquals": {"aws:ResourceTag/team": "edge"}}
    keys = account.add_user("ada", allow("cloudfront-keyvaluestore:*", **edge)).client("cloudfront-keyvaluestore")

    assert refusal(keys.describe_key_value_store, KvsARN=arn)[0] == "AccessDenied"
    tag(cloudfront, arn, "edge")
    assert keys.describe_key_value_store(KvsARN=arn)["ItemCount"] == 0


def test_tags_of_a_distribution_decide_about_edgewards_own_operations(
    cloudfront: Any, account: Any, own_api: Any
) -> None:
    made = distribution(cloudfront)["Distribution"]
    edge: dict[str, Any] = {"StringEquals": {"aws:ResourceTag/team": "edge"}}
    ada = account.add_user("ada", allow("edgeward:*", **edge))
    body = f'{{"DistributionId": "{made["Id"]}"}}'.encode()

    def status(operation: str) -> int:
        answer: int = own_api(f"/edgeward/2026-11-01/{operation}", body, key=(ada.access_key, ada.secret_key))[0]
        return answer

    assert (status("history"), status("lint")) == (403, 403)
    tag(cloudfront, made["ARN"], "edge")
    assert (status("history"), status("lint")) == (200, 200)
