"""What the ASGI application does with bodies: bounded, in time, and never more of them than there is room for."""

import asyncio
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import pytest

from edgeward.aws.app import LARGEST_BODY, Application
from edgeward.aws.errors import ApiError
from edgeward.aws.wire import WireRequest, WireResponse

Message = dict[str, Any]
PIECE = 1024 * 1024


class Echo:
    """Answers with the size of the body, or with the code of a refusal."""

    def answer(self, request: WireRequest) -> WireResponse:
        return WireResponse(status=200, body=str(len(request.body)).encode())

    def refuse(self, error: ApiError) -> WireResponse:
        return WireResponse(status=400, body=error.code.encode())


def request_with(*pieces: bytes, then_waits: bool = False, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Any:
    """An ASGI scope, and what brings the pieces of its body."""
    left: Iterator[Message] = iter(
        {"type": "http.request", "body": piece, "more_body": then_waits or number < len(pieces)}
        for number, piece in enumerate(pieces, start=1)
    )

    async def receive() -> Message:
        following = next(left, None)
        if following is None:
            await asyncio.Event().wait()
        assert following is not None
        return following

    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [*headers],
    }
    return scope, receive


async def answer(application: Application, scope: Message, receive: Callable[[], Any]) -> bytes:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, send)
    return b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize(
    ("pieces", "headers", "expected"),
    [
        ((b"",), (), b"0"),
        ((b"ab", b"c"), (), b"3"),
        ((b"x" * PIECE,) * 8, (), str(LARGEST_BODY).encode()),
        ((b"x" * PIECE,) * 8 + (b"x",), (), b"RequestEntityTooLarge"),
        ((), ((b"content-length", str(LARGEST_BODY + 1).encode()),), b"RequestEntityTooLarge"),
        ((), ((b"content-length", b"9" * 30),), b"RequestEntityTooLarge"),
    ],
)
def test_a_body_is_read_up_to_its_limit(
    pieces: tuple[bytes, ...], headers: tuple[tuple[bytes, bytes], ...], expected: bytes
) -> None:
    scope, receive = request_with(*pieces, headers=headers)

    assert asyncio.run(answer(Application(Echo()), scope, receive)) == expected


def test_a_body_that_does_not_end_in_time_is_refused() -> None:
    scope, receive = request_with(b"a", then_waits=True)

    assert asyncio.run(answer(Application(Echo(), body_seconds=0.01), scope, receive)) == b"RequestTimeoutException"


def test_bodies_under_way_have_a_room_together_that_they_give_back() -> None:
    async def play() -> list[bytes]:
        application = Application(Echo(), body_seconds=0.05, most_held=10)
        held = asyncio.create_task(answer(application, *request_with(b"12345678", then_waits=True)))
        await asyncio.sleep(0)
        refused = await answer(application, *request_with(b"123"))
        fits = await answer(application, *request_with(b"12"))
        return [refused, fits, await held, await answer(application, *request_with(b"1234567890"))]

    assert asyncio.run(play()) == [b"ServiceUnavailable", b"2", b"RequestTimeoutException", b"10"]
