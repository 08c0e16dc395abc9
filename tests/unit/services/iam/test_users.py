"""Users, access keys, roles and policies by boto3's IAM client: what is stored, answered and refused."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from policies import ACCOUNT, allow, policy, trust

Refusal = Callable[..., tuple[str, str]]


def test_a_user_is_made_read_listed_and_deleted(iam: Any, refused: Callable[..., str]) -> None:
    user = iam.create_user(UserName="Ada", Path="/team/", Tags=[{"Key": "cost", "Value": "1"}])["User"]

    assert (user["UserName"], user["Path"], user["Arn"]) == ("Ada", "/team/", f"arn:aws:iam::{ACCOUNT}:user/team/Ada")
    assert (user["UserId"][:4], len(user["UserId"])) == ("AIDA", 21)
    assert iam.get_user(UserName="ada")["User"] == user
    assert [each["UserName"] for each in iam.list_users(PathPrefix="/team/")["Users"]] == ["Ada"]
    assert iam.list_users(PathPrefix="/other/")["Users"] == []
    assert refused(iam.create_user, UserName="ADA") == "EntityAlreadyExists"
    iam.delete_user(UserName="Ada")
    assert refused(iam.get_user, UserName="Ada") == "NoSuchEntity"


def test_listings_go_on_page_by_page(iam: Any) -> None:
    for number in range(5):
        iam.create_user(UserName=f"user-{number}")
        iam.put_user_policy(UserName="user-0", PolicyName=f"p{number}", PolicyDocument=policy(allow("iam:GetUser")))

    keys = [iam.create_access_key(UserName="user-0")["AccessKey"]["AccessKeyId"] for _ in range(2)]
    arn = iam.create_policy(PolicyName="Edit", PolicyDocument=policy(allow("cloudfront:*")))["Policy"]["Arn"]
    for number in range(3):
        iam.attach_user_policy(UserName=f"user-{number}", PolicyArn=arn)

    one = {"PageSize": 1}
    listed = iam.get_paginator("list_access_keys").paginate(UserName="user-0", PaginationConfig=one)
    holders = iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=arn, PaginationConfig=one)
    users = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2})
    policies = iam.get_paginator("list_user_policies").paginate(UserName="user-0", PaginationConfig={"PageSize": 2})

    assert sorted(user["UserName"] for page in users for user in page["Users"]) == [f"user-{n}" for n in range(5)]
    assert [name for page in policies for name in page["PolicyNames"]] == [f"p{n}" for n in range(5)]
    pages = [[key["AccessKeyId"] for key in page["AccessKeyMetadata"]] for page in listed]
    assert sorted(pages) == sorted([key] for key in keys)
    assert [len(page["PolicyUsers"]) for page in holders] == [1, 1, 1]


def test_tags_are_added_replaced_and_removed(iam: Any) -> None:
    iam.create_user(UserName="ada", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}])

    iam.tag_user(UserName="ada", Tags=[{"Key": "a", "Value": "2"}, {"Key": "c", "Value": "3"}])
    iam.untag_user(UserName="ada", TagKeys=["b"])

    tags = iam.list_user_tags(UserName="ada")["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "2", "c": "3"}


def test_a_user_has_two_access_keys_at_most(iam: Any, refused: Callable[..., str]) -> None:
    iam.create_user(UserName="ada")

    keys = [iam.create_access_key(UserName="ada")["AccessKey"] for _ in range(2)]

    assert all(key["AccessKeyId"].startswith("AKIA") and len(key["SecretAccessKey"]) == 40 for key in keys)
    assert refused(iam.create_access_key, UserName="ada") == "LimitExceeded"
    listed = iam.list_access_keys(UserName="ada")["AccessKeyMetadata"]
    assert {key["AccessKeyId"] for key in listed} == {key["AccessKeyId"] for key in keys}
    assert "SecretAccessKey" not in listed[0]
    assert refused(iam.delete_user, UserName="ada") == "DeleteConflict"


def test_inline_policies_are_kept_as_they_were_sent(iam: Any, refused: Callable[..., str]) -> None:
    iam.create_user(UserName="ada")
    document = policy(allow("cloudfront:Get*"))

    iam.put_user_policy(UserName="ada", PolicyName="read", PolicyDocument=document)

    assert iam.get_user_policy(UserName="ada", PolicyName="read")["PolicyDocument"] == json.loads(document)
    assert refused(iam.get_user_policy, UserName="ada", PolicyName="write") == "NoSuchEntity"
    assert refused(iam.delete_user, UserName="ada") == "DeleteConflict"
    iam.delete_user_policy(UserName="ada", PolicyName="read")
    iam.delete_user(UserName="ada")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{", "MalformedPolicyDocument"),
        (policy(allow("nonsense")), "MalformedPolicyDocument"),
        (policy(allow("cloudfront:*") | {"Principal": "*"}), "MalformedPolicyDocument"),
        (policy(*[allow("cloudfront:GetDistribution") for _ in range(40)]), "LimitExceeded"),
    ],
)
def test_documents_that_mean_nothing_are_refused(
    iam: Any, refused: Callable[..., str], document: str, code: str
) -> None:
    iam.create_user(UserName="ada")

    assert refused(iam.put_user_policy, UserName="ada", PolicyName="x", PolicyDocument=document) == code
    assert iam.list_user_policies(UserName="ada")["PolicyNames"] == []


def test_managed_policies_have_versions_of_which_one_counts(iam: Any, refused: Callable[..., str]) -> None:
    made = iam.create_policy(PolicyName="Edit", PolicyDocument=policy(allow("cloudfront:Get*")))["Policy"]
    arn = made["Arn"]
    second = policy(allow("cloudfront:*"))

    iam.create_policy_version(PolicyArn=arn, PolicyDocument=second, SetAsDefault=True)

    assert (arn, iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]) == (
        f"arn:aws:iam::{ACCOUNT}:policy/Edit",
        "v2",
    )
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"] == json.loads(second)
    assert refused(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    assert refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v2") == "DeleteConflict"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    assert [version["VersionId"] for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v1"]
    iam.delete_policy(PolicyArn=arn)
    assert refused(iam.get_policy, PolicyArn=arn) == "NoSuchEntity"


def test_a_policy_has_five_versions_at_most(iam: Any, refused: Callable[..., str]) -> None:
    document = policy(allow("cloudfront:*"))
    arn = iam.create_policy(PolicyName="Edit", PolicyDocument=document)["Policy"]["Arn"]
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document)

    assert refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=document) == "LimitExceeded"


def test_policies_are_attached_to_users_and_roles(iam: Any, refused: Callable[..., str]) -> None:
    arn = iam.create_policy(PolicyName="Edit", PolicyDocument=policy(allow("cloudfront:*")))["Policy"]["Arn"]
    iam.create_user(UserName="ada")
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))

    iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    iam.attach_role_policy(RoleName="deploy", PolicyArn=arn)
    iam.attach_user_policy(UserName="ada", PolicyArn=arn)

    assert iam.list_attached_user_policies(UserName="ada")["AttachedPolicies"] == [
        {"PolicyName": "Edit", "PolicyArn": arn}
    ]
    holders = iam.list_entities_for_policy(PolicyArn=arn)
    assert [user["UserName"] for user in holders["PolicyUsers"]] == ["ada"]
    assert [role["RoleName"] for role in holders["PolicyRoles"]] == ["deploy"]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 2
    assert refused(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.detach_user_policy(UserName="ada", PolicyArn=arn)
    assert refused(iam.detach_user_policy, UserName="ada", PolicyArn=arn) == "NoSuchEntity"


def test_policies_of_aws_are_there_and_stay_as_they_are(iam: Any, refused: Callable[..., str]) -> None:
    arn = "arn:aws:iam::aws:policy/CloudFrontReadOnlyAccess"

    listed = [
        each["Arn"] for page in iam.get_paginator("list_policies").paginate(Scope="AWS") for each in page["Policies"]
    ]

    assert arn in listed
    assert refused(iam.delete_policy, PolicyArn=arn) == "AccessDenied"
    assert refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=policy(allow("*"))) == "AccessDenied"


def test_a_role_says_who_may_take_it(iam: Any, refused: Callable[..., str]) -> None:
    document = trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    role = iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=document, MaxSessionDuration=7200)["Role"]

    assert role["RoleId"].startswith("AROA")
    assert role["AssumeRolePolicyDocument"] == json.loads(document)
    iam.update_role(RoleName="deploy", Description="deploys")
    read = iam.get_role(RoleName="deploy")["Role"]
    assert (read["Description"], read["MaxSessionDuration"]) == ("deploys", 3600)
    other = trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/ada"})
    iam.update_assume_role_policy(RoleName="deploy", PolicyDocument=other)
    assert iam.get_role(RoleName="deploy")["Role"]["AssumeRolePolicyDocument"] == json.loads(other)
    without_principal = policy(allow("sts:AssumeRole"))
    assert (
        refused(iam.create_role, RoleName="x", AssumeRolePolicyDocument=without_principal) == "MalformedPolicyDocument"
    )
    iam.delete_role(RoleName="deploy")
    assert iam.list_roles()["Roles"] == []


def test_documents_travel_percent_encoded(iam: Any) -> None:
    seen: list[str] = []
    iam.meta.events.register(
        "before-parse.iam.GetUserPolicy", lambda response_dict, **_: seen.append(response_dict["body"].decode())
    )
    iam.create_user(UserName="ada")
    document = policy(allow("cloudfront:*"))
    iam.put_user_policy(UserName="ada", PolicyName="x", PolicyDocument=document)

    iam.get_user_policy(UserName="ada", PolicyName="x")

    text = seen[0].partition("<PolicyDocument>")[2].partition("</PolicyDocument>")[0]
    assert text.startswith("%7B")
    assert unquote(text) == document


@pytest.mark.parametrize(
    ("operation", "members", "error"),
    [
        ("create_group", {"GroupName": "x"}, ("NotImplemented", "CreateGroup is not served")),
        (
            "create_user",
            {"UserName": "x", "PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
            ("ValidationError", "PermissionsBoundary"),
        ),
        ("create_user", {"UserName": "a b"}, ("ValidationError", "userName")),
        ("create_user", {}, ("ValidationError", "userName")),
        ("list_policies", {"PolicyUsageFilter": "PermissionsBoundary"}, ("ValidationError", "PolicyUsageFilter")),
        (
            "attach_user_policy",
            {"UserName": "ada", "PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/none"},
            ("NoSuchEntity", "does not exist"),
        ),
        (
            "update_access_key",
            {"UserName": "ada", "AccessKeyId": "AKIA0000000000000000", "Status": "Inactive"},
            ("NoSuchEntity", "Access Key"),
        ),
    ],
)
def test_what_cannot_be_done_is_named(
    iam: Any, refusal: Refusal, operation: str, members: dict[str, Any], error: tuple[str, str]
) -> None:
    iam.create_user(UserName="ada")

    code, message = refusal(getattr(iam, operation), **members)

    assert (code, error[1] in message) == (error[0], True), message
