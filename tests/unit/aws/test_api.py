"""A call through the whole chain of stages, and the ASGI application around it."""

import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from edgeward.aws.api import Api, Service
from edgeward.aws.app import LARGEST_BODY, Application
from edgeward.aws.engine import Call, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.identifiers import Identifiers
from edgeward.aws.model import ServiceModel, Shape
from edgeward.aws.wire import WireRequest, WireResponse
from root_keys import RootKeys


def request(body: bytes = b"", path: str = "/2020-05-31/distribution/E1", method: str = "GET") -> WireRequest:
    signed = AWSRequest(method, f"http://localhost{path}", data=body)
    SigV4Auth(Credentials("AKID", "secret"), "cloudfront", "us-east-1").add_auth(signed)
    headers = tuple((name.lower(), value) for name, value in signed.headers.items())
    return WireRequest(method=method, raw_path=path, raw_query="", headers=(("host", "localhost"), *headers), body=body)


@pytest.fixture
def build(model: ServiceModel) -> Callable[..., Api]:
    def build(**handlers: Handler) -> Api:
        return Api(
            Service(model=model, handlers=handlers),
            access=RootKeys({"AKID": "secret"}, "123456789012"),
            clock=lambda: datetime.now(UTC),
            identifiers=Identifiers(random.Random(1)),
        )

    return build


def code_of(response: WireResponse) -> str:
    return response.body.decode().partition("<Code>")[2].partition("</Code>")[0]


def test_a_handler_gets_the_members_and_its_result_is_the_answer(build: Callable[..., Api]) -> None:
    def handler(call: Call) -> Shape:
        assert call.members == {"Id": "E1"}
        assert call.origin == "http://localhost"
        return {"ETag": "E2", "DistributionConfig": {"Comment": "hello"}}

    api = build(GetDistributionConfig=handler)
    response = api.answer(request(path="/2020-05-31/distribution/E1/config"))

    assert response.status == 200
    assert response.headers["ETag"] == "E2"
    assert b"<Comment>hello</Comment>" in response.body


def test_every_answer_has_a_request_id_of_its_own(build: Callable[..., Api]) -> None:
    api = build()
    ids = [api.answer(request(path=path)).headers["x-amzn-RequestId"] for path in ("/", "/", "/2020-05-31/function")]

    assert len(set(ids)) == 3


def test_an_operation_that_is_not_served_answers_501_with_its_name(build: Callable[..., Api]) -> None:
    response = build().answer(request(path="/2020-05-31/function"))

    assert (response.status, code_of(response)) == (501, "NotImplemented")
    assert b"ListFunctions" in response.body


def test_nobody_gets_past_authentication(build: Callable[..., Api]) -> None:
    anonymous = WireRequest(
        method="POST", raw_path="/2020-05-31/distribution", raw_query="", headers=(), body=b"<broken"
    )

    response = build().answer(anonymous)

    assert (response.status, code_of(response)) == (403, "MissingAuthenticationToken")


def test_an_unexpected_exception_is_logged_and_not_shown(
    build: Callable[..., Api], caplog: pytest.LogCaptureFixture
) -> None:
    def handler(_call: Call) -> Shape:
        raise ZeroDivisionError("a secret of the house")

    with caplog.at_level(logging.ERROR):
        response = build(GetDistribution=handler).answer(request())

    assert (response.status, code_of(response)) == (500, "InternalFailure")
    assert b"secret" not in response.body
    assert "ZeroDivisionError: a secret of the house" in caplog.text
    assert response.headers["x-amzn-RequestId"] in caplog.text


def test_an_error_of_a_handler_has_the_status_of_the_model(build: Callable[..., Api]) -> None:
    def handler(_call: Call) -> Shape:
        raise ApiError("NoSuchDistribution", "Gone.")

    response = build(GetDistribution=handler).answer(request())

    assert (response.status, code_of(response)) == (404, "NoSuchDistribution")


async def ask(app: Any, headers: dict[str, str], *chunks: bytes, path: str = "/") -> tuple[int, bytes, int]:
    """Sends a request in chunks; returns status, body and how many chunks were read."""
    pending = list(chunks)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        chunk = pending.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(pending)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"], len(chunks) - len(pending)


async def test_a_body_announced_too_large_is_refused_unread(build: Callable[..., Api]) -> None:
    app = Application(build())

    status, body, chunks_read = await ask(app, {"content-length": str(LARGEST_BODY + 1)}, b"x")

    assert (status, chunks_read) == (413, 0)
    assert b"<Code>RequestEntityTooLarge</Code>" in body


async def test_a_body_that_grows_too_large_is_refused_as_soon_as_it_does(build: Callable[..., Api]) -> None:
    app = Application(build())
    half = bytes(LARGEST_BODY // 2)

    status, _, chunks_read = await ask(app, {"transfer-encoding": "chunked"}, half, half, b"x", half)

    assert (status, chunks_read) == (413, 3)


async def test_any_method_and_path_reaches_the_api(build: Callable[..., Api]) -> None:
    status, body, _ = await ask(Application(build()), {}, b"", path="/anything%2Fat/all")

    assert status == 404
    assert b"UnknownOperationException" in body
