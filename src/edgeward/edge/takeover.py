"""One process takes over from another on the same machine: sockets, cache and plans, without a lost request.

The process that serves listens at a Unix socket; the next one asks it, in this order, to `hand_over` (its sockets
and its disk), to `release` (the packets of QUIC), and says that it has `succeeded`. Lines of JSON ask and answer, as
at the plan socket. After the last, the connection carries what the control plane sends, so that viewers who are
still with the old process get nothing that was invalidated meanwhile. Invariants: a process that goes away, or says
nothing for too long, before it has succeeded has changed nothing: it is ended, and the old one goes on. An old
process that does not take what it is told is ended.
"""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.node import EdgeNode
from edgeward.edge.other_process import CannotEnd, OtherProcess, read_line
from edgeward.edge.plan_socket import answer_plans, line_of
from edgeward.edge.unix_socket import UnixSocketServer, reachable


class TakeoverRefused(RuntimeError):
    """The process that serves does not hand over; it says why."""


class NotDone(RuntimeError):
    """What was asked holds here, and not in the process before this one, which still has viewers. Says why not."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the process before this one did not take it: {why}; send it again")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that one process of a takeover waits for the other."""

    step: float = 60.0
    """For the next step: the new process reads what is on disk and the kept plan, the old one writes what it has."""
    order: float = 15.0
    """For the old process to take a plan or an order. With `end`, less than a control plane waits for an answer."""
    end: float = 3.0
    """For a process to end by itself, and after each signal."""


class TakeoverSocket:
    """Hands over to whoever asks at `path`. Start it once."""

    def __init__(
        self,
        agent: EdgeAgent,
        node: EdgeNode,
        path: Path,
        *,
        pause: Callable[[], Callable[[str], None]],
        patience: Patience,
    ) -> None:
        """`pause` closes what the next process opens at the same place; what it returns opens it again, told why."""
        self._agent = agent
        self._node = node
        self._pause = pause
        self._patience = patience
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
        with ExitStack() as parts:
            parts.callback(self._one_at_a_time.release)
            # The same socket once more; nothing has been read of `questions`.
            connection = parts.enter_context(socket.fromfd(questions.fileno(), socket.AF_UNIX, socket.SOCK_STREAM))
            successor = parts.enter_context(OtherProcess(connection))
            attempt = _Attempt(self._agent, self._node, self._pause, self._patience)
            if not attempt.take_steps(connection, successor):
                return
            self.succeeded.set()
        answer_plans({"load_plan": self._agent.load_plan, "invalidate": self._agent.invalidate}, questions, answers)


class _Attempt:
    """One takeover, on the side that hands over: what it has given away, and how it gets that back."""

    def __init__(
        self, agent: EdgeAgent, node: EdgeNode, pause: Callable[[], Callable[[str], None]], patience: Patience
    ) -> None:
        self._agent = agent
        self._node = node
        self._pause = pause
        self._patience = patience
        self._resume: Callable[[str], None] | None = None

    def take_steps(self, connection: socket.socket, successor: OtherProcess) -> bool:
        """Whether the other process has succeeded; where it has not, it has ended, and all is as it was."""
        for operation in ("hand_over", "release", "succeeded"):
            why = self._take_step(operation, connection)
            if why is not None:
                self._take_back(why, connection, successor)
                return False
        return True

    def _take_step(self, expected: str, connection: socket.socket) -> str | None:
        """Does what is asked, if it is the step that is due; why not, where it cannot be."""
        try:
            line = read_line(connection, LONGEST_LINE, self._patience.step)
            if not line:
                return f"it went away before {expected}"
            self._do(_step(line, expected))
            connection.sendall(line_of({"answer": expected}))
        except TimeoutError:
            return f"it did not come to {expected} within {self._patience.step:g} s"
        except (ValueError, KeyError, TypeError, OSError, RuntimeError) as error:
            with suppress(OSError):
                connection.sendall(line_of({"error": str(error)}))
            return f"{expected}: {error}"
        return None

    def _do(self, question: dict[str, Any]) -> None:
        if question["operation"] == "hand_over":
            sockets = Path(question["sockets"])
            self._node.hand_over()
            self._resume = self._pause()
            self._agent.hand_over(sockets)
        elif question["operation"] == "release":
            self._agent.release()

    def _take_back(self, why: str, connection: socket.socket, successor: OtherProcess) -> None:
        # It hears that it is over; what it has of ours is free once it has ended.
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        if self._resume is None:
            self._node.take_back()
            return
        try:
            how = successor.end(self._patience.end)
        except CannotEnd as error:
            how = str(error)
        try:
            self._agent.take_back()
        except OSError as error:
            how = f"{how}; the cache on disk cannot be had back: {error}"
        self._resume(f"process {successor.pid} failed: {why}; {how}")
        self._node.take_back()


def _step(line: bytes, expected: str) -> dict[str, Any]:
    question = dict(json.loads(line))
    if question["operation"] != expected:
        raise ValueError(f"the next operation is {expected}")
    return question


class Predecessor:
    """The process that serves now, seen by the one that takes over. Raises `TakeoverRefused`, or `OSError`."""

    def __init__(
        self, path: Path, patience: Patience | None = None, say: Callable[[str], None] = lambda _what: None
    ) -> None:
        """Connects. `say` is told where the process had to be ended. Raises `OSError` where no process serves."""
        self._patience = patience or Patience()
        self._say = say
        with ExitStack() as on_failure:
            self._connection = on_failure.enter_context(socket.socket(socket.AF_UNIX))
            self._connection.settimeout(self._patience.step)
            with reachable(path) as address:
                self._connection.connect(address)
            self._process = OtherProcess(self._connection)
            on_failure.pop_all()

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
        """Has it do what the control plane asks; False once it has ended. Raises `NotDone` when it does not do it.

        One that says nothing is ended: if it lived on, its viewers could get what was invalidated.
        """
        try:
            self._connection.settimeout(self._patience.order)
            self._connection.sendall(line_of({"operation": operation, "bytes": len(content)}) + content)
            line = read_line(self._connection, LONGEST_LINE, self._patience.order)
        except TimeoutError:
            return self._end(f"it did not take {operation} within {self._patience.order:g} s")
        except OSError as error:
            return self._end(f"it does not hear {operation}: {error}")
        if not line:
            return self._end(f"it has closed the connection at {operation}")
        if "error" in (answer := json.loads(line)):
            raise NotDone(str(answer["error"]))
        return True

    def _end(self, why: str) -> bool:
        """False, once it has ended. The connection is of no use any more, whether or not it has."""
        self._connection.close()
        if self._process.has_ended(0.0):
            return False
        try:
            how = self._process.end(self._patience.end)
        except CannotEnd as error:
            raise NotDone(f"{why}, and {error}") from error
        self._say(f"The process before this one ({self._process.pid}) did not answer: {why}; {how}")
        return False

    def close(self) -> None:
        """Leaves it alone: before `succeed`, it goes on serving."""
        self._connection.close()
        self._process.close()

    def _step(self, operation: str, **members: str) -> None:
        try:
            # One that refuses at once says so before it hears anything.
            with suppress(BrokenPipeError):
                self._connection.sendall(line_of({"operation": operation} | members))
            line = read_line(self._connection, LONGEST_LINE, self._patience.step)
        except TimeoutError as silent:
            why = f"process {self._process.pid} serves, and did not do {operation} within {self._patience.step:g} s"
            raise TakeoverRefused(f"{why}: where it hangs, end it and start again") from silent
        answer = json.loads(line or b'{"error": "it has ended"}')
        if "answer" not in answer:
            raise TakeoverRefused(str(answer["error"]))


LONGEST_LINE = 64 * 1024
