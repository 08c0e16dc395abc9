"""One process takes over from another on the same machine: sockets, cache and plans, without a lost request.

The process that serves listens at a Unix socket; the next one asks it, in this order, to `hand_over` (its sockets
and its disk), to `release` (the packets of QUIC), and says that it has `succeeded`. Lines of JSON ask and answer, as
at the plan socket. After the last, the connection carries what the control plane sends, so that viewers who are
still with the old process get nothing that was invalidated meanwhile. Invariant: a process that goes away before it
has succeeded has changed nothing: the old one goes on.
"""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.node import EdgeNode
from edgeward.edge.plan_socket import answer_plans, line_of
from edgeward.edge.unix_socket import UnixSocketServer, reachable


class TakeoverRefused(RuntimeError):
    """The process that serves does not hand over; it says why."""


class NotDone(RuntimeError):
    """What was asked holds here, and not in the process before this one, which still has viewers. Says why not."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the process before this one did not take it: {why}; send it again")


class TakeoverSocket:
    """Hands over to whoever asks at `path`. Start it once."""

    def __init__(
        self, agent: EdgeAgent, node: EdgeNode, path: Path, *, pause: Callable[[], Callable[[], None]]
    ) -> None:
        """`pause` closes what the next process opens at the same place, and returns what opens it again."""
        self._agent = agent
        self._node = node
        self._pause = pause
        self._one_at_a_time = threading.Lock()
        self.succeeded = threading.Event()
        """Another process serves now: this one is to let its viewers go, and to end."""
        self._socket = UnixSocketServer(path, self._converse, name="edge-takeover", patience_seconds=None)

    def start(self) -> None:
        """Opens the socket, in place of one that a killed process left. Raises `OSError` when it cannot."""
        self._socket.start()

    def stop(self) -> None:
        """Closes the socket. One that was not started stays so; a takeover under way goes on."""
        self._socket.stop()

    def _converse(self, questions: BufferedIOBase, answers: BufferedIOBase) -> None:
        if self.succeeded.is_set() or not self._one_at_a_time.acquire(blocking=False):
            answers.write(line_of({"error": "another process is taking over already"}))
            return
        with ExitStack() as on_failure:
            on_failure.callback(self._one_at_a_time.release)
            for operation in ("hand_over", "release", "succeeded"):
                if not self._take_step(operation, questions, answers, on_failure):
                    return
            on_failure.pop_all()
        answer_plans({"load_plan": self._agent.load_plan, "invalidate": self._agent.invalidate}, questions, answers)

    def _take_step(
        self, expected: str, questions: BufferedIOBase, answers: BufferedIOBase, on_failure: ExitStack
    ) -> bool:
        """Does what is asked, if it is the step that is due; False when the conversation is over."""
        try:
            self._do(_step(questions.readline(LONGEST_LINE), expected), on_failure)
        except (ValueError, KeyError, TypeError, OSError, RuntimeError) as error:
            with suppress(OSError):
                answers.write(line_of({"error": str(error)}))
            return False
        answers.write(line_of({"answer": expected}))
        return True

    def _do(self, question: dict[str, Any], on_failure: ExitStack) -> None:
        if question["operation"] == "hand_over":
            self._node.hand_over()
            on_failure.callback(self._node.take_back)
            on_failure.callback(self._pause())
            on_failure.callback(self._agent.take_back)
            self._agent.hand_over(Path(question["sockets"]))
        elif question["operation"] == "release":
            self._agent.release()
        else:
            self.succeeded.set()


def _step(line: bytes, expected: str) -> dict[str, Any]:
    question = dict(json.loads(line))
    if question["operation"] != expected:
        raise ValueError(f"the next operation is {expected}")
    return question


class Predecessor:
    """The process that serves now, seen by the one that takes over. Raises `TakeoverRefused`, or `OSError`."""

    def __init__(self, path: Path) -> None:
        """Connects. Raises `OSError` where no process serves."""
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.settimeout(PATIENCE_SECONDS)
        with reachable(path) as address:
            self._connection.connect(address)
        self._answers = self._connection.makefile("rb")

    def hand_over(self, agent: EdgeAgent, sockets: Path) -> None:
        """Has it send its sockets, for `agent.open`, by way of the path `sockets`."""
        sockets.unlink(missing_ok=True)
        with reachable(sockets) as address:
            agent.expect_sockets(Path(address))
        try:
            self._step("hand_over", sockets=str(sockets))
        finally:
            sockets.unlink(missing_ok=True)

    def release(self) -> None:
        """Has it leave the packets of QUIC to this process."""
        self._step("release")

    def succeed(self) -> None:
        """Has it let its viewers go."""
        self._step("succeeded")

    def tell(self, operation: str, content: bytes) -> bool:
        """Has it do what the control plane asks; False once it is gone. Raises `NotDone` when it does not do it."""
        try:
            self._connection.sendall(line_of({"operation": operation, "bytes": len(content)}) + content)
            line = self._answers.readline(LONGEST_LINE)
        except TimeoutError as silent:
            raise NotDone("it does not answer") from silent
        except OSError:
            return False
        if line and "error" in (answer := json.loads(line)):
            raise NotDone(str(answer["error"]))
        return bool(line)

    def close(self) -> None:
        """Leaves it alone: before `succeed`, it goes on serving."""
        self._answers.close()
        self._connection.close()

    def _step(self, operation: str, **members: str) -> None:
        self._connection.sendall(line_of({"operation": operation} | members))
        answer = json.loads(self._answers.readline(LONGEST_LINE) or b'{"error": "it has ended"}')
        if "answer" not in answer:
            raise TakeoverRefused(str(answer["error"]))


PATIENCE_SECONDS = 60.0
"""For the old process to write what it has for its disk."""
LONGEST_LINE = 64 * 1024
