"""Plans and orders over a Unix socket, to an edge as the channel of a control plane sees it."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from edgeward.deploy.socket_channel import EdgeRefused, SocketChannel
from edgeward.edge.agent import EdgeAgent
from edgeward.edge.plan_socket import PlanSocket
from edgeward.edge.unix_socket import reachable


@dataclass
class FakeAgent:
    """Remembers what it got; refuses what says so."""

    received: list[bytes] = field(default_factory=list)

    def plan_sequence(self) -> int:
        return 7

    def load_plan(self, update: bytes) -> int:
        if update == b"broken":
            raise ValueError("field `format`: unknown")
        self.received.append(update)
        return 8

    def invalidate(self, order: bytes) -> int:
        self.received.append(order)
        return 9


@pytest.fixture
def agent() -> FakeAgent:
    return FakeAgent()


@pytest.fixture
def path(agent: FakeAgent, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / ("long" * 30) / "plans.sock"
    plans = PlanSocket(cast(EdgeAgent, agent), path)
    plans.start()
    yield path
    plans.stop()


def test_every_call_of_a_channel_reaches_the_edge(path: Path, agent: FakeAgent) -> None:
    channel = SocketChannel(path)
    large = bytes(range(256)) * 20_000
    assert (channel.plan_sequence(), channel.load_plan(large), channel.invalidate(b"order")) == (7, 8, 9)
    assert agent.received == [large, b"order"]


def test_what_the_edge_refuses_is_raised_with_its_reason(path: Path) -> None:
    with pytest.raises(EdgeRefused, match="field `format`: unknown"):
        SocketChannel(path).load_plan(b"broken")


def test_an_edge_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SocketChannel(tmp_path / "nothing").plan_sequence()


@pytest.mark.parametrize(
    "question",
    [
        b"no json\n",
        b"[]\n",
        b'{"operation": "load_plan"}\n',
        b'{"operation": "load_plan", "bytes": -1}\n',
        b'{"operation": "load_plan", "bytes": true}\n',
        b'{"operation": "load_plan", "bytes": 1e9}\n',
        b'{"operation": "load_plan", "bytes": 99999999999}\n',
        b'{"operation": "nothing", "bytes": 0}\n',
        b"x" * 5_000 + b"\n",
    ],
)
def test_what_is_no_question_is_answered_with_an_error(path: Path, agent: FakeAgent, question: bytes) -> None:
    assert b'"error"' in _exchange(path, question)
    assert agent.received == []


def test_content_that_breaks_off_changes_nothing(path: Path, agent: FakeAgent) -> None:
    assert _exchange(path, b'{"operation": "load_plan", "bytes": 10}\nhalf') == b""
    assert agent.received == []


def test_only_the_owner_may_connect(path: Path) -> None:
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def _exchange(path: Path, sent: bytes) -> bytes:
    with reachable(path) as address, socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(address)
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answers:
            return answers.readline()
