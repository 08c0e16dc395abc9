"""The API as an ASGI application: HTTP in, `WireRequest`; `WireResponse`, HTTP out.

No routes: the service model does the routing, over the raw path, so that %2F stays inside its parameter.
ASGI and no cheaper interface, because RSGI and WSGI bring the path decoded and WSGI a thread to each slow body.
Invariant: never more than `LARGEST_BODY` bytes of a body are held, nor `MOST_HELD` of all. Served by Granian.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from edgeward.aws.errors import ApiError
from edgeward.aws.wire import Answering, WireRequest, WireResponse
from edgeward.aws.workers import Workers

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]
"""ASGI 3.0, "Applications"."""

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes; far above any request that the quotas allow (a distribution at its limits has less than 1 MB)."""
BODY_SECONDS = 60.0
"""For a whole body to arrive."""
MOST_HELD = 16 * LARGEST_BODY
"""Bytes of bodies that all requests under way may have together: who sends them is known only when one is whole."""
MOST_CALLS = 40
"""At the same time; further ones wait."""


class Application:
    """The ASGI application that answers every request with `api`.

    `others` are services beside it on the same endpoint, by the first segment of their paths.
    """

    def __init__(
        self,
        api: Answering,
        others: Mapping[str, Answering] | None = None,
        *,
        body_seconds: float = BODY_SECONDS,
        most_held: int = MOST_HELD,
    ) -> None:
        self._api = api
        self._others = others or {}
        self._body_seconds = body_seconds
        self._room = most_held
        self._workers = Workers(MOST_CALLS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes part in the server's life, or answers one request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """There is nothing to make ready; what is put away is the threads, which the server waits for."""
        message = await receive()
        while message["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
            message = await receive()
        self._workers.end()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        api = self._others.get(scope["path"].split("/")[1], self._api)
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_seconds):
                await self._read_body(scope, receive, body)
            request = _wire_request(scope, bytes(body))
            response = await self._workers.run(lambda: api.answer(request))
        except ApiError as error:
            response = api.refuse(error)
        except TimeoutError:
            response = api.refuse(_too_slow(self._body_seconds))
        finally:
            self._room += len(body)
        await _send_response(response, send)

    async def _read_body(self, scope: Scope, receive: Receive, body: bytearray) -> None:
        """Fills `body`. Raises ApiError as soon as the body is known to be too large, or there is no room for it.

        A body announced with `Expect: 100-continue` is asked for by the server when it is first read, so a refusal by
        Content-Length spares the caller from sending it.
        """
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if announced.isdigit() and int(announced) > LARGEST_BODY:
            raise _too_large()
        has_more = True
        while has_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                # Whoever is still there to read it sent something that is no HTTP.
                raise ApiError("MalformedInput", "The body ended early, or is not framed as HTTP says.")
            self._hold(message.get("body", b""), body)
            has_more = message.get("more_body", False)

    def _hold(self, chunk: bytes, body: bytearray) -> None:
        if len(body) + len(chunk) > LARGEST_BODY:
            raise _too_large()
        if len(chunk) > self._room:
            raise ApiError("ServiceUnavailable", "Too many large requests are under way. Send this one again.")
        self._room -= len(chunk)
        body += chunk


def _wire_request(scope: Scope, body: bytes) -> WireRequest:
    return WireRequest(
        method=scope["method"],
        raw_path=scope["raw_path"].decode("latin-1").partition("?")[0],
        raw_query=scope["query_string"].decode("latin-1"),
        headers=tuple([(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]),
        body=body,
        scheme=scope["scheme"],
        client=(scope.get("client") or ("",))[0],
    )


async def _send_response(response: WireResponse, send: Send) -> None:
    fields = {"content-length": str(len(response.body)), **response.headers}
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _too_slow(seconds: float) -> ApiError:
    return ApiError("RequestTimeoutException", f"The body did not arrive within {seconds:g} seconds. Send it again.")


def _too_large() -> ApiError:
    return ApiError("RequestEntityTooLarge", f"The body is larger than {LARGEST_BODY} bytes. Send less in one call.")
