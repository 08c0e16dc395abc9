"""ACM by boto3, called by the root."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest

from edgeward.authority import LocalAuthority
from edgeward.aws.access import root
from edgeward.aws.engine import Call, Environment
from edgeward.aws.identifiers import Identifiers
from edgeward.aws.wire import WireRequest
from edgeward.control_plane import ControlPlane
from edgeward.services.acm.requesting import request_certificate
from edgeward.store.database import Store
from edgeward.vault import Vault
from policies import ACCOUNT, policy
from unit.services.conftest import SEALING_KEY, InProcessEndpoint


@pytest.fixture
def acm(control_plane: ControlPlane, connect: Callable[..., Any]) -> Any:
    """A boto3 client of ACM."""
    return connect(control_plane, service="acm")


@pytest.fixture
def ask(control_plane: ControlPlane) -> Callable[[dict[str, str]], tuple[int, bytes]]:
    """Posts nothing to `/` with these header fields, unsigned; returns status and content."""

    def ask(headers: dict[str, str]) -> tuple[int, bytes]:
        request = AWSRequest("POST", "http://127.0.0.1:4566/", headers=headers, data=b"")
        response = InProcessEndpoint(control_plane.app)(request.prepare())
        return response.status_code, response.content

    return ask


@pytest.fixture
def as_user(control_plane: ControlPlane, connect: Callable[..., Any]) -> Callable[..., Any]:
    """Gives ACM as a user sees it who has one policy."""
    iam = connect(control_plane, service="iam")

    def as_user(*statements: dict[str, Any]) -> Any:
        iam.create_user(UserName="ada")
        iam.put_user_policy(UserName="ada", PolicyName="own", PolicyDocument=policy(*statements))
        keys = iam.create_access_key(UserName="ada")["AccessKey"]
        return connect(control_plane, keys["AccessKeyId"], keys["SecretAccessKey"], service="acm")

    return as_user


@dataclass(frozen=True)
class Watched:
    """A deployment that notes up to where changes were to reach the edges."""

    settled: list[int]

    def settle(self, position: int) -> bool:
        self.settled.append(position)
        return True


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[Store]:
    """A store of its own, for what happens at other times than now."""
    store = Store(f"sqlite:///{tmp_path / 'own.db'}")
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def settled() -> list[int]:
    """The positions that were waited for, over that store."""
    return []


@pytest.fixture
def environment(own_store: Store, settled: list[int]) -> Environment:
    """What families work with, over that store."""
    return Environment(store=own_store, deployment=Watched(settled), identifiers=Identifiers(), account_id=ACCOUNT)


@pytest.fixture
def vault() -> Vault:
    """Where private keys are sealed."""
    return Vault(SEALING_KEY)


@pytest.fixture
def request_at(environment: Environment, vault: Vault, authority: LocalAuthority) -> Callable[..., str]:
    """Asks for a certificate at some time; returns its ARN."""

    def request_at(now: datetime, **members: Any) -> str:
        request = WireRequest(method="POST", raw_path="/", raw_query="", headers=(), body=b"")
        call = Call(members=members, request=request, now=now, caller=root(ACCOUNT, "AKID"))
        return str(request_certificate(environment, vault, authority, call)["CertificateArn"])

    return request_at
