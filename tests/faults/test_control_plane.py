"""A control plane that is killed again and again: no acknowledged write is lost, none is half done, edges go on.

Every distribution says by its DefaultRootObject which version the edge has: the origin answers with the path it was
asked for.
"""

import http.client
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from faults.api_process import Answer, ApiProcess, Caller
from faults.socket_edge import SocketEdge

CONVERGE_SECONDS = 20
MOST = 6


@dataclass(frozen=True, slots=True)
class Version:
    """What was acknowledged of a distribution."""

    reference: str
    root: str
    enabled: bool
    etag: str | None = None
    domain: str = ""

    def config(self, origin_port: int) -> dict[str, Any]:
        custom = {"HTTPPort": origin_port, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
        return {
            "CallerReference": self.reference,
            "Comment": self.root,
            "DefaultRootObject": self.root,
            "Enabled": self.enabled,
            "Origins": {
                "Quantity": 1,
                "Items": [{"Id": "site", "DomainName": "localhost", "CustomOriginConfig": custom}],
            },
            "DefaultCacheBehavior": {
                "TargetOriginId": "site",
                "ViewerProtocolPolicy": "allow-all",
                "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            },
        }


@dataclass(slots=True)
class Ledger:
    """All that was acknowledged, and what was under way when the control plane died."""

    living: dict[str, Version] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    """Domain names of deleted distributions."""
    under_way: tuple[str | None, Version | None] | None = None
    """Of which distribution, and what it was to become: no id for a new one, no version for one that ends."""
    acknowledged: int = 0


@pytest.mark.timeout(180)
def test_a_killed_control_plane_loses_nothing(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, rounds=4)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, rounds=200)


def kill_again_and_again(folder: Path, rounds: int) -> None:
    draw, ledger = random.Random(7), Ledger()
    with ExitStack() as stack:
        origin_port = stack.enter_context(running_echo())
        edge = SocketEdge(folder / "edge" / "plans.sock")
        stack.callback(edge.stop)
        api = ApiProcess(folder, f"sqlite:///{folder / 'control-plane.db'}", "publish", edge.plans)
        api.start()
        with closing(Caller(api.port)) as caller:
            _, steady = create(caller, Version("steady", "steady.html", enabled=True), origin_port)
        unserved = stack.enter_context(watched(edge.port, steady))
        for _ in range(rounds):
            killer = threading.Timer(draw.uniform(0.02, 0.6), api.kill)
            killer.start()
            with closing(Caller(api.port)) as caller:
                write_until_killed(caller, ledger, draw, origin_port)
            killer.join()
            api.start()
            with closing(Caller(api.port)) as caller:
                check_store(caller, ledger)
            check_edge(edge.port, ledger)
        api.stop()
    assert unserved == []
    assert ledger.acknowledged > rounds


def write_until_killed(caller: Caller, ledger: Ledger, draw: random.Random, origin_port: int) -> None:
    """Creates, changes, disables, deletes and invalidates, and keeps the ledger."""
    try:
        while True:
            write(caller, ledger, draw, origin_port)
            ledger.acknowledged += 1
    except (OSError, http.client.HTTPException):
        return


def write(caller: Caller, ledger: Ledger, draw: random.Random, origin_port: int) -> None:
    name = f"v{draw.getrandbits(48):x}.html"
    if not ledger.living or (len(ledger.living) < MOST and draw.random() < 0.3):
        new = Version(name, name, enabled=True)
        ledger.under_way = (None, new)
        made = create(caller, new, origin_port)
        ledger.living[made[0]] = made[1]
    else:
        target, version = draw.choice(sorted(ledger.living.items()))
        if not version.enabled:
            ledger.under_way = (target, None)
            done(caller.call("DeleteDistribution", Id=target, IfMatch=version.etag), 204)
            ledger.ended.add(ledger.living.pop(target).domain)
        elif draw.random() < 0.2:
            batch = {"CallerReference": name, "Paths": {"Quantity": 1, "Items": ["/*"]}}
            done(caller.call("CreateInvalidation", DistributionId=target, InvalidationBatch=batch), 201)
        else:
            changed = replace(version, root=name, enabled=draw.random() < 0.8)
            ledger.under_way = (target, changed)
            config = changed.config(origin_port)
            answer = done(
                caller.call("UpdateDistribution", Id=target, IfMatch=version.etag, DistributionConfig=config), 200
            )
            ledger.living[target] = replace(changed, etag=answer.members["ETag"])
    ledger.under_way = None


def create(caller: Caller, new: Version, origin_port: int) -> tuple[str, Version]:
    answer = done(caller.call("CreateDistribution", DistributionConfig=new.config(origin_port)), 201)
    return answer.members["Distribution"]["Id"], read(answer)


def done(answer: Answer, status: int) -> Answer:
    assert answer.status == status, answer.members
    return answer


def check_store(caller: Caller, ledger: Ledger) -> None:
    """What is there is what was acknowledged; of the write under way all or nothing is."""
    under_way, ledger.under_way = ledger.under_way, None
    listed = done(caller.call("ListDistributions"), 200).members["DistributionList"]
    found = {item["Id"] for item in listed["Items"]}
    for target in found | ledger.living.keys():
        answer = caller.call("GetDistribution", Id=target)
        seen = read(answer) if answer.status == 200 else None
        if seen is not None and seen.reference == "steady":
            continue
        if seen == ledger.living.get(target):
            continue
        assert under_way is not None, f"{target}: {seen} in place of {ledger.living.get(target)}"
        assert under_way[0] in (target, None), f"{target}: {seen}, while {under_way} was under way"
        adopt(ledger, target, seen, under_way[1])


def adopt(ledger: Ledger, target: str, seen: Version | None, meant: Version | None) -> None:
    """The write under way was done, though nobody was told."""
    if seen is None:
        assert meant is None
        ledger.ended.add(ledger.living.pop(target).domain)
        return
    assert meant is not None
    assert (seen.reference, seen.root, seen.enabled) == (meant.reference, meant.root, meant.enabled)
    ledger.living[target] = seen


def read(answer: Answer) -> Version:
    distribution = answer.members["Distribution"]
    config = distribution["DistributionConfig"]
    return Version(
        reference=config["CallerReference"],
        root=config["DefaultRootObject"],
        enabled=config["Enabled"],
        etag=answer.members["ETag"],
        domain=distribution["DomainName"],
    )


def check_edge(port: int, ledger: Ledger) -> None:
    """The edge gets to what the store has."""
    wanted = {
        version.domain: (200, f"/{version.root}") if version.enabled else (403, "")
        for version in ledger.living.values()
    } | dict.fromkeys(ledger.ended, (403, ""))
    deadline = time.monotonic() + CONVERGE_SECONDS
    for domain, expected in wanted.items():
        while (got := fetch(port, domain)) != expected:
            assert time.monotonic() < deadline, f"{domain}: {got} in place of {expected}"
            time.sleep(0.02)


def fetch(port: int, domain: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": domain})
        response = connection.getresponse()
        content = response.read().decode()
        return response.status, content if response.status == 200 else ""
    finally:
        connection.close()


@contextmanager
def watched(port: int, steady: Version) -> Iterator[list[str]]:
    """Asks for one distribution all the time, and lists what is not as it should be."""
    wrong: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            try:
                got = fetch(port, steady.domain)
            except (OSError, http.client.HTTPException) as error:
                wrong.append(repr(error))
                continue
            if got != (200, f"/{steady.root}"):
                wrong.append(repr(got))

    thread = threading.Thread(target=watch)
    thread.start()
    yield wrong
    over.set()
    thread.join()


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        content = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def running_echo() -> Iterator[int]:
    """An origin that answers with the path it was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()
