"""The admin socket over the real engine: who may connect, what is answered, what is refused."""

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeward.edge.admin import AdminSocket
from edgeward.edge.agent import EdgeAgent
from edgeward.edge.settings import EdgeSettings
from edgeward.edge.unix_socket import reachable


@pytest.fixture(params=["short", "n" * 120])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param) / "admin.sock"


@pytest.fixture
def admin(path: Path) -> Iterator[Path]:
    agent = EdgeAgent(EdgeSettings(workers=1))
    agent.start()
    admin = AdminSocket(agent, path)
    admin.start()
    yield path
    admin.stop()
    agent.stop(grace_seconds=0)


def ask(path: Path, *lines: bytes) -> list[Any]:
    with reachable(path) as address, socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(address)
        connection.sendall(b"".join(line + b"\n" for line in lines))
        with connection.makefile("rb") as answers:
            return [json.loads(answers.readline()) for _ in lines]


def test_several_questions_go_over_one_connection(admin: Path) -> None:
    question = {"operation": "list", "distribution": "E1", "pattern": None, "limit": 10, "after": None}
    status, flushed, listed = ask(
        admin, b'{"operation": "status"}', b'{"operation": "flush_logs"}', json.dumps(question).encode()
    )
    assert status["answer"]["stored_responses"] == 0
    assert flushed == {"answer": None}
    assert listed == {"answer": {"responses": [], "next": None}}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"", "one line of JSON"),
        (b"[]", "one line of JSON"),
        (b'{"operation": "unknown"}', "status, list, flush_logs"),
        (b'{"operation": []}', "one line of JSON"),
        (b'{"operation": "list", "distribution": "E1"}', "limit"),
        (b'{"operation": "list", "distribution": "E1", "limit": 1, "pattern": "#tag"}', "CacheTagConfig"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(admin: Path, line: bytes, problem: str) -> None:
    (refusal,) = ask(admin, line)
    assert problem in refusal["error"]


def test_only_the_owner_can_connect(admin: Path) -> None:
    assert stat.S_IMODE(admin.stat().st_mode) == 0o600
    assert stat.S_IMODE(admin.parent.stat().st_mode) == 0o700


def test_a_socket_that_a_killed_process_left_is_replaced(path: Path) -> None:
    path.parent.mkdir()
    with reachable(path) as address, socket.socket(socket.AF_UNIX) as left:
        left.bind(address)
    agent = EdgeAgent(EdgeSettings(workers=1))
    admin = AdminSocket(agent, path)
    admin.start()
    (refusal,) = ask(path, b'{"operation": "status"}')
    admin.stop()
    assert "does not run" in refusal["error"]
    assert not path.exists()


def test_one_that_was_not_started_can_be_stopped(path: Path) -> None:
    AdminSocket(EdgeAgent(EdgeSettings(workers=1)), path).stop()
