"""The command: `python -m bench.scale [--cases ...] [--responses N] [--distributions N] [--json PATH]`.

Exit status: 0 when every bound is kept, 1 when one is not, 2 when nothing could be measured.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.edgeward import is_built
from bench.failure import BenchError
from bench.measure import Bench, names_in_order
from bench.scale.distributions import measure_distributions
from bench.scale.large import measure_crowd, measure_part
from bench.scale.reading import Reading, document, render
from bench.scale.stored import measure_stored_in_memory, measure_stored_on_disk
from bench.site import Site
from bench.tools import ensure_programs, versions
from bench.workplace import RESULTS, Cpus, end_orderly, machine, prepared, tell, two_cpus


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What this run is to do, and how large."""

    cases: tuple[str, ...]
    responses: int
    distributions: int
    rounds: int
    viewers: int
    json_path: Path
    cpus: Cpus


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and return the exit status."""
    return end_orderly(lambda: _run(parse_choice(arguments)))


def parse_choice(arguments: Sequence[str] | None) -> Choice:
    """Turn the command line into a choice that can be carried out, or fail saying what to change."""
    given = _parser().parse_args(arguments)
    sizes = (given.responses, given.distributions, given.rounds, given.viewers)
    if min(sizes) < 1:
        raise BenchError("--responses, --distributions, --rounds and --viewers must be at least 1")
    return Choice(
        cases=tuple(names_in_order(given.cases, list(CASES), "case")),
        responses=given.responses,
        distributions=given.distributions,
        rounds=given.rounds,
        viewers=given.viewers,
        json_path=given.json or RESULTS / f"scale-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json",
        cpus=two_cpus(given.server_cpu, given.load_cpu),
    )


def _run(choice: Choice) -> int:
    if not is_built():
        raise BenchError("the engine is not built; run `make build`")
    programs = ensure_programs(["nginx", "curl", "setpriv", "taskset", "wrk"])
    with prepared(programs, choice.cpus, RUN_SECONDS) as (site, bench):
        measured = {name: _measure(name, choice, site, bench) for name in choice.cases}
    readings = [reading for each in measured.values() for reading in each]
    surroundings = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(choice.cpus),
        "versions": versions(programs),
    }
    cases = {name: document(each) for name, each in measured.items()}
    choice.json_path.parent.mkdir(parents=True, exist_ok=True)
    choice.json_path.write_text(json.dumps({**surroundings, "cases": cases}, indent=1) + "\n")
    tell("\n" + "\n\n".join(f"{name}\n{render(each)}" for name, each in measured.items()))
    tell(f"\nevery number: {choice.json_path}")
    return 0 if all(reading.is_met for reading in readings) else 1


def _measure(name: str, choice: Choice, site: Site, bench: Bench) -> list[Reading]:
    tell(name)
    readings = []
    for reading in CASES[name](choice, site, bench):
        tell(render([reading]))
        readings.append(reading)
    return readings


def _stored_on_disk(choice: Choice, site: Site, bench: Bench) -> Iterator[Reading]:
    return measure_stored_on_disk(site, bench, choice.responses)


def _stored_in_memory(choice: Choice, site: Site, bench: Bench) -> Iterator[Reading]:
    return measure_stored_in_memory(site, bench, choice.responses)


def _distributions(choice: Choice, site: Site, bench: Bench) -> Iterator[Reading]:
    return measure_distributions(site, bench, choice.distributions, choice.rounds)


def _part(_choice: Choice, site: Site, _bench: Bench) -> Iterator[Reading]:
    return measure_part(site, PART_OF_BYTES)


def _crowd(choice: Choice, site: Site, _bench: Bench) -> Iterator[Reading]:
    return measure_crowd(site, CROWD_FILE_BYTES, choice.viewers)


CASES: Mapping[str, Callable[[Choice, Site, Bench], Iterator[Reading]]] = {
    "distributions": _distributions,
    "part": _part,
    "crowd": _crowd,
    "stored-on-disk": _stored_on_disk,
    "stored-in-memory": _stored_in_memory,
}
RUN_SECONDS = 3
PART_OF_BYTES = 20_000_000_000
CROWD_FILE_BYTES = 1_000_000_000


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description="Measure what grows with what is held.")
    parser.add_argument("--cases", nargs="+", default=[], metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--responses", type=int, default=1_000_000, help="stored responses (default 1,000,000)")
    parser.add_argument("--distributions", type=int, default=10_000, help="distributions of a plan (default 10,000)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each edge for distributions (default 5)")
    parser.add_argument("--viewers", type=int, default=1_000, help="viewers of a cold file (default 1,000)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="where every number goes (default bench/results/)")
    parser.add_argument("--server-cpu", type=int, metavar="N", help="CPU of the edge (default the first usable)")
    parser.add_argument("--load-cpu", type=int, metavar="N", help="CPU of load and origin (default the last usable)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
