"""A great many small stored responses: memory for each, a restart with them, an invalidation of all of them.

They are put there through the front door, as misses of viewers. Which ones are looked for afterwards is told by the
names that the load generator gave them.
"""

import http.client
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.cases import Budget, Case, Outcome
from bench.content import HOST, MEGABYTE, ONE_KILOBYTE
from bench.edgeward import Edge
from bench.failure import BenchError
from bench.load import Turn, load_command, parse_load
from bench.measure import Bench
from bench.probe import FETCH_SECONDS, fetch_all
from bench.scale.edges import OriginCount, Started, site_of, started
from bench.scale.reading import Reading, Unit, at_least, at_most
from bench.site import Running, Site
from bench.traffic import unique
from bench.workplace import tell
from edgeward.scenario.edge_under_test import id_of
from edgeward.scenario.expansion import MAIN


@dataclass(frozen=True, slots=True)
class Filled:
    """One run of the load generator: the responses named `<word>-1` to `<word>-<count>`."""

    word: str
    count: int


def measure_stored_on_disk(site: Site, bench: Bench, responses: int) -> Iterator[Reading]:
    """Memory for each response on disk, a restart, and what an invalidation of `/*` takes."""
    budget = Budget(memory_bytes=16 * MEGABYTE, disk_bytes=max(256 * MEGABYTE, responses * DISK_BYTES_EACH))
    empty, full = site_of(site, "empty", budget), site_of(site, "stored", budget)
    with started(empty) as edge:
        fetch(edge.running, [f"{UNIQUE.sample.path}first"])
        memory_before = edge.running.process.memory_bytes()
    with started(full) as edge:
        filled = fill(bench, edge.running, edge.edge, responses)
        before = edge.edge.ask("status")
        yield Reading(subject="stored on disk", value=before["disk_responses"], bound=at_least(responses))
        yield Reading(subject="records dropped on the way to disk", value=before["disk_records_dropped"])
    with started(full) as edge:
        yield from _after_restart(edge, site, filled, before["disk_responses"], memory_before)
        yield from _invalidated(edge, site.origin_port, filled)
    for folder in (full.folder, full.disk_folder):
        shutil.rmtree(folder)


def measure_stored_in_memory(site: Site, bench: Bench, responses: int) -> Iterator[Reading]:
    """Memory for each response in memory, and what an invalidation of `/*` takes."""
    own = site_of(site, "in-memory", Budget(memory_bytes=responses * MEMORY_BYTES_EACH))
    with started(own) as edge:
        memory_before = edge.running.process.memory_bytes()
        filled = fill(bench, edge.running, edge.edge, responses)
        stored = edge.edge.ask("status")["stored_responses"]
        grown = edge.running.process.memory_bytes() - memory_before
        yield Reading(subject="stored in memory", value=stored, bound=at_least(responses))
        yield Reading(subject="memory for each, its kilobyte included", value=grown / stored, unit=Unit.BYTES)
        yield from _invalidated(edge, site.origin_port, filled)


def _after_restart(
    edge: Started, site: Site, filled: list[Filled], stored_before: int, memory_before: int
) -> Iterator[Reading]:
    fetch(edge.running, [path_of(filled[0], 1)])
    serving = time.monotonic() - edge.began
    status, process = edge.edge.ask("status"), edge.running.process
    each = (process.memory_bytes() - memory_before) / max(1, status["disk_responses"])
    kept = status["disk_responses"] / max(1, stored_before)
    yield Reading(subject="from start to the first response", value=serving, unit=Unit.SECONDS, bound=at_most(2))
    yield Reading(subject="found again after a restart", value=kept, unit=Unit.SHARE, bound=at_least(0.99))
    yield Reading(subject="memory for each response on disk", value=each, unit=Unit.BYTES, bound=at_most(256))
    sample = list(sample_of(filled, SAMPLE))
    count = OriginCount(site.origin_port)
    fetch(edge.running, sample)
    hits = 1 - count.since() / len(sample)
    yield Reading(subject=f"hits among {len(sample):,} asked for", value=hits, unit=Unit.SHARE, bound=at_least(0.99))


def _invalidated(edge: Started, origin_port: int, filled: list[Filled]) -> Iterator[Reading]:
    """The call's own time; when it has returned, what was a hit before it has to be a miss."""
    known = list(sample_of(filled, 20))
    fetch(edge.running, known)
    count = OriginCount(origin_port)
    fetch(edge.running, known)
    if again := count.since():
        raise BenchError(f"{again} of {len(known)} responses were no hits before the invalidation")
    order = {"format": 1, "distribution": id_of(MAIN), "sequence": 1, "patterns": ["/*"]}
    took = edge.edge.ask(json.dumps(order)) / 1e9
    count = OriginCount(origin_port)
    fetch(edge.running, known)
    stale = len(known) - count.since()
    yield Reading(subject="an invalidation of /* over all of them", value=took, unit=Unit.SECONDS, bound=at_most(0.01))
    yield Reading(subject=f"hits after it among {len(known)}", value=stale, bound=at_most(0))


def fill(bench: Bench, running: Running, edge: Edge, responses: int) -> list[Filled]:
    """Have viewers ask for new paths until that many responses are stored; return what they asked for."""
    filled: list[Filled] = []
    for number in range(responses):  # each turn stores some; the last one is far away
        stored = _stored(edge)
        tell(f"  {stored:,} of {responses:,} stored")
        if stored >= responses:
            break
        word = f"turn{number}"
        command = load_command(FILLING, running.http_port, Turn(seconds=TURN_SECONDS, script_arguments=(word,)))
        report = parse_load(FILLING, bench.run(command, TURN_SECONDS))
        if report.errors or report.requests == 0:
            raise BenchError(f"could not fill the cache: {report.requests} responses, errors {report.errors}")
        filled.append(Filled(word, report.requests))
        if not edge.ask("flush-cache", FLUSH_SECONDS):
            raise BenchError(f"what was fetched was not stored within {FLUSH_SECONDS:.0f} s")
    return filled


def sample_of(filled: list[Filled], count: int) -> Iterator[str]:
    """Paths of `count` responses, or of all if they are fewer, evenly spread over what was asked for."""
    total = sum(each.count for each in filled)
    wanted = iter(sorted({number * total // count for number in range(count)}))
    place, passed = next(wanted, None), 0
    for each in filled:
        while place is not None and place < passed + each.count:
            yield path_of(each, place - passed + 1)
            place = next(wanted, None)
        passed += each.count


def path_of(filled: Filled, number: int) -> str:
    """Return the path of one response, as `wrk_unique.lua` makes it."""
    return f"{UNIQUE.sample.path}{filled.word}-{number}"


def fetch(running: Running, paths: list[str]) -> None:
    """Ask for paths as the load generator does."""
    connection = http.client.HTTPConnection("127.0.0.1", running.http_port, timeout=FETCH_SECONDS)
    fetch_all(paths, connection, f"{HOST}:{running.http_port}")


def _stored(edge: Edge) -> int:
    status = edge.ask("status")
    return max(int(status["stored_responses"]), int(status["disk_responses"]))


UNIQUE = unique(ONE_KILOBYTE)
FILLING = Case(name="filling", title="new paths", traffic=UNIQUE, outcome=Outcome.ORIGIN, connections=64)
TURN_SECONDS = 10
FLUSH_SECONDS = 70.0
SAMPLE = 10_000
DISK_BYTES_EACH = 4096
"""More than a kilobyte with its record takes, so that nothing has to make room."""
MEMORY_BYTES_EACH = 4096
