"""Session tags: who may set them, what they decide, and how they are handed on."""

from collections.abc import Callable
from typing import Any

import pytest

from policies import ACCOUNT, ROLE, allow, policy, trust

Refusal = Callable[..., tuple[str, str]]
USER = f"arn:aws:iam::{ACCOUNT}:user/ada"
BY_TEAM: dict[str, Any] = {"StringEquals": {"aws:PrincipalTag/team": "edge"}}


def tags(**pairs: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def trusting(principal: str, *actions: str, **condition: Any) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Principal": {"AWS": principal}}
    return policy(statement | ({"Condition": condition} if condition else {}))


BOTH = trusting(USER, "sts:AssumeRole", "sts:TagSession")


def test_a_session_is_tagged_and_its_tags_count_before_those_of_the_role(account: Any, refusal: Refusal) -> None:
    account.add_role(BOTH, allow("cloudfront:ListDistributions", **BY_TEAM), Tags=tags(Team="core"))
    ada = account.add_user("ada")

    account.take_role(ada, Tags=tags(team="edge")).client().list_distributions()
    for other in (account.take_role(ada), account.take_role(ada, Tags=tags(team="core"))):
        assert refusal(other.client().list_distributions)[0] == "AccessDenied"


def test_tagging_needs_to_be_allowed_by_the_role(account: Any, refusal: Refusal) -> None:
    account.add_role(trust({"AWS": USER}))
    ada = account.add_user("ada")

    account.take_role(ada)
    code, message = refusal(lambda: account.take_role(ada, Tags=tags(team="edge")))

    assert (code, "sts:TagSession" in message) == ("AccessDenied", True)


def test_tagging_needs_to_be_allowed_to_the_caller_where_the_role_trusts_the_account(
    account: Any, refusal: Refusal
) -> None:
    account.add_role(trusting(ACCOUNT, "sts:AssumeRole", "sts:TagSession"))
    ada = account.add_user("ada", allow("sts:AssumeRole", ROLE))
    eve = account.add_user("eve", allow(["sts:AssumeRole", "sts:TagSession"], ROLE))

    assert refusal(lambda: account.take_role(ada, Tags=tags(team="edge")))[0] == "AccessDenied"
    account.take_role(eve, Tags=tags(team="edge"))


@pytest.mark.parametrize(
    ("members", "may"),
    [
        ({"Tags": tags(team="edge")}, True),
        ({"Tags": tags(team="edge"), "TransitiveTagKeys": ["team"]}, False),
        ({"Tags": tags(team="core")}, False),
        ({"Tags": tags(team="edge", other="x")}, False),
        ({}, False),
    ],
)
def test_a_role_says_which_tags_it_takes(account: Any, refusal: Refusal, members: dict[str, Any], *, may: bool) -> None:
    condition = {
        "StringEquals": {"aws:RequestTag/team": "edge"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
        "Null": {"sts:TransitiveTagKeys": "true"},
    }
    account.add_role(trusting(USER, "sts:AssumeRole", "sts:TagSession", **condition))
    ada = account.add_user("ada")

    if may:
        account.take_role(ada, **members)
    else:
        assert refusal(lambda: account.take_role(ada, **members))[0] == "AccessDenied"


@pytest.fixture
def further(account: Any) -> Callable[..., Any]:
    """Takes a second role from a session of the first."""
    account.add_role(BOTH)
    document = trusting(ROLE, "sts:AssumeRole", "sts:TagSession")
    account.iam.create_role(RoleName="further", AssumeRolePolicyDocument=document)
    statement = allow("cloudfront:ListDistributions", **BY_TEAM)
    account.iam.put_role_policy(RoleName="further", PolicyName="own", PolicyDocument=policy(statement))

    def take(session: Any, **members: Any) -> Any:
        arn = f"arn:aws:iam::{ACCOUNT}:role/further"
        answer = session.client("sts").assume_role(RoleArn=arn, RoleSessionName="on", **members)
        return account.person_of(answer["Credentials"])

    return take


def test_a_transitive_tag_goes_on_to_further_roles_and_no_other_does(
    account: Any, further: Callable[..., Any], refusal: Refusal
) -> None:
    ada = account.add_user("ada")
    handing_on = account.take_role(ada, Tags=tags(team="edge"), TransitiveTagKeys=["team"])
    keeping = account.take_role(ada, Tags=tags(team="edge"))

    further(handing_on).client().list_distributions()
    assert refusal(further(keeping).client().list_distributions)[0] == "AccessDenied"
    further(keeping, Tags=tags(team="edge")).client().list_distributions()


def test_a_transitive_tag_cannot_be_set_anew(account: Any, further: Callable[..., Any], refusal: Refusal) -> None:
    ada = account.add_user("ada")
    handing_on = account.take_role(ada, Tags=tags(team="core"), TransitiveTagKeys=["team"])

    code, message = refusal(lambda: further(handing_on, Tags=tags(Team="edge")))

    assert (code, "comes from the calling session" in message) == ("ValidationError", True)


def test_handing_a_tag_on_needs_to_be_allowed_by_the_further_role(
    account: Any, further: Callable[..., Any], refusal: Refusal
) -> None:
    account.iam.update_assume_role_policy(RoleName="further", PolicyDocument=trust({"AWS": ROLE}))
    handing_on = account.take_role(account.add_user("ada"), Tags=tags(team="edge"), TransitiveTagKeys=["team"])

    assert refusal(lambda: further(handing_on))[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"Tags": tags(team="a", Team="b")}, "ValidationError"),
        ({"Tags": [{"Key": "aws:team", "Value": "a"}]}, "ValidationError"),
        ({"Tags": tags(team="a"), "TransitiveTagKeys": ["other"]}, "ValidationError"),
        ({"TransitiveTagKeys": ["team"]}, "ValidationError"),
        ({"Tags": [{"Key": f"k{number}", "Value": "x"} for number in range(51)]}, "ValidationError"),
        ({"Tags": [{"Key": f"k{number}", "Value": "x" * 256} for number in range(20)]}, "PackedPolicyTooLarge"),
    ],
)
def test_tags_that_break_a_rule_are_refused(account: Any, refusal: Refusal, members: dict[str, Any], code: str) -> None:
    account.add_role(BOTH)
    ada = account.add_user("ada")

    assert refusal(lambda: account.take_role(ada, **members))[0] == code


def test_as_many_tags_as_there_is_room_for_come_back_in_the_token(account: Any) -> None:
    account.add_role(BOTH, allow("cloudfront:ListDistributions", StringEquals={"aws:PrincipalTag/k14": "x" * 250}))
    ada = account.add_user("ada")
    many = [{"Key": f"k{number:02}", "Value": "x" * 250} for number in range(16)]

    session = account.take_role(ada, Tags=many, Policy=policy(allow("cloudfront:*")), TransitiveTagKeys=["k01"])

    session.client().list_distributions()
