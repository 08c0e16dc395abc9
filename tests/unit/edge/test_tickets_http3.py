"""Session tickets over QUIC: which edges take up whose sessions."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest
from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN
from aioquic.quic.configuration import QuicConfiguration
from aioquic.tls import SessionTicket

from edgeward.edge.settings import EdgeSettings
from edgeward.scenario import certificates
from edgeward.scenario.edge_under_test import EdgeUnderTest, domain_name_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import ShortDistribution

NAME = domain_name_of(MAIN)
SECRET = "0f" * 32


class StartEdge(Protocol):
    def __call__(self, secrets: Path | None) -> int: ...


@pytest.fixture
def start_edge() -> Iterator[StartEdge]:
    """Starts an edge with a file of secrets; gives its port."""
    with ExitStack() as edges:

        def start(secrets: Path | None) -> int:
            settings = EdgeSettings(workers=1, ticket_secrets=secrets)
            edge = EdgeUnderTest(settings, {MAIN: OriginPorts(80, 443)}, certificates.edge_certificate([NAME]))
            _, https = edge.start(ShortDistribution(http_version="http2and3"))
            edges.callback(edge.stop)
            return int(https.rpartition(":")[2])

        yield start


class Viewer:
    """Keeps the newest ticket, and offers it at the next connection."""

    def __init__(self) -> None:
        self._ticket: SessionTicket | None = None

    @property
    def may_send_early(self) -> bool:
        """Whether the newest ticket invites early data."""
        assert self._ticket is not None
        return bool(self._ticket.max_early_data_size)

    async def resumes(self, port: int) -> bool:
        """Whether the edge took up the session."""
        arrived = asyncio.Event()

        def keep(ticket: SessionTicket) -> None:
            self._ticket = ticket
            arrived.set()

        configuration = QuicConfiguration(
            is_client=True, alpn_protocols=H3_ALPN, server_name=NAME, verify_mode=ssl.CERT_NONE
        )
        configuration.session_ticket = self._ticket
        session: QuicConnectionProtocol
        async with connect(
            "127.0.0.1", port, configuration=configuration, session_ticket_handler=keep, local_port=0
        ) as session:
            await arrived.wait()
            return bool(session._quic.tls.session_resumed)


async def test_edges_with_one_secret_take_up_each_others_sessions(start_edge: StartEdge, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.touch(mode=0o600)
    secrets.write_text(SECRET)
    first, second, alone = start_edge(secrets), start_edge(secrets), start_edge(None)
    viewer = Viewer()

    assert [await viewer.resumes(edge) for edge in (first, second, first, alone, alone)] == [
        False,
        True,
        True,
        False,
        True,
    ]


async def test_no_ticket_invites_early_data(start_edge: StartEdge) -> None:
    edge, viewer = start_edge(None), Viewer()
    assert [await viewer.resumes(edge) for _ in range(2)] == [False, True]
    assert not viewer.may_send_early
