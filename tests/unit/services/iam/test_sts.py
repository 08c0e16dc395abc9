"""Temporary credentials: of one's own, of roles, bounded, expired, tampered with."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from policies import ACCOUNT, ROLE, allow, deny, policy, trust

Refusal = Callable[..., tuple[str, str]]


def test_a_role_gives_its_rights_and_no_others(account: Any, refusal: Refusal) -> None:
    account.add_role(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/ada"}), allow("cloudfront:ListDistributions"))
    ada = account.add_user("ada", allow("cloudfront:ListCachePolicies"))

    session = account.take_role(ada)

    assert session.access_key.startswith("ASIA")
    session.client().list_distributions()
    code, message = refusal(session.client().list_cache_policies)
    assert (code, f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/ci" in message) == ("AccessDenied", True)
    identity = session.client("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/ci"
    assert identity["UserId"].startswith("AROA")
    assert identity["UserId"].endswith(":ci")


ASSUME = allow("sts:AssumeRole", ROLE)
USER = f"arn:aws:iam::{ACCOUNT}:user/ada"
DENY_ADA = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}},
            {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"AWS": USER}},
        ],
    }
)


@pytest.mark.parametrize(
    ("document", "statements", "why"),
    [
        pytest.param(trust({"AWS": USER}), [], None, id="named directly"),
        pytest.param(trust({"AWS": USER}), [deny("sts:*")], "explicit deny in an identity-based", id="own deny"),
        pytest.param(trust({"AWS": ACCOUNT}), [], "no identity-based policy allows", id="account alone"),
        pytest.param(trust({"AWS": ACCOUNT}), [ASSUME], None, id="account and own policy"),
        pytest.param(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), [ASSUME], None, id="root and own policy"),
        pytest.param(trust({"AWS": USER + "x"}), [ASSUME], "no resource-based policy allows", id="somebody else"),
        pytest.param(trust({"Service": "lambda.amazonaws.com"}), [ASSUME], "no resource-based", id="a service"),
        pytest.param(DENY_ADA, [ASSUME], "explicit deny in a resource-based policy", id="denied by the role"),
    ],
)
def test_who_may_take_a_role(
    account: Any, refusal: Refusal, document: str, statements: list[Any], why: str | None
) -> None:
    account.add_role(document)
    ada = account.add_user("ada", *statements)

    if why is None:
        account.take_role(ada)
    else:
        code, message = refusal(lambda: account.take_role(ada))
        assert (code, why in message) == ("AccessDenied", True), message


def test_a_role_that_is_not_there_is_refused_like_one_that_is_shut(account: Any, refusal: Refusal) -> None:
    account.add_role(trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/other"}))
    sts = account.add_user("ada", allow("*")).client("sts")

    shut = refusal(sts.assume_role, RoleArn=ROLE, RoleSessionName="ci")
    missing = refusal(sts.assume_role, RoleArn=f"{ROLE}-x", RoleSessionName="ci")

    assert missing == (shut[0], shut[1].replace(ROLE, f"{ROLE}-x"))


def test_an_external_id_can_be_asked_for(account: Any, refusal: Refusal) -> None:
    account.add_role(trust({"AWS": USER}, StringEquals={"sts:ExternalId": "secret-word"}))
    ada = account.add_user("ada")

    account.take_role(ada, ExternalId="secret-word")

    assert refusal(lambda: account.take_role(ada, ExternalId="other-word"))[0] == "AccessDenied"
    assert refusal(lambda: account.take_role(ada))[0] == "AccessDenied"


def test_the_root_takes_no_role(account: Any, refusal: Refusal) -> None:
    account.add_role(trust("*"))

    code, message = refusal(account.connect(service="sts").assume_role, RoleArn=ROLE, RoleSessionName="ci")

    assert (code, "root accounts" in message) == ("AccessDenied", True)


@pytest.mark.parametrize("how", ["Policy", "PolicyArns"])
def test_session_policies_bound_a_role(account: Any, refusal: Refusal, how: str) -> None:
    account.add_role(trust({"AWS": USER}), allow(["cloudfront:List*", "cloudfront:CreateInvalidation"]))
    bounds: dict[str, Any] = {
        "Policy": policy(allow("cloudfront:ListCachePolicies"), allow("cloudfront:GetCachePolicy")),
        "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/CloudFrontReadOnlyAccess"}],
    }

    client = account.take_role(account.add_user("ada"), **{how: bounds[how]}).client()

    client.list_cache_policies()
    not_by_session = refusal(client.create_invalidation, DistributionId="E1", InvalidationBatch={})
    not_by_role = refusal(client.get_cache_policy, Id="x")
    assert "because no session policy allows" in not_by_session[1]
    assert "because no identity-based policy allows" in not_by_role[1]


def test_a_bound_that_is_deleted_allows_nothing(account: Any, refusal: Refusal) -> None:
    account.add_role(trust({"AWS": USER}), allow("cloudfront:*"))
    arn = account.iam.create_policy(PolicyName="bound", PolicyDocument=policy(allow("cloudfront:*")))["Policy"]["Arn"]
    client = account.take_role(account.add_user("ada"), PolicyArns=[{"arn": arn}]).client()
    client.list_distributions()

    account.iam.delete_policy(PolicyArn=arn)

    assert refusal(client.list_distributions)[0] == "AccessDenied"


def test_sessions_end(account: Any, refusal: Refusal, clock: Any) -> None:
    account.add_role(trust({"AWS": USER}), allow("cloudfront:*"))
    session = account.take_role(account.add_user("ada"), DurationSeconds=900)
    session.client().list_distributions()

    clock.later = timedelta(seconds=100)
    session.client().list_distributions()
    clock.later = timedelta(seconds=901)

    code, message = refusal(session.client().list_distributions)
    assert (code, "expired" in message) == ("ExpiredToken", True)


@pytest.mark.parametrize("gone", ["role", "user"])
def test_sessions_end_with_whom_they_are_of(account: Any, refusal: Refusal, gone: str) -> None:
    account.add_role(trust({"AWS": USER}))
    ada = account.add_user("ada")
    if gone == "role":
        session = account.take_role(ada)
        account.iam.delete_role(RoleName="deploy")
    else:
        session = account.person_of(ada.client("sts").get_session_token()["Credentials"])
        account.iam.delete_access_key(UserName="ada", AccessKeyId=ada.access_key)
        account.iam.delete_user(UserName="ada")

    assert refusal(session.client("sts").get_caller_identity)[0] == "InvalidClientTokenId"


def test_a_session_longer_than_the_role_allows_is_refused(account: Any, refusal: Refusal) -> None:
    account.add_role(trust({"AWS": USER}), MaxSessionDuration=7200)
    ada = account.add_user("ada")

    account.take_role(ada, DurationSeconds=7200)

    assert refusal(lambda: account.take_role(ada, DurationSeconds=7201))[0] == "ValidationError"


def test_a_role_takes_a_role_for_an_hour_at_most(account: Any, refusal: Refusal) -> None:
    account.add_role(trust({"AWS": [USER, ROLE]}), MaxSessionDuration=7200)
    session = account.take_role(account.add_user("ada"))

    account.take_role(session)

    assert refusal(lambda: account.take_role(session, DurationSeconds=3601))[0] == "ValidationError"


def test_ones_own_session_has_ones_own_rights(account: Any, refusal: Refusal) -> None:
    ada = account.add_user("ada", allow(["cloudfront:ListDistributions", "iam:*"]))

    session = account.person_of(ada.client("sts").get_session_token(DurationSeconds=900)["Credentials"])

    session.client().list_distributions()
    assert refusal(session.client().list_cache_policies)[0] == "AccessDenied"
    assert refusal(session.client("iam").list_users)[0] == "InvalidClientTokenId"
    assert refusal(session.client("sts").get_session_token)[0] == "AccessDenied"
    assert session.client("sts").get_caller_identity()["Arn"] == USER


def test_old_sessions_can_be_revoked_by_their_age(account: Any, refusal: Refusal, clock: Any) -> None:
    account.add_role(trust({"AWS": USER}), allow("cloudfront:*"))
    ada = account.add_user("ada")
    old = account.take_role(ada)
    moment = clock() + timedelta(seconds=10)
    revoking = deny("*", DateLessThan={"aws:TokenIssueTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ")})

    account.iam.put_role_policy(RoleName="deploy", PolicyName="revoke", PolicyDocument=policy(revoking))
    clock.later = timedelta(seconds=60)

    assert refusal(old.client().list_distributions)[0] == "AccessDenied"
    account.take_role(ada).client().list_distributions()


def test_a_token_is_good_for_its_key_alone(account: Any, refusal: Refusal) -> None:
    ada = account.add_user("ada", allow("*"))
    one, other = (ada.client("sts").get_session_token()["Credentials"] for _ in range(2))
    forged = one["SessionToken"][:-8] + "AAAAAAA="

    for credentials in (
        one | {"SessionToken": other["SessionToken"]},
        one | {"SessionToken": forged},
        one | {"SessionToken": "x" * 20_000},
        {name: value for name, value in one.items() if name != "SessionToken"},
    ):
        assert refusal(account.person_of(credentials).client().list_distributions)[0] == "InvalidClientTokenId"


def test_credentials_signed_without_their_token_are_none(account: Any, refusal: Refusal) -> None:
    ada = account.add_user("ada", allow("*"))

    assert (
        refusal(
            account.person_of({"AccessKeyId": ada.access_key, "SecretAccessKey": ada.secret_key, "SessionToken": "x"})
            .client()
            .list_distributions
        )[0]
        == "InvalidClientTokenId"
    )


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"DurationSeconds": 899}, "durationSeconds"),
        ({"SerialNumber": "arn:aws:iam::123456789012:mfa/ada"}, "SerialNumber is not served"),
        ({"SourceIdentity": "ada"}, "SourceIdentity is not served"),
        ({"Policy": "{"}, "not JSON"),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/Nonsense"}]}, "There is no policy"),
    ],
)
def test_what_has_no_effect_is_refused(account: Any, refusal: Refusal, members: dict[str, Any], words: str) -> None:
    account.add_role(trust({"AWS": USER}))
    ada = account.add_user("ada")

    _code, message = refusal(lambda: account.take_role(ada, **members))

    assert words in message
