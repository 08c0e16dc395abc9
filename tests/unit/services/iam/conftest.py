"""The account of the tests, by boto3's clients of IAM and STS; and people in it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from edgeward.control_plane import ControlPlane
from policies import ROLE, policy


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with credentials."""

    access_key: str
    secret_key: str
    session_token: str | None = None
    connect: Callable[..., Any]

    def client(self, service: str = "cloudfront") -> Any:
        """A boto3 client that signs as this one."""
        return self.connect(self.access_key, self.secret_key, session_token=self.session_token, service=service)


@dataclass(frozen=True, kw_only=True)
class Account:
    """The account of a control plane."""

    connect: Callable[..., Any]
    """Makes clients from keys; the root's when there are none."""
    iam: Any
    """IAM, called by the root."""

    def add_user(self, name: str, *statements: dict[str, Any], tags: dict[str, str] | None = None) -> Person:
        """Adds a user with a key and, maybe, an inline policy."""
        self.iam.create_user(UserName=name, Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()])
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return self.person_of(self.iam.create_access_key(UserName=name)["AccessKey"])

    def add_role(self, trusted: str, *statements: dict[str, Any], **members: Any) -> None:
        """Adds the role `deploy`, which may do what the statements say."""
        self.iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=trusted, **members)
        if statements:
            self.iam.put_role_policy(RoleName="deploy", PolicyName="own", PolicyDocument=policy(*statements))

    def take_role(self, person: Person, **members: Any) -> Person:
        """Has somebody assume the role; returns who they are then."""
        answer = person.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="ci", **members)
        return self.person_of(answer["Credentials"])

    def person_of(self, credentials: dict[str, Any]) -> Person:
        """Who has the credentials that STS or IAM answered."""
        return Person(
            access_key=credentials["AccessKeyId"],
            secret_key=credentials["SecretAccessKey"],
            session_token=credentials.get("SessionToken"),
            connect=self.connect,
        )


@pytest.fixture
def account(control_plane: ControlPlane, connect: Callable[..., Any]) -> Account:
    """The account of the control plane."""
    return Account(connect=partial(connect, control_plane), iam=connect(control_plane, service="iam"))


@pytest.fixture
def iam(account: Account) -> Any:
    """IAM, called by the root."""
    return account.iam
