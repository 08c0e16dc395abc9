"""The scripted origins of a scenario: real listeners on 127.0.0.1 that answer what a step says, and misbehave.

Each step plays one `Performance`: a queue of answers. A request that finds no answer left is a problem of
the step, as is an answer that nobody asked for; so a step that scripts nothing proves that the origin was
not reached. Everything runs on the runner's event loop. Called by `runner` alone.
"""

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from dataclasses import dataclass

from edgeward.scenario.delivery import Delivery, Performance, brief, reset
from edgeward.scenario.expectations import OriginExpect
from edgeward.scenario.message import READ_LIMIT, MalformedMessage, Request, read_request
from edgeward.scenario.origin_script import WITHOUT_CONNECTION, Script
from edgeward.scenario.timeline import Timeline


class Origins:
    """All origins of one scenario. Counts requests and connections over its whole life."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._listeners: list[_Listener] = []
        self._performances: list[Performance] = []
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._stray_problems: list[str] = []
        self.request_count = 0
        self.connection_count = 0

    async def listen(self, name: str, tls: ssl.SSLContext | None = None) -> int:
        """Let the origin `name` listen on a free port of 127.0.0.1, over TLS if given, and return the port."""
        bound = _bound_socket(0)
        listener = _Listener(name, bound.getsockname()[1], tls)
        self._listeners.append(listener)
        await self._open(listener, bound)
        return listener.port

    async def close(self) -> None:
        """Close every listener and connection."""
        for listener in self._listeners:
            listener.shut()
            if listener.placeholder is not None:
                listener.take_port().close()
        serving = self._drop_connections()
        await asyncio.gather(*serving, return_exceptions=True)

    async def begin(self, script: Script, *, hold: bool = False, gate: asyncio.Event | None = None) -> Performance:
        """Start to play `script`; answers are held back when `hold`, and wait for `gate` when there is one."""
        performance = Performance(deque(each for each in script.answers for _ in range(each.times)), gate)
        performance.problems += self.take_stray_problems()
        if not hold:
            performance.released.set()
        for answer in [answer for answer in script.answers if answer.fault in WITHOUT_CONNECTION]:
            performance.answers.remove(answer)
            self._take_away(answer.expect.to, is_silent=answer.fault == "unreachable")
        self._performances.append(performance)
        return performance

    async def end(self, performance: Performance) -> list[str]:
        """Stop playing; returns what went wrong, one line each.

        An edge that asks in the background may do so just after it has answered: it is waited for.
        """
        await _asked_for(performance)
        performance.ended.set()
        self._performances.remove(performance)
        await self._listen_again()
        if performance.answers:
            left = len(performance.answers)
            performance.problems.append(f"origin: {left} scripted answer(s) that no origin request asked for")
        return performance.problems

    def take_stray_problems(self) -> list[str]:
        """What reached the origins while no step played, each told once."""
        taken, self._stray_problems = self._stray_problems, []
        return taken

    async def _open(self, listener: "_Listener", bound: socket.socket) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(listener.name, reader, writer)

        listener.server = await asyncio.start_server(
            serve, sock=bound, ssl=listener.tls, limit=READ_LIMIT, backlog=2048
        )

    def _take_away(self, name: str | None, *, is_silent: bool) -> None:
        """Stop accepting connections, all of them for None, and drop idle ones; a silent one does not even refuse. The
        port stays bound so that nobody else gets it.
        """
        for listener in self._listeners:
            if name in (listener.name, None):
                listener.shut()
                listener.placeholder = _bound_socket(listener.port)
                if is_silent:
                    listener.fillers = _fill_queue(listener.placeholder)
        self._drop_connections()

    async def _listen_again(self) -> None:
        for listener in self._listeners:
            if listener.placeholder is not None:
                await self._open(listener, listener.take_port())

    def _drop_connections(self) -> list[asyncio.Task[None]]:
        for task, writer in self._connections.items():
            writer.transport.abort()
            task.cancel()
        return list(self._connections)

    async def _serve(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection is always served by a task"
        self._connections[task] = writer
        self.connection_count += 1
        try:
            while await self._exchange(name, reader, writer):
                pass
        except (ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            writer.transport.abort()
        except MalformedMessage as broken:
            self._blame(f"origin: received something that is not HTTP/1.1: {broken}")
            writer.transport.abort()
        finally:
            del self._connections[task]
            with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
                writer.close()
                await writer.wait_closed()

    async def _exchange(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection is over."""
        request = await read_request(reader)
        if request is None:
            return False
        self.request_count += 1
        self._timeline.note("origin", f"< {name} {request.method} {request.target} {brief(request.fields)}")
        performance = self._performance_for(name, request)
        if performance is None:
            reset(writer)
            return False
        answer = performance.answers.popleft()
        if not performance.answers:
            performance.exhausted.set()
        now_ms = self._timeline.clock.now_ms
        performance.problems += request_problems(answer.expect, name, request, now_ms)
        delivery = Delivery(
            timeline=self._timeline, performance=performance, answer=answer, request=request, writer=writer
        )
        return await delivery.run()

    def _performance_for(self, name: str, request: Request) -> Performance | None:
        """The newest step that still has an answer: steps under `during:` come before the one that waits."""
        for performance in reversed(self._performances):
            if performance.answers:
                return performance
        self._blame(f"origin: {name} got {request.method} {request.target}, which the step does not script")
        return None

    def _blame(self, problem: str) -> None:
        self._timeline.note("origin", f"! {problem}")
        problems = self._performances[-1].problems if self._performances else self._stray_problems
        problems.append(problem)


def request_problems(expect: OriginExpect, name: str, request: Request, now_ms: int) -> list[str]:
    """What is not as expected about an origin request, one line each."""
    pairs = [("origin", expect.to, name), ("method", expect.method, request.method)]
    pairs.append(("path", expect.path, request.target))
    wrong = [f"{key}: expected {want}, got {got}" for key, want, got in pairs if want not in (None, got)]
    wrong += expect.headers.mismatches(request.fields, now_ms)
    if expect.content is not None:
        wrong += expect.content.mismatches(request.content)
    return [f"origin request: {line}" for line in wrong]


async def _asked_for(performance: Performance) -> None:
    if performance.answers:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(performance.exhausted.wait(), _PATIENCE_SECONDS)


@dataclass(slots=True)
class _Listener:
    """One origin's listening socket; `server` is None while it refuses connections."""

    name: str
    port: int
    tls: ssl.SSLContext | None
    server: asyncio.Server | None = None
    placeholder: socket.socket | None = None
    fillers: tuple[socket.socket, ...] = ()
    """Connections that fill the queue of the placeholder."""

    def take_port(self) -> socket.socket:
        """A socket bound to the port, to listen on again; the placeholder is gone, and its queue with it."""
        if self.placeholder is not None:
            self.placeholder.close()
        for filler in self.fillers:
            filler.close()
        self.placeholder, self.fillers = None, ()
        return _bound_socket(self.port)

    def shut(self) -> None:
        """Stop to accept connections."""
        if self.server is not None:
            self.server.close()
            self.server = None


def _bound_socket(port: int) -> socket.socket:
    """A TCP socket bound to a port of 127.0.0.1 (0: a free one) that does not listen yet."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    bound.setblocking(False)
    return bound


def _fill_queue(bound: socket.socket) -> tuple[socket.socket, ...]:
    """Fill the queue of connections to be accepted: from then on the system answers no more of them."""
    bound.listen(0)
    fillers = tuple(socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(2))
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(bound.getsockname())
    return fillers


_PATIENCE_SECONDS = 0.5
