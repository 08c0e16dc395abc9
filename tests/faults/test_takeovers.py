"""An edge that is started anew, or taken over from, while viewers ask: no request over TCP is lost."""

import asyncio
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgeward.edge.takeover import Predecessor, TakeoverRefused
from edgeward.scenario import certificates
from edgeward.scenario.format import Door
from edgeward.scenario.message import Request
from edgeward.scenario.viewer import Viewer, attempt
from faults.edge_command import HOST, EdgeCommand, finish, order, plan, running
from faults.origin import Origin, content, running_origin
from faults.viewer import fetch


@pytest.fixture
def origin() -> Iterator[Origin]:
    with running_origin() as origin:
        yield origin


def test_an_edge_that_was_killed_serves_from_the_plan_it_kept(tmp_path: Path, origin: Origin) -> None:
    edge = EdgeCommand(tmp_path / "edge")
    with running(edge):
        edge.channel.load_plan(plan(7, origin.port))
        assert fetch(edge.http, 1, 700).is_right
        edge.processes[-1].kill()
        finish(edge.processes[-1])
        edge.start()
        assert "Going on with plan 7\n" in edge.said
        assert fetch(edge.http, 1, 700).is_right
        assert edge.channel.load_plan(plan(8, origin.port, base=7)) == 8


def test_a_takeover_costs_no_request_and_keeps_cache_plan_and_invalidations(tmp_path: Path, origin: Origin) -> None:
    edge = EdgeCommand(tmp_path / "edge")
    with running(edge):
        edge.channel.load_plan(plan(1, origin.port))
        assert [fetch(edge.http, 1, 700).cache for _ in range(2)] == ["Miss", "Hit"]
        with asking(edge.http) as (wrong, answered):
            for sequence in range(2, 6):
                edge.take_over()
                assert edge.channel.load_plan(plan(sequence, origin.port, base=sequence - 1)) == sequence
            assert fetch(edge.http, 1, 700).cache == "Hit", "the cache on disk goes along"
            edge.channel.invalidate(order(9, "/*"))
            edge.take_over()
            assert fetch(edge.http, 1, 700).cache == "Miss"
        assert edge.ended() == [0] * 5
    assert wrong == []
    assert answered[0] > 5


@pytest.mark.parametrize(
    "rounds", [3, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])], ids=["few", "many"]
)
def test_takeovers_and_new_certificates_cost_no_request_over_any_protocol(
    tmp_path: Path, origin: Origin, rounds: int
) -> None:
    edge = EdgeCommand(tmp_path / "edge")
    with running(edge), ExitStack() as viewers:
        edge.channel.load_plan(plan(1, origin.port))
        kept_alive, kept_answered = viewers.enter_context(asking(edge.http))
        doors: tuple[Door, ...] = ("h1-tls", "h2", "h3")
        loads = {door: viewers.enter_context(connecting(edge, door)) for door in doors}
        for sequence in range(2, rounds + 2):
            edge.take_over()
            assert edge.channel.load_plan(plan(sequence, origin.port, base=sequence - 1)) == sequence
        viewers.close()
        assert edge.ended() == [0] * rounds
    told = {door: f"{load.answered} answered, {len(load.failed)} failed" for door, load in loads.items()}
    print(f"{rounds} takeovers: kept connections {kept_answered[0]} answered, {len(kept_alive)} failed;", told)  # noqa: T201 - the figures
    assert kept_alive == []
    assert {door: load.failed for door, load in loads.items() if door != "h3"} == {"h1-tls": [], "h2": []}
    assert loads["h3"].failed_again == [], "a QUIC connection may have to be made once more, and then it holds"
    assert all(load.answered >= rounds for load in loads.values())


def test_what_was_invalidated_is_served_by_neither_process(tmp_path: Path, origin: Origin) -> None:
    edge = EdgeCommand(tmp_path / "edge")
    with running(edge):
        edge.channel.load_plan(plan(1, origin.port))
        kept = http.client.HTTPConnection("127.0.0.1", edge.http, timeout=20)
        assert [cache_of(kept, 1), cache_of(kept, 1)] == ["Miss", "Hit"]
        edge.take_over()
        edge.channel.invalidate(order(5, "/*"))
        assert cache_of(kept, 1) == "Miss", "a connection of the old process"
        while kept.sock is not None:
            assert cache_of(kept, 1) == "Hit", "until a response ends it"
        kept.close()
        assert edge.ended() == [0]


def test_a_takeover_that_breaks_off_changes_nothing(tmp_path: Path, origin: Origin) -> None:
    edge = EdgeCommand(tmp_path / "edge")
    with running(edge):
        edge.channel.load_plan(plan(1, origin.port))
        assert fetch(edge.http, 1, 700).is_right
        (process,) = edge.processes
        for _ in range(3):
            given_up(edge.folder)
        with pytest.raises(AssertionError, match="ended with status"):
            edge.start("--takeover", "--http", "192.0.2.1:1")
        finish(edge.processes.pop())
        assert edge.processes == [process]
        assert until_true((edge.folder / "edge" / "takeover.sock").exists)
        assert edge.channel.load_plan(plan(2, origin.port, base=1)) == 2
        assert fetch(edge.http, 1, 700).cache == "Hit"
        edge.take_over()
        assert edge.ended() == [0]
        assert fetch(edge.http, 2, 700).is_right


HANGS = [
    "before:hand_over",
    "after:hand_over",
    "sleep:release",
    "after:release",
    "before:succeeded",
]


@pytest.mark.parametrize("moment", HANGS)
def test_a_process_that_hangs_while_it_takes_over_is_ended_and_nothing_has_changed(
    tmp_path: Path, origin: Origin, moment: str
) -> None:
    edge = EdgeCommand(tmp_path / "edge", "--takeover-seconds", "5")
    with running(edge):
        edge.channel.load_plan(plan(1, origin.port))
        assert fetch(edge.http, 1, 700).cache == "Miss"
        (process,) = edge.processes
        hanging = edge.hang(moment)
        if moment == "before:hand_over":
            # It has nothing yet, so it is left alone: others can take over.
            os.waitpid(hanging.pid, os.WUNTRACED)
            until_refused_no_more(edge.folder)
            hanging.kill()
        else:
            said = edge.until_said(process, "The takeover failed, this process goes on")
            assert f"process {hanging.pid} failed: it did not come to" in said
            assert finish(hanging) in {-signal.SIGTERM, -signal.SIGKILL, 1}
            assert until_true((edge.folder / "edge" / "takeover.sock").exists)
            assert edge.status()["takeovers_failed"] == 1
        finish(hanging)
        assert edge.channel.load_plan(plan(2, origin.port, base=1)) == 2
        assert fetch(edge.http, 1, 700).cache == "Hit"
        assert fetch_over_quic(edge)
        edge.take_over()
        assert fetch(edge.http, 1, 700).cache == "Hit", "the cache on disk has stayed"
        assert edge.ended() == [0]


def test_an_old_process_that_takes_no_orders_any_more_is_ended(tmp_path: Path, origin: Origin) -> None:
    edge = EdgeCommand(tmp_path / "edge")
    with running(edge):
        edge.channel.load_plan(plan(1, origin.port))
        kept = http.client.HTTPConnection("127.0.0.1", edge.http, timeout=20)
        assert cache_of(kept, 1) == "Miss"
        edge.take_over()
        old, new = edge.processes
        old.send_signal(signal.SIGSTOP)
        assert edge.channel.invalidate(order(5, "/*")) == 5
        assert "did not take invalidate within" in edge.until_said(new, "The process before this one")
        assert finish(old) == -signal.SIGKILL
        with pytest.raises((OSError, http.client.HTTPException)):
            cache_of(kept, 1)
        assert edge.channel.load_plan(plan(2, origin.port, base=1)) == 2
        assert fetch(edge.http, 1, 700).cache == "Miss"


def test_a_service_manager_has_an_edge_replace_itself(tmp_path: Path, origin: Origin) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        edge = EdgeCommand(tmp_path / "edge", NOTIFY_SOCKET=str(tmp_path / "notify"))
        with running(edge):
            (process,) = edge.processes
            assert main_process(manager) == process.pid
            edge.channel.load_plan(plan(1, origin.port))
            process.send_signal(signal.SIGUSR2)
            successor = main_process(manager)
            try:
                assert successor != process.pid
                assert finish(process) == 0
                assert fetch(edge.http, 1, 700).is_right
            finally:
                os.kill(successor, signal.SIGTERM)
            assert until_true(lambda: not is_open(edge.http))


def main_process(manager: socket.socket) -> int:
    """The one that says that it is ready (systemd, sd_notify)."""
    while True:
        told = manager.recv(4096).decode()
        found = re.search(r"READY=1\nMAINPID=(\d+)", told)
        if found is not None:
            return int(found[1])


def test_a_stopped_edge_finishes_what_viewers_wait_for(tmp_path: Path, origin: Origin) -> None:
    edge = EdgeCommand(tmp_path / "edge")
    with running(edge):
        edge.channel.load_plan(plan(1, origin.port))
        origin.gate.clear()
        got = []
        viewer = threading.Thread(target=lambda: got.append(fetch(edge.http, 1, 500_000)))
        viewer.start()
        assert until_true(lambda: origin.requests == 1)
        edge.processes[-1].send_signal(signal.SIGTERM)
        assert until_true(lambda: not is_open(edge.http))
        origin.gate.set()
        viewer.join()
        assert got[0].is_right
        assert finish(edge.processes[-1]) == 0


def given_up(folder: Path) -> None:
    """A process that asks for the sockets, gets none because it listens nowhere, and goes away."""
    asking = (
        "import sys; from pathlib import Path; from edgeward.edge.takeover import Predecessor;"
        "Predecessor(Path(sys.argv[1]))._step('hand_over', sockets=sys.argv[2])"
    )
    command = [sys.executable, "-c", asking, str(folder / "edge" / "takeover.sock"), str(folder / "nobody.sock")]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "TakeoverRefused" in refused.stderr
    assert until_true((folder / "edge" / "takeover.sock").exists)


def until_refused_no_more(folder: Path) -> None:
    """Until the process that serves would hand over to this one."""

    def is_free() -> bool:
        asking = Predecessor(folder / "edge" / "takeover.sock")
        try:
            asking.release()
        except TakeoverRefused as refused:
            return "the next operation is hand_over" in str(refused)
        except ConnectionResetError:
            return False
        finally:
            asking.close()
        raise AssertionError("it comes later")

    assert until_true(is_free)


def fetch_over_quic(edge: EdgeCommand) -> bool:
    return _by_scenarios(edge, "h3")() is None


def cache_of(connection: http.client.HTTPConnection, seed: int) -> str:
    connection.request("GET", f"/{seed}/700", headers={"Host": HOST})
    response = connection.getresponse()
    assert response.read() == content(seed, 0, 700)
    return (response.getheader("x-cache") or "").partition(" ")[0]


def until_true(is_true: Callable[[], bool]) -> bool:
    """Waits for what another process is about to do."""
    deadline = time.monotonic() + 20
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


@contextmanager
def asking(port: int) -> Iterator[tuple[list[str], list[int]]]:
    """Viewers who keep their connections until told to close them, and never ask again for what failed."""
    wrong: list[str] = []
    answered = [0]
    over = threading.Event()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        while not over.is_set():
            try:
                cache_of(connection, 3)
                answered[0] += 1
            except (OSError, http.client.HTTPException, AssertionError) as error:
                wrong.append(repr(error))
                connection.close()
        connection.close()

    viewers = [threading.Thread(target=ask) for _ in range(3)]
    for viewer in viewers:
        viewer.start()
    try:
        yield wrong, answered
    finally:
        over.set()
        for viewer in viewers:
            viewer.join()


@dataclass
class Load:
    """What viewers got who make a connection for each request."""

    answered: int = 0
    failed: list[str] = field(default_factory=list)
    failed_again: list[str] = field(default_factory=list)
    """Of those, requests that were sent once more on another connection and failed there too."""


@contextmanager
def connecting(edge: EdgeCommand, door: Door) -> Iterator[Load]:
    """A viewer who goes on making connections: handshakes meet the takeover at every moment."""
    load, over = Load(), threading.Event()
    why_not = _by_curl(edge) if door == "h2" else _by_scenarios(edge, door)

    def ask() -> None:
        while not over.is_set():
            if (first := why_not()) is None:
                load.answered += 1
                continue
            load.failed.append(first)
            if (second := why_not()) is not None:
                load.failed_again.append(second)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield load
    finally:
        over.set()
        thread.join()


def _by_scenarios(edge: EdgeCommand, door: Door) -> Callable[[], str | None]:
    viewer = Viewer(http=("127.0.0.1", edge.http), https=("127.0.0.1", edge.https), root_pem=certificates.root_pem())
    request = Request(method="GET", target="/3/700", fields=[], authority=HOST)

    def why_not() -> str | None:
        outcome = asyncio.run(attempt(viewer.send(door, request, HOST)))
        response = outcome.responses[0] if outcome.responses else None
        is_right = response is not None and response.complete and response.content == content(3, 0, 700)
        return None if is_right else f"{outcome.failure}: {response}"

    return why_not


def _by_curl(edge: EdgeCommand) -> Callable[[], str | None]:
    """The client of scenarios takes GOAWAY for the end of its connection, and PING after it for an error."""
    authority = edge.folder.with_name("authority.pem")
    authority.write_text(certificates.root_pem())
    command = ["curl", "-sS", "--http2", "--cacert", str(authority), "--connect-to", f"::127.0.0.1:{edge.https}"]

    def why_not() -> str | None:
        got = subprocess.run([*command, f"https://{HOST}/3/700"], capture_output=True, check=False)
        return None if got.stdout == content(3, 0, 700) else f"{got.returncode}: {got.stderr.decode()}"

    return why_not
