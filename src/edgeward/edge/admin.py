"""The admin socket of an edge: what its operator asks it on the same machine.

A Unix socket in a folder of mode 0700; one line of JSON asks, `{"operation": ..., ...members}`, one line answers,
`{"answer": ...}` or `{"error": ...}`, and the connection may go on. Invariant: whoever can connect owns the process's
files already; nothing here changes what viewers get. Started by whoever runs an edge; in a fleet the control plane
would carry the same questions to every edge.
"""

import json
from collections.abc import Callable, Mapping
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.unix_socket import UnixSocketServer

Operation = Callable[[Mapping[str, Any]], Any]


class AdminSocket:
    """Answers questions about `agent` at `path`. Start it once."""

    def __init__(self, agent: EdgeAgent, path: Path, figures: Callable[[], Mapping[str, int]] = dict) -> None:
        """`figures` are those of the program around the edge; they stand in its status."""
        self._operations: dict[str, Operation] = {
            "status": lambda _members: {**agent.status(), **figures()},
            "list": lambda members: json.loads(agent.list_stored(json.dumps(members).encode())),
            "flush_logs": lambda _members: agent.flush_logs(),
            "reload_geo": lambda _members: agent.reload_geo(),
        }
        self._socket = UnixSocketServer(path, self._converse, name="edge-admin")

    def start(self) -> None:
        """Opens the socket, in place of one that a killed process left. Raises `OSError` when it cannot."""
        self._socket.start()

    def stop(self) -> None:
        """Closes the socket. One that was not started stays so."""
        self._socket.stop()

    def _converse(self, questions: BufferedIOBase, answers: BufferedIOBase) -> None:
        """Line by line, until the other side has no more questions."""
        while line := questions.readline(LONGEST_LINE):
            answers.write(json.dumps(_answer(self._operations, line)).encode() + b"\n")


def _answer(operations: Mapping[str, Operation], line: bytes) -> dict[str, Any]:
    try:
        question = json.loads(line)
        name = question.pop("operation")
        operation = operations[name]
    except (ValueError, AttributeError, KeyError, TypeError):
        known = ", ".join(operations)
        return {"error": f'a question is one line of JSON, {{"operation": ...}}, with one of the operations {known}'}
    try:
        return {"answer": operation(question)}
    except (ValueError, RuntimeError) as error:
        return {"error": str(error)}


LONGEST_LINE = 64 * 1024
