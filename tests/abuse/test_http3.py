"""HTTP/3 viewers who make work instead of requests: cut off and counted."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aioquic.h3.connection import ErrorCode

from abuse.conftest import HOST, PATIENCE_SECONDS, LimitedEdges
from edgeward.scenario.certificates import root_pem
from edgeward.scenario.http3 import Http3Session, http3_session
from edgeward.scenario.message import Request

LARGE = Request(method="GET", target="/large", fields=[], authority=HOST)
SMALL = Request(method="GET", target="/a", fields=[], authority=HOST)


def visit(edge: tuple[str, int], act: Callable[[Http3Session], Awaitable[None]]) -> None:
    """Has a viewer do something on a connection of its own."""

    async def connected() -> None:
        async with http3_session(edge, HOST, root_pem()) as session:
            await act(session)

    asyncio.run(connected())


async def flood_with_resets(session: Http3Session) -> None:
    """Takes back more than 50 requests, and is cut off for it."""
    for _ in range(120):
        session.take_back(LARGE)
        await asyncio.sleep(0)
    session.send([SMALL])
    await session.receive()
    assert session.closed_with() == ErrorCode.H3_EXCESSIVE_LOAD


def test_rapid_reset_is_cut_off(limited: LimitedEdges) -> None:
    edge = limited(max_reset_streams=50)
    visit(edge.tls, flood_with_resets)
    edge.eventually_refused("reset_streams", 1)


def test_a_viewer_may_take_back_some_requests(limited: LimitedEdges) -> None:
    edge = limited(max_reset_streams=50)

    async def reset(session: Http3Session) -> None:
        for _ in range(30):
            session.take_back(LARGE)
        session.send([SMALL])
        await session.begin()
        assert (await session.receive())[-1] is not None

    visit(edge.tls, reset)
    assert edge.refused("reset_streams") == 0


def test_a_connection_of_many_is_refused(limited: LimitedEdges) -> None:
    edge = limited(max_connections_per_address=1)

    async def come_again(_session: Http3Session) -> None:
        try:
            async with http3_session(edge.tls, HOST, root_pem()):
                raise AssertionError("a second connection was let in")
        except ConnectionError:
            pass

    visit(edge.tls, come_again)
    edge.eventually_refused("connections_of_address", 1)


def test_content_that_does_not_come_is_a_408(limited: LimitedEdges, capfd: pytest.CaptureFixture[str]) -> None:
    edge = limited(content_timeout_ms=100)

    async def promise(session: Http3Session) -> None:
        session.promise(Request(method="POST", target="/a", fields=[("content-length", "1000")], authority=HOST))
        (response,) = await session.receive()
        assert response is not None
        assert response.status == 408

    visit(edge.tls, promise)
    assert capfd.readouterr().err == "", "nothing panicked"


def test_a_response_that_is_not_wanted_any_more_is_given_up_while_its_origin_is_waited_for(
    limited: LimitedEdges,
) -> None:
    edge = limited()

    async def change_of_mind(session: Http3Session) -> None:
        session.send([Request(method="GET", target="/never", fields=[], authority=HOST)])
        assert await asyncio.to_thread(edge.never_asked.wait, PATIENCE_SECONDS)
        session.stop_receiving()
        await asyncio.to_thread(edge.eventually_logged, 1)

    visit(edge.tls, change_of_mind)
    (record,) = edge.logged()
    assert (record["cs-uri-stem"], record["x-edge-detailed-result-type"]) == ("/never", "ClientHungUpRequest")
