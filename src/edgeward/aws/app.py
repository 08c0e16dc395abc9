"""The API as an ASGI application: HTTP in, `WireRequest`; `WireResponse`, HTTP out.

No routes: the service model does the routing, over the raw path, so that %2F stays inside its parameter.
Invariant: never more than `LARGEST_BODY` bytes of a body are held. Served by Granian.
"""

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edgeward.aws.errors import ApiError
from edgeward.aws.wire import Answering, WireRequest, WireResponse


class Application:
    """The ASGI application that answers every request with `api`.

    `others` are services beside it on the same endpoint, by the first segment of their paths.
    """

    def __init__(self, api: Answering, others: Mapping[str, Answering] | None = None) -> None:
        self._api = api
        self._others = others or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes part in the server's life, or answers one request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await self._answer(Request(scope, receive), send)

    async def _answer(self, request: Request, send: Send) -> None:
        scope, receive = request.scope, request.receive
        api = self._others.get(scope["path"].split("/")[1], self._api)
        try:
            body = await _read_body(request)
        except ApiError as error:
            response = api.refuse(error)
        except ClientDisconnect:
            return
        else:
            response = await run_in_threadpool(api.answer, _wire_request(request, body))
        await _http_response(response)(scope, receive, send)


async def _live(receive: Receive, send: Send) -> None:
    """There is nothing to make ready, or to put away."""
    message = await receive()
    while message["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
        message = await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _read_body(request: Request) -> bytes:
    """The body. Raises ApiError `RequestEntityTooLarge` as soon as it is known to be too large.

    A body announced with `Expect: 100-continue` is asked for by the server when it is first read, so a
    refusal by Content-Length spares the caller from sending it.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > LARGEST_BODY:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise _too_large()
    return bytes(body)


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


def _too_large() -> ApiError:
    return ApiError("RequestEntityTooLarge", f"The body is larger than {LARGEST_BODY} bytes. Send less in one call.")


LARGEST_BODY = 8 * 1024 * 1024
"""Bytes; far above any request that the quotas allow (a distribution at its limits has less than 1 MB)."""
