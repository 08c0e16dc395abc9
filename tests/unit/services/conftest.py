"""A control plane in this process, driven by a real boto3 whose requests are handed to the ASGI application."""

import asyncio
import io
import json
import os
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.model import OperationModel

from databases import PostgresServer
from edgeward.authority import LocalAuthority, PublicKey
from edgeward.aws.identifiers import Identifiers
from edgeward.aws.model import COMMON_ERROR_STATUSES, code_of
from edgeward.aws.quotas import AWS_QUOTAS, Quotas
from edgeward.control_plane import ControlPlane, ControlPlaneSettings
from edgeward.deploy.channel import Channel
from edgeward.periodic import Backoff
from edgeward.services.cloudfront.trust_store import ObjectUnreadableError


@dataclass
class Buckets:
    """Objects by bucket and key, as the control plane reads them."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def read(self, location: dict[str, Any], most: int) -> bytes:
        """The object, up to a byte more than `most`."""
        place = (location["Bucket"], location["Key"])
        if place not in self.objects:
            raise ObjectUnreadableError("there is no such object")
        return self.objects[place][: most + 1]


ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "example-secret"
EXPLAIN_KEY = "a" * 64
SEALING_KEY = "b" * 64
SESSION = boto3.session.Session()
"""One for all tests: it keeps the service model that it loaded."""


@dataclass
class ObedientEdge:
    """A channel that acknowledges at once and remembers what it was sent."""

    plans: list[bytes] = field(default_factory=list)
    orders: list[bytes] = field(default_factory=list)

    def plan_sequence(self) -> int:
        """Of the last plan."""
        return int(json.loads(self.plans[-1])["sequence"]) if self.plans else 0

    def load_plan(self, update: bytes) -> int:
        """Accepts any plan."""
        self.plans.append(update)
        return int(json.loads(update)["sequence"])

    def invalidate(self, order: bytes) -> int:
        """Accepts any order."""
        self.orders.append(order)
        return len(self.orders)


@dataclass(frozen=True)
class FakeCertificate:
    """Names in place of PEM."""

    chain_pem: str
    key_pem: str = "key"


class FakeCertificates:
    """Certificates that spell their names, and an authority for those that are signed."""

    def __init__(self, authority: LocalAuthority) -> None:
        self._authority = authority

    def covers(self, name: str) -> bool:
        """Whether the authority may sign the name."""
        return self._authority.covers(name)

    def sign(self, names: Iterable[str], key: PublicKey) -> str:
        """A certificate that TLS takes."""
        return self._authority.sign(names, key)

    def certificate_for(self, names: Iterable[str]) -> FakeCertificate:
        """A certificate that spells its names."""
        return FakeCertificate(chain_pem=",".join(sorted(names)))


class InProcessEndpoint:
    """Answers botocore's prepared requests from an ASGI application, without a socket."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """The `before-send` hook of botocore."""
        status, headers, body = asyncio.run(self._answer(request))
        return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), _RawBody(body))

    async def _answer(self, request: AWSPreparedRequest) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(request.url)
        headers = {"host": url.netloc} | {name.lower(): _text(value) for name, value in request.headers.items()}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.path.encode(),
            "query_string": url.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": _bytes(request.body), "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        start, *rest = sent
        answered = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], answered, b"".join(message.get("body", b"") for message in rest)


class _RawBody(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        """What urllib3's response has."""
        while chunk := self.read(65536):
            yield chunk


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else (body or "").encode()


@pytest.fixture
def edge() -> ObedientEdge:
    """An edge that takes everything."""
    return ObedientEdge()


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """An empty database on PostgreSQL where the run asks for that; None: SQLite in the state folder."""
    if os.environ.get("EDGEWARD_TEST_DATABASE") != "postgresql":
        yield None
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url


@dataclass
class Clock:
    """Now, and as much later as a test wants."""

    later: timedelta = timedelta()

    def __call__(self) -> datetime:
        """The time of the control plane."""
        return datetime.now(UTC) + self.later


@pytest.fixture
def clock() -> Clock:
    """The control planes' clock, which a test can put forward."""
    return Clock()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    """What signs the certificates that ACM is asked for."""
    return LocalAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def buckets(authority: LocalAuthority) -> Buckets:
    """What a control plane finds at an S3 server: one bundle of authorities."""
    return Buckets({("ca", "bundle.pem"): authority.root_pem.encode()})


@pytest.fixture
def build_control_plane(
    tmp_path: Path, database_url: str | None, clock: Clock, authority: LocalAuthority, buckets: Buckets
) -> Callable[..., ControlPlane]:
    """Builds control planes over one state folder, with reproducible identifiers."""
    identifiers = Identifiers(random.Random(20200531))

    def build(*channels: Channel, acknowledgement_seconds: float = 10.0, quotas: Quotas = AWS_QUOTAS) -> ControlPlane:
        settings = ControlPlaneSettings(
            state_directory=tmp_path,
            access_keys={ACCESS_KEY: SECRET_KEY},
            sealing_key=SEALING_KEY,
            acknowledgement_seconds=acknowledgement_seconds,
            backoff=Backoff(first=timedelta(0), longest=timedelta(0)),
            explain_key=EXPLAIN_KEY,
            database_url=database_url,
            quotas=quotas,
            read_object=buckets.read,
        )
        return ControlPlane(
            settings,
            channels,
            FakeCertificates(authority),
            clock=clock,
            identifiers=identifiers,
        )

    return build


@pytest.fixture
def control_plane(build_control_plane: Callable[..., ControlPlane], edge: ObedientEdge) -> Iterator[ControlPlane]:
    """A started control plane with one edge."""
    plane = build_control_plane(edge)
    plane.start()
    yield plane
    plane.stop()


@pytest.fixture
def connect() -> Callable[..., Any]:
    """Makes boto3 clients of a control plane."""
    return _connect


@pytest.fixture
def cloudfront(control_plane: ControlPlane) -> Any:
    """A boto3 client of the control plane."""
    return _connect(control_plane)


@pytest.fixture
def own_api(control_plane: ControlPlane) -> Callable[..., tuple[int, Any]]:
    """Posts to Edgeward's own API, signed; returns status and answer."""

    def post(
        path: str,
        body: bytes,
        *,
        service: str = "edgeward",
        method: str = "POST",
        key: tuple[str, str] = (ACCESS_KEY, SECRET_KEY),
    ) -> tuple[int, Any]:
        request = AWSRequest(method, f"http://127.0.0.1:4566{path}", data=body)
        SigV4Auth(Credentials(*key), service, "us-east-1").add_auth(request)
        response = InProcessEndpoint(control_plane.app)(request.prepare())
        return response.status_code, json.loads(response.content)

    return post


@pytest.fixture
def config() -> dict[str, Any]:
    """A small DistributionConfig: one custom origin, the managed CachingOptimized policy."""
    return {
        "CallerReference": "first",
        "Comment": "",
        "Enabled": True,
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "site",
                    "DomainName": "origin.example.com",
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "http-only",
                    },
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "site",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        },
    }


@pytest.fixture
def refused() -> Callable[..., str]:
    """Calls an operation that has to be refused and returns the error's code."""

    def call(operation: Callable[..., Any], **members: Any) -> str:
        with pytest.raises(ClientError) as caught:
            operation(**members)
        return str(caught.value.response["Error"]["Code"])

    return call


@pytest.fixture
def refusal() -> Callable[..., tuple[str, str]]:
    """Calls an operation that has to be refused and returns the error's code and message."""

    def call(operation: Callable[..., Any], **members: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            operation(**members)
        error = caught.value.response["Error"]
        return str(error["Code"]), str(error["Message"])

    return call


def _connect(
    plane: ControlPlane,
    access_key: str = ACCESS_KEY,
    secret_key: str = SECRET_KEY,
    *,
    session_token: str | None = None,
    service: str = "cloudfront",
) -> Any:
    session: Any = SESSION
    client = session.client(
        service,
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:4566",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        aws_session_token=session_token,
        config=Config(retries={"max_attempts": 0}, parameter_validation=False),
    )
    endpoint: Any = InProcessEndpoint(plane.app)
    client.meta.events.register("before-send.*.*", endpoint)
    client.meta.events.register("after-call.*.*", _check_error_is_modeled)
    return client


def _check_error_is_modeled(parsed: dict[str, Any], model: OperationModel, **_: Any) -> None:
    """Every refusal has a code that the model allows for the operation, or one common to all of AWS."""
    code = parsed.get("Error", {}).get("Code")
    allowed = {code_of(shape) for shape in model.error_shapes} | COMMON_ERROR_STATUSES.keys() | PATCHED_CODES

    assert code is None or code in allowed, f"{model.name} may not answer {code}"


PATCHED_CODES = {"InvalidationBatchAlreadyExists"}
"""Codes that our corrections of the model add."""
