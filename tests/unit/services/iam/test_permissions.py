"""Policies at work: what users and roles may do with CloudFront, from the call to the answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeward.aws.access import root
from edgeward.services.key_value_store.service import demands, service_model
from policies import ACCOUNT, DISTRIBUTIONS, allow, deny, policy, trust

Refusal = Callable[..., tuple[str, str]]


@pytest.fixture
def distribution(cloudfront: Any, config: dict[str, Any]) -> str:
    """The id of a distribution tagged team=blue."""
    with_tags = {"DistributionConfig": config, "Tags": {"Items": [{"Key": "team", "Value": "blue"}]}}
    created = cloudfront.create_distribution_with_tags(DistributionConfigWithTags=with_tags)
    return str(created["Distribution"]["Id"])


def test_a_user_without_policies_may_do_nothing(account: Any, distribution: str, refusal: Refusal) -> None:
    ada = account.add_user("ada")

    code, message = refusal(ada.client().get_distribution, Id=distribution)

    assert code == "AccessDenied"
    assert message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/ada is not authorized to perform: cloudfront:GetDistribution on resource: "
        f"{DISTRIBUTIONS}/{distribution} because no identity-based policy allows the cloudfront:GetDistribution action"
    )


def test_a_user_may_do_what_a_policy_allows(account: Any, distribution: str, refusal: Refusal) -> None:
    client = account.add_user("ada", allow("cloudfront:Get*", f"{DISTRIBUTIONS}/{distribution}")).client()

    etag = client.get_distribution(Id=distribution)["ETag"]

    assert refusal(client.get_distribution, Id="EOTHER")[0] == "AccessDenied"
    assert refusal(client.delete_distribution, Id=distribution, IfMatch=etag)[0] == "AccessDenied"
    assert refusal(client.list_distributions)[0] == "AccessDenied"


def test_a_deny_wins(account: Any, distribution: str, refusal: Refusal) -> None:
    client = account.add_user("ada", allow("*"), deny("cloudfront:Get*", "*")).client()

    code, message = refusal(client.get_distribution, Id=distribution)

    assert (code, "with an explicit deny in an identity-based policy" in message) == ("AccessDenied", True)
    assert client.list_distributions()["DistributionList"]["Quantity"] == 1


def test_permission_is_asked_before_the_input_is_judged(account: Any, refusal: Refusal) -> None:
    client = account.add_user("ada").client()

    assert refusal(client.create_distribution, DistributionConfig={})[0] == "AccessDenied"


@pytest.mark.parametrize(("team", "may"), [("blue", True), ("red", False)])
def test_tags_of_the_resource_decide(
    account: Any, distribution: str, refusal: Refusal, team: str, *, may: bool
) -> None:
    own: dict[str, Any] = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    client = account.add_user("ada", allow("cloudfront:GetDistribution", **own), tags={"team": team}).client()

    if may:
        client.get_distribution(Id=distribution)
    else:
        assert refusal(client.get_distribution, Id=distribution)[0] == "AccessDenied"


def test_tags_of_the_request_decide(account: Any, config: dict[str, Any], refusal: Refusal) -> None:
    blue: dict[str, Any] = {
        "StringEquals": {"aws:RequestTag/team": "blue"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
    }
    actions = ["cloudfront:CreateDistribution", "cloudfront:TagResource"]
    client = account.add_user("ada", allow(actions, f"{DISTRIBUTIONS}/*", **blue)).client()

    def create(**tags: str) -> Any:
        items = [{"Key": key, "Value": value} for key, value in tags.items()]
        return client.create_distribution_with_tags(
            DistributionConfigWithTags={"DistributionConfig": config, "Tags": {"Items": items}}
        )

    assert refusal(create, team="red")[0] == "AccessDenied"
    assert refusal(create, team="blue", other="x")[0] == "AccessDenied"
    assert refusal(client.create_distribution, DistributionConfig=config)[0] == "AccessDenied"
    assert create(team="blue")["Distribution"]["Id"]


def test_stores_are_known_by_id_however_callers_name_them(account: Any, cloudfront: Any, refusal: Refusal) -> None:
    arn = cloudfront.create_key_value_store(Name="redirects")["KeyValueStore"]["ARN"]
    cloudfront.create_key_value_store(Name="other")
    ada = account.add_user("ada", allow("cloudfront:DescribeKeyValueStore", arn))

    assert ada.client().describe_key_value_store(Name="redirects")["KeyValueStore"]["ARN"] == arn
    assert refusal(ada.client().describe_key_value_store, Name="other")[0] == "AccessDenied"


def test_a_managed_policy_counts_from_the_next_call_on(account: Any, distribution: str, refusal: Refusal) -> None:
    client = account.add_user("ada").client()
    arn = "arn:aws:iam::aws:policy/CloudFrontReadOnlyAccess"

    account.iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    client.get_distribution(Id=distribution)
    account.iam.detach_user_policy(UserName="ada", PolicyArn=arn)

    assert refusal(client.get_distribution, Id=distribution)[0] == "AccessDenied"


def test_a_user_without_rights_over_iam_cannot_take_any(account: Any, refusal: Refusal) -> None:
    client = account.add_user("ada", allow("cloudfront:*")).client("iam")

    for operation, members in (
        ("attach_user_policy", {"UserName": "ada", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        ("put_user_policy", {"UserName": "ada", "PolicyName": "x", "PolicyDocument": policy(allow("*"))}),
        ("create_access_key", {"UserName": "ada"}),
        ("list_users", {}),
    ):
        assert refusal(getattr(client, operation), **members)[0] == "AccessDenied"


def test_users_manage_their_own_keys_by_a_variable(account: Any, refusal: Refusal) -> None:
    own = allow(["iam:*AccessKey*", "iam:GetUser"], f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}")
    ada, _grace = account.add_user("ada", own), account.add_user("grace")
    client = ada.client("iam")

    key = client.create_access_key()["AccessKey"]
    client.update_access_key(AccessKeyId=key["AccessKeyId"], Status="Inactive")

    assert client.get_user()["User"]["UserName"] == "ada"
    assert refusal(client.create_access_key, UserName="grace")[0] == "AccessDenied"


def test_which_policies_may_be_attached_can_be_bounded(account: Any, refusal: Refusal) -> None:
    reading = "arn:aws:iam::aws:policy/CloudFrontReadOnlyAccess"
    client = account.add_user("ada", allow("iam:AttachUserPolicy", ArnEquals={"iam:PolicyARN": reading})).client("iam")
    account.iam.create_user(UserName="grace")

    client.attach_user_policy(UserName="grace", PolicyArn=reading)

    assert (
        refusal(client.attach_user_policy, UserName="grace", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")[0]
        == "AccessDenied"
    )


@pytest.mark.parametrize("how", ["inactive", "deleted"])
def test_a_key_that_is_no_more_is_unknown(account: Any, distribution: str, refusal: Refusal, how: str) -> None:
    ada = account.add_user("ada", allow("*"))
    ada.client().get_distribution(Id=distribution)

    if how == "inactive":
        account.iam.update_access_key(UserName="ada", AccessKeyId=ada.access_key, Status="Inactive")
    else:
        account.iam.delete_access_key(UserName="ada", AccessKeyId=ada.access_key)

    assert refusal(ada.client().get_distribution, Id=distribution)[0] == "InvalidClientTokenId"


def test_everybody_may_ask_who_they_are(account: Any) -> None:
    ada = account.add_user("ada").client("sts").get_caller_identity()
    root = account.connect(service="sts").get_caller_identity()

    assert (ada["Account"], ada["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ada")
    assert ada["UserId"].startswith("AIDA")
    assert (root["UserId"], root["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")


def test_edgewards_own_operations_have_actions_too(account: Any, own_api: Any, distribution: str) -> None:
    ada, grace = (
        account.add_user("ada"),
        account.add_user("grace", allow("edgeward:history", f"{DISTRIBUTIONS}/{distribution}")),
    )
    body = f'{{"DistributionId": "{distribution}"}}'.encode()

    def status(person: Any, operation: str) -> int:
        path = f"/edgeward/2026-11-01/{operation}"
        return int(own_api(path, body, key=(person.access_key, person.secret_key))[0])

    assert status(ada, "history") == 403
    assert status(grace, "history") == 200
    assert status(grace, "version") == 403


def test_the_secret_is_nowhere_in_the_state(account: Any, tmp_path: Path) -> None:
    ada = account.add_user("ada")

    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert ada.access_key.encode() in kept or not kept
    assert ada.secret_key.encode() not in kept


def test_records_say_who_it_was_and_no_secret(account: Any, refusal: Refusal, tmp_path: Path) -> None:
    account.add_role(trust({"AWS": ACCOUNT}), allow("cloudfront:ListDistributions"))
    ada = account.add_user("ada", allow("sts:AssumeRole"))
    session = account.take_role(ada)
    session.client().list_distributions()
    refusal(ada.client().list_distributions)

    text = next((tmp_path / "audit").iterdir()).read_text()

    made, *_, by_role, refused_to_ada = map(json.loads, text.splitlines())
    assert (made["eventSource"], made["eventName"]) == ("iam.amazonaws.com", "CreateRole")
    assert by_role["userIdentity"]["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/ci"
    assert by_role["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == "deploy"
    assert (refused_to_ada["userIdentity"]["userName"], refused_to_ada["errorCode"]) == ("ada", "AccessDenied")
    for secret in (ada.secret_key, session.secret_key, session.session_token):
        assert secret not in text


def test_keys_of_a_store_are_for_whom_the_store_is() -> None:
    operation = service_model().operations["GetKey"]

    (demand,) = demands(root(ACCOUNT, "AKIA"), operation, {"KvsARN": STORE.replace("aws", "aws-cn", 1)})

    assert (demand.action, demand.resource) == ("cloudfront-keyvaluestore:GetKey", STORE)


STORE = f"arn:aws:cloudfront::{ACCOUNT}:key-value-store/3b7c2f9e"
