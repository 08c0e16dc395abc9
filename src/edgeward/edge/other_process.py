"""The process at the other end of a Unix socket: waited for, and ended where it does not go on.

Known by a handle of the kernel (pidfd), which no later process with the same number can get. Invariant: nothing is
ended but the process that made, or listens for, this very connection; and whoever is told that it has ended can rely
on it: its files, locks and sockets are free. Used by both sides of a takeover.
"""

import os
import select
import signal
import socket
import struct
import time
from types import TracebackType
from typing import Self


class CannotEnd(RuntimeError):
    """The process is still there, or it is not known which one it is. Says why."""


class OtherProcess:
    """Whoever is at the other end of `connection`, which is to be open when this is made. Close it in the end."""

    def __init__(self, connection: socket.socket) -> None:
        """Raises `OSError` when the process has ended already, or is none that can be seen from here."""
        self.pid, _user, _group = _CREDENTIALS.unpack(
            connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        self._handle = _handle_of(connection, self.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the handle up; the process is left alone."""
        os.close(self._handle)

    def has_ended(self, patience_seconds: float) -> bool:
        """Whether it has, after that time at the latest."""
        return _is_readable(self._handle, patience_seconds)

    def end(self, patience_seconds: float) -> str:
        """Has it end: by itself, by SIGTERM, by SIGKILL, each for that long. Returns how it went, for a log.

        Raises `CannotEnd`.
        """
        if self.has_ended(patience_seconds):
            return "it has ended"
        if self.pid == os.getpid():
            raise CannotEnd("it is this process")
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._send(number)
            if self.has_ended(patience_seconds):
                return f"it was ended by {number.name}"
        raise CannotEnd(f"process {self.pid} is still there after SIGKILL")

    def _send(self, number: signal.Signals) -> None:
        try:
            signal.pidfd_send_signal(self._handle, number)
        except ProcessLookupError:
            return
        except OSError as error:
            raise CannotEnd(f"process {self.pid} cannot be ended: {error.strerror}") from error


def read_line(connection: socket.socket, longest: int, patience_seconds: float) -> bytes:
    """One line, the end of it included; less at the end of what is sent, or where it is longer.

    The whole of it may take that long, however the other side deals it out. Raises `TimeoutError`.
    """
    deadline, line = time.monotonic() + patience_seconds, b""
    while not line.endswith(b"\n") and len(line) < longest:
        if not _is_readable(connection.fileno(), deadline - time.monotonic()):
            raise TimeoutError
        byte = connection.recv(1)
        if not byte:
            break
        line += byte
    return line


def _handle_of(connection: socket.socket, pid: int) -> int:
    try:
        return connection.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
    except OSError:
        # Before Linux 6.5. The number is the process's as long as this connection, which nobody inherits, is open.
        handle = os.pidfd_open(pid)
    if _is_closed(connection):
        os.close(handle)
        raise ProcessLookupError(f"process {pid} has gone")
    return handle


def _is_closed(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, 0)
    return bool(poll.poll(0))


def _is_readable(descriptor: int, patience_seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, patience_seconds) * 1_000))


_CREDENTIALS = struct.Struct("3i")
_SO_PEERPIDFD = 77
"""Linux; Python has no name for it."""
