"""What an edge and its service manager tell each other: that it serves, as which process; that another is to take
over.

systemd's protocol (sd_notify(3)): a datagram to the socket that the environment names. Where it names none, nothing
is told. Used by `edge_program`.
"""

import os
import signal
import socket
from contextlib import suppress
from types import FrameType
from typing import Any, Self


def tell_service_manager(state: str) -> None:
    """Sends `state`, lines of `NAME=value`, where somebody wants to know. That nobody listens any more is no error."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    # A name that begins with @ is in the abstract namespace (unix(7)).
    address = f"\0{path[1:]}" if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications, suppress(OSError):
        notifications.sendto(state.encode(), address)


class SuccessorRequest:
    """Hears SIGUSR2 while entered: the request to start a process that takes over. Main thread only."""

    def __init__(self) -> None:
        self._asked = False
        self._before: Any = None

    def taken(self) -> bool:
        """Whether it was asked since the last look."""
        asked, self._asked = self._asked, False
        return asked

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGUSR2, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGUSR2, self._before)

    def _hear(self, _signal: int, _frame: FrameType | None) -> None:
        self._asked = True
