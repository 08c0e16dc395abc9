"""A channel to an edge in another process of this machine, over its plan socket.

Each call is a connection of its own: an edge that was started anew is simply found again. Implements
`deploy.channel.Channel`; `edgeward.edge.plan_socket` is the other end.
"""

import json
import socket
from pathlib import Path
from typing import Any

from edgeward.edge.unix_socket import reachable


class EdgeRefused(RuntimeError):
    """The edge answered that it cannot do this; it says why."""


class SocketChannel:
    """The way to the edge that listens at `path`. Every failure raises `OSError`, `ValueError` or `EdgeRefused`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def plan_sequence(self) -> int:
        """The sequence of the plan that is live; 0 on an edge that has none."""
        return self._ask("plan_sequence", b"")

    def load_plan(self, update: bytes, /) -> int:
        """Makes a plan or a change of it live; returns the sequence now live."""
        return self._ask("load_plan", update)

    def invalidate(self, order: bytes, /) -> int:
        """Carries out an invalidation order; returns its sequence."""
        return self._ask("invalidate", order)

    def _ask(self, operation: str, content: bytes) -> int:
        question = json.dumps({"operation": operation, "bytes": len(content)}).encode() + b"\n"
        with reachable(self._path) as address, socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(TIMEOUT_SECONDS)
            connection.connect(address)
            connection.sendall(question + content)
            with connection.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline(LONGEST_ANSWER))
        if "answer" not in answer:
            raise EdgeRefused(answer.get("error", "the edge gave no answer"))
        return int(answer["answer"])


TIMEOUT_SECONDS = 30
LONGEST_ANSWER = 64 * 1024
