"""Reading policy documents, and deciding by them."""

import json
from typing import Any

import pytest

from edgeward.access.errors import MalformedPolicyError
from edgeward.access.evaluation import Attempt, Verdict, decide
from edgeward.access.policy import Kind, read_policy

ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "cloudfront:*", "Resource": "*"}
ARN = "arn:aws:cloudfront::123456789012:distribution/E1"


def document(*statements: object, version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def verdict(*statements: dict[str, Any], action: str = "cloudfront:GetDistribution", **context: str) -> Verdict:
    policy = read_policy(document(*statements), Kind.IDENTITY)
    known = {name.replace("__", ":").replace("_", "/").lower(): [value] for name, value in context.items()}
    return decide([policy], Attempt(action=action, resource=ARN, context=known))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ('{"Statement": [], "Statement": []}', "twice"),
        ("[]", "JSON object"),
        (document(), "no Statement"),
        ('{"Version": "2020-01-01", "Statement": []}', "Version"),
        (document("x"), "JSON object"),
        (document({**ALLOW, "Efect": "Deny"}), "unknown element Efect"),
        (document({**ALLOW, "Effect": "allow"}), "Allow or Deny"),
        (document({"Effect": "Allow", "Resource": "*"}), "must contain actions"),
        (document({"Effect": "Allow", "Action": "cloudfront:*"}), "must contain resources"),
        (document({**ALLOW, "NotAction": "cloudfront:Get*"}), "not both"),
        (document({**ALLOW, "Action": "GetDistribution"}), "is no action"),
        (document({**ALLOW, "Action": []}), "list of texts"),
        (document({**ALLOW, "Resource": "distribution/E1"}), "ARN format"),
        (document({**ALLOW, "Principal": "*"}), "should not specify a principal"),
        (document({**ALLOW, "Sid": "a-b"}), "alpha-numeric"),
        (document({**ALLOW, "Sid": "a"}, {**ALLOW, "Sid": "a"}), "unique"),
        (document({**ALLOW, "Condition": {"StringSame": {"aws:SourceIp": "x"}}}), "no condition operator StringSame"),
        (document({**ALLOW, "Condition": {"NullIfExists": {"aws:SourceIp": "true"}}}), "no condition operator"),
        (document({**ALLOW, "Condition": {"ForSome:StringLike": {"aws:SourceIp": "x"}}}), "no condition operator"),
        (document({**ALLOW, "Condition": {"IpAddress": {"aws:SourceIp": "300.0.0.1"}}}), "is no value for IpAddress"),
        (document({**ALLOW, "Condition": {"Bool": {"aws:SecureTransport": "yes"}}}), "is no value for Bool"),
        (document({**ALLOW, "Condition": {"StringEquals": {"SourceIp": "x"}}}), "no condition key"),
        (document({**ALLOW, "Condition": {"StringEquals": {}}}), "condition keys"),
        (document({**ALLOW, "Condition": []}), "JSON object"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_policy_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(MalformedPolicyError, match=words):
        read_policy(text, Kind.IDENTITY)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"Effect": "Allow", "Action": "sts:AssumeRole"}, "add a Principal"),
        ({**ALLOW, "Principal": "*"}, "prohibited field Resource"),
        ({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "ada"}}, "Invalid principal"),
        ({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Ldap": "x"}}, "unknown element Ldap"),
        (
            {"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": "*"}},
            "prohibited field NotPrincipal",
        ),
    ],
)
def test_what_is_no_trust_policy_is_refused_by_name(statement: object, words: str) -> None:
    with pytest.raises(MalformedPolicyError, match=words):
        read_policy(document(statement), Kind.TRUST)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (ALLOW, Verdict.ALLOWED),
        ({**ALLOW, "Action": "*"}, Verdict.ALLOWED),
        ({**ALLOW, "Action": ["s3:*", "CLOUDFRONT:getdist*"]}, Verdict.ALLOWED),
        ({**ALLOW, "Action": "cloudfront:Create*"}, Verdict.NOT_ALLOWED),
        ({"Effect": "Allow", "NotAction": "cloudfront:Delete*", "Resource": "*"}, Verdict.ALLOWED),
        ({"Effect": "Allow", "NotAction": "cloudfront:Get*", "Resource": "*"}, Verdict.NOT_ALLOWED),
        ({**ALLOW, "Resource": ARN}, Verdict.ALLOWED),
        ({**ALLOW, "Resource": ARN[:-1] + "2"}, Verdict.NOT_ALLOWED),
        ({**ALLOW, "Resource": [ARN + "2", "arn:aws:cloudfront::*:distribution/E?"]}, Verdict.ALLOWED),
        ({"Effect": "Allow", "Action": "*", "NotResource": ARN}, Verdict.NOT_ALLOWED),
        ({**ALLOW, "Effect": "Deny"}, Verdict.DENIED),
    ],
)
def test_actions_and_resources(statement: dict[str, Any], expected: Verdict) -> None:
    assert verdict(statement) is expected


def test_a_deny_wins_over_any_allow_in_whatever_order() -> None:
    deny = {**ALLOW, "Effect": "Deny", "Resource": ARN}

    assert verdict(ALLOW, deny) is Verdict.DENIED
    assert verdict(deny, ALLOW) is Verdict.DENIED


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringEquals": {"aws:username": "ada"}}, True),
        ({"StringEquals": {"aws:username": ["bob", "ada"]}}, True),
        ({"StringEquals": {"aws:username": "Ada"}}, False),
        ({"StringEqualsIgnoreCase": {"aws:username": "Ada"}}, True),
        ({"StringNotEquals": {"aws:username": ["bob", "ada"]}}, False),
        ({"StringNotEquals": {"aws:username": "bob"}}, True),
        ({"StringLike": {"aws:username": "a?*"}}, True),
        ({"StringNotLike": {"aws:username": "a*"}}, False),
        ({"StringEquals": {"aws:missing": "x"}}, False),
        ({"StringNotEquals": {"aws:missing": "x"}}, True),
        ({"StringEqualsIfExists": {"aws:missing": "x"}}, True),
        ({"Null": {"aws:missing": "true"}}, True),
        ({"Null": {"aws:missing": "false"}}, False),
        ({"Null": {"aws:username": False}}, True),
        ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}}, True),
        ({"IpAddress": {"aws:SourceIp": "11.0.0.0/8"}}, False),
        ({"NotIpAddress": {"aws:SourceIp": "10.1.0.0/16"}}, False),
        ({"Bool": {"aws:SecureTransport": True}}, False),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2026-01-01"}}, False),
        ({"NumericLessThanEquals": {"aws:MultiFactorAuthAge": 300}}, True),
        ({"NumericGreaterThan": {"aws:MultiFactorAuthAge": "300"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}, True),
        ({"ArnEquals": {"aws:PrincipalArn": "arn:*:user/ada"}}, False),
        ({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}, True),
        ({"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}, True),
        ({"StringEquals": {"aws:username": "ada", "aws:missing": "x"}}, False),
    ],
)
def test_conditions(condition: dict[str, Any], *, expected: bool) -> None:
    context = {
        "aws:username": "ada",
        "aws:sourceip": "10.1.2.3",
        "aws:securetransport": "false",
        "aws:currenttime": "2026-11-25T12:00:00Z",
        "aws:multifactorauthage": "300",
        "aws:principalarn": "arn:aws:iam::123456789012:user/ada",
        "aws:resourcetag/team": "web",
        "aws:principaltag/team": "web",
    }
    policy = read_policy(document({**ALLOW, "Condition": condition}), Kind.IDENTITY)
    attempt = Attempt(
        action="cloudfront:GetDistribution",
        resource=ARN,
        context={name: [value] for name, value in context.items()},
    )

    assert (decide([policy], attempt) is Verdict.ALLOWED) is expected


@pytest.mark.parametrize(
    ("operator", "keys", "expected"),
    [
        ("ForAllValues:StringEquals", ["a"], True),
        ("ForAllValues:StringEquals", ["a", "c"], False),
        ("ForAllValues:StringEquals", [], True),
        ("ForAnyValue:StringEquals", ["a", "c"], True),
        ("ForAnyValue:StringEquals", ["c"], False),
        ("ForAnyValue:StringEquals", [], False),
        ("ForAnyValue:StringNotEquals", ["a", "c"], True),
        ("ForAllValues:StringNotEquals", ["a", "c"], False),
        ("StringNotEquals", ["a", "c"], False),
    ],
)
def test_keys_with_several_values(operator: str, keys: list[str], *, expected: bool) -> None:
    policy = read_policy(document({**ALLOW, "Condition": {operator: {"aws:TagKeys": ["a", "b"]}}}), Kind.IDENTITY)
    attempt = Attempt(action="cloudfront:TagResource", resource=ARN, context={"aws:tagkeys": keys})

    assert (decide([policy], attempt) is Verdict.ALLOWED) is expected


def test_variables_stand_for_values_only_in_the_newer_version() -> None:
    statement = {**ALLOW, "Resource": "arn:aws:cloudfront::123456789012:distribution/${aws:username}"}
    for version, expected in (("2012-10-17", Verdict.ALLOWED), ("2008-10-17", Verdict.NOT_ALLOWED)):
        policy = read_policy(document(statement, version=version), Kind.IDENTITY)
        attempt = Attempt(action="cloudfront:GetDistribution", resource=ARN, context={"aws:username": ["E1"]})

        assert decide([policy], attempt) is expected


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": "123456789012"}, True),
        ({"AWS": ["arn:aws:iam::123456789012:user/bob", "arn:aws:iam::123456789012:user/ada"]}, True),
        ({"AWS": "arn:aws:iam::123456789012:user/bob"}, False),
        ({"Service": "lambda.amazonaws.com"}, False),
    ],
)
def test_principals_of_a_trust_policy(principal: object, *, expected: bool) -> None:
    policy = read_policy(document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}), Kind.TRUST)
    names = frozenset({"123456789012", "arn:aws:iam::123456789012:user/ada"})

    assert (decide([policy], Attempt(action="sts:AssumeRole", names=names)) is Verdict.ALLOWED) is expected
