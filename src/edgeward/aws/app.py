"""The API as an ASGI application: HTTP in, `WireRequest`; `WireResponse`, HTTP out.

No routes: the service model does the routing, over the raw path, so that %2F stays inside its parameter.
Invariant: never more than `LARGEST_BODY` bytes of a body are held, nor `MOST_HELD` of all. Served by Granian.
"""

import asyncio
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edgeward.aws.errors import ApiError
from edgeward.aws.wire import Answering, WireRequest, WireResponse

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes; far above any request that the quotas allow (a distribution at its limits has less than 1 MB)."""
BODY_SECONDS = 60.0
"""For a whole body to arrive."""
MOST_HELD = 16 * LARGEST_BODY
"""Bytes of bodies that all requests under way may have together: who sends them is known only when one is whole."""


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes part in the server's life, or answers one request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await self._answer(Request(scope, receive), send)

    async def _answer(self, request: Request, send: Send) -> None:
        scope, receive = request.scope, request.receive
        api = self._others.get(scope["path"].split("/")[1], self._api)
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_seconds):
                await self._read_body(request, body)
            response = await run_in_threadpool(api.answer, _wire_request(request, bytes(body)))
        except ApiError as error:
            response = api.refuse(error)
        except TimeoutError:
            response = api.refuse(_too_slow(self._body_seconds))
        except ClientDisconnect:
            # Whoever is still there to read it sent something that is no HTTP.
            response = api.refuse(ApiError("MalformedInput", "The body ended early, or is not framed as HTTP says."))
        finally:
            self._room += len(body)
        await _http_response(response)(scope, receive, send)

    async def _read_body(self, request: Request, body: bytearray) -> None:
        """Fills `body`. Raises ApiError as soon as the body is known to be too large, or there is no room for it.

        A body announced with `Expect: 100-continue` is asked for by the server when it is first read, so a refusal by
        Content-Length spares the caller from sending it.
        """
        announced = request.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > LARGEST_BODY:
            raise _too_large()
        async for chunk in request.stream():
            if len(body) + len(chunk) > LARGEST_BODY:
                raise _too_large()
            if len(chunk) > self._room:
                raise ApiError("ServiceUnavailable", "Too many large requests are under way. Send this one again.")
            self._room -= len(chunk)
            body += chunk


async def _live(receive: Receive, send: Send) -> None:
    """There is nothing to make ready, or to put away."""
    message = await receive()
    while message["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
        message = await receive()
    await send({"type": "lifespan.shutdown.complete"})


def _wire_request(request: Request, body: bytes) -> WireRequest:
    scope = request.scope
    return WireRequest(
        method=request.method,
        raw_path=scope["raw_path"].decode("latin-1").partition("?")[0],
        raw_query=scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]),
        body=body,
        scheme=scope["scheme"],
        client=(scope.get("client") or ("",))[0],
    )


def _http_response(response: WireResponse) -> Response:
    return Response(content=response.body, status_code=response.status, headers=response.headers)


def _too_slow(seconds: float) -> ApiError:
    return ApiError("RequestTimeoutException", f"The body did not arrive within {seconds:g} seconds. Send it again.")


def _too_large() -> ApiError:
    return ApiError("RequestEntityTooLarge", f"The body is larger than {LARGEST_BODY} bytes. Send less in one call.")
