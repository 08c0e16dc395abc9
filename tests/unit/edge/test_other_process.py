"""The process at the other end of a socket is ended, and no other one."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from edgeward.edge.other_process import CannotEnd, OtherProcess, read_line

CONNECT = """
import signal, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
"""
IGNORE = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
HEAR = "connection.sendall(b'ready'); connection.recv(1)\n"


@contextmanager
def connected(path: Path, program: str) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        process = subprocess.Popen([sys.executable, "-c", CONNECT + program, str(path)])
        connection, _ = listener.accept()
        try:
            with connection:
                assert connection.recv(5) == b"ready"
                yield process, connection
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("program", "how", "status"),
    [
        pytest.param(HEAR, "it has ended", 0, id="by itself"),
        pytest.param(HEAR + "signal.pause()", "it was ended by SIGTERM", -signal.SIGTERM, id="asked"),
        pytest.param(IGNORE + HEAR + "signal.pause()", "it was ended by SIGKILL", -signal.SIGKILL, id="killed"),
    ],
)
def test_a_process_is_ended_as_softly_as_it_lets_itself_be(tmp_path: Path, program: str, how: str, status: int) -> None:
    with connected(tmp_path / "socket", program) as (process, connection), OtherProcess(connection) as other:
        assert other.pid == process.pid
        assert not other.has_ended(0.0)
        connection.shutdown(socket.SHUT_RDWR)
        assert other.end(0.5 if status else 20.0) == how
        assert process.wait() == status
        assert other.end(0.0) == "it has ended", "once more changes nothing"


def test_a_process_that_was_there_before_has_ended(tmp_path: Path) -> None:
    with connected(tmp_path / "socket", HEAR) as (process, connection):
        process.kill()
        process.wait()
        # Linux has a handle of it, or has none, by its version.
        with suppress(OSError), OtherProcess(connection) as other:
            assert other.end(0.0) == "it has ended"


def test_this_process_does_not_end_itself() -> None:
    one, other = socket.socketpair()
    with one, other, OtherProcess(one) as this:
        assert this.pid == os.getpid()
        with pytest.raises(CannotEnd, match="this process"):
            this.end(0.0)


def test_a_line_is_bounded_in_length_and_in_time() -> None:
    one, other = socket.socketpair()
    with one, other:
        other.sendall(b"first\nsecond\nthird")
        assert [read_line(one, 100, 20.0), read_line(one, 4, 20.0), read_line(one, 100, 20.0)] == [
            b"first\n",
            b"seco",
            b"nd\n",
        ]
        with pytest.raises(TimeoutError):
            read_line(one, 100, 0.01)
        other.sendall(b"last")
        other.shutdown(socket.SHUT_WR)
        assert read_line(one, 100, 20.0) == b"last"
