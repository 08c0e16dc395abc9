"""The plan socket of an edge: how a control plane in another process of the same machine reaches it.

The wire form of `edgeward.deploy`'s channel over a Unix socket. One line of JSON asks, `{"operation": "load_plan",
"bytes": 1234}`, that many bytes follow, one line answers: `{"answer": 7}` or `{"error": "..."}`. Invariant: an error of
the engine is an answer, and the edge goes on with what it has. `edgeward.deploy.socket_channel` is the other end.
"""

import json
from collections.abc import Callable, Mapping
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.node import EdgeNode
from edgeward.edge.unix_socket import UnixSocketServer


class PlanSocket:
    """Takes plans and invalidation orders for `agent` at `path`. Start it once."""

    def __init__(self, agent: EdgeAgent | EdgeNode, path: Path) -> None:
        self._operations: dict[str, Callable[[bytes], int]] = {
            "plan_sequence": lambda _nothing: agent.plan_sequence(),
            "load_plan": agent.load_plan,
            "invalidate": agent.invalidate,
        }
        self._socket = UnixSocketServer(path, self._converse, name="edge-plans")

    def start(self) -> None:
        """Opens the socket, in place of one that a killed process left. Raises `OSError` when it cannot."""
        self._socket.start()

    def stop(self) -> None:
        """Closes the socket."""
        self._socket.stop()

    def _converse(self, questions: BufferedIOBase, answers: BufferedIOBase) -> None:
        answer_plans(self._operations, questions, answers)


def answer_plans(
    operations: Mapping[str, Callable[[bytes], int]], questions: BufferedIOBase, answers: BufferedIOBase
) -> None:
    """Until the other side has no more questions, or sends something that is none."""
    while line := questions.readline(LONGEST_LINE):
        question = _read(line)
        if question is None:
            answers.write(line_of({"error": "a question is one line of JSON with an operation and its bytes"}))
            return
        content = questions.read(question["bytes"])
        if len(content) < question["bytes"]:
            return
        answers.write(line_of(_answer(operations, question["operation"], content)))


def _answer(operations: Mapping[str, Callable[[bytes], int]], operation: str, content: bytes) -> dict[str, Any]:
    try:
        return {"answer": operations[operation](content)}
    except KeyError:
        return {"error": f"there is no operation {operation!r}; there are {', '.join(operations)}"}
    except (ValueError, RuntimeError, OSError) as error:
        return {"error": str(error)}


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        question = json.loads(line)
    except ValueError:
        return None
    is_sound = isinstance(question, dict) and isinstance(question.get("operation"), str)
    if not is_sound or type(question.get("bytes")) is not int or not 0 <= question["bytes"] <= MOST_BYTES:
        return None
    return dict(question)


def line_of(answer: dict[str, Any]) -> bytes:
    """As it goes over the socket."""
    return json.dumps(answer).encode() + b"\n"


LONGEST_LINE = 1024
MOST_BYTES = 1 << 30
"""Bytes of a plan: a hundred times that of 10,000 distributions."""
