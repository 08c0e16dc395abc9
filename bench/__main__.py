"""The command: `python -m bench [--cases ...] [--servers ...] [--rounds N] [--seconds S] [--json PATH]`.

Starts the origin, and for each fleet its servers; measures every case, prints the tables and writes the JSON document;
stops everything it started, on Ctrl-C too. Exit status: 0 when every cell was counted, 1 when one failed, 2 when
nothing could be measured.
"""

import argparse
import contextlib
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.cases import CASES, Case, Fleet, Protocol
from bench.content import BROWSER_HEADERS
from bench.edgeward import is_built
from bench.failure import BenchError
from bench.load import CIPHER_SUITE, LOAD_PROGRAMS
from bench.measure import Bench, measure_case, names_in_order
from bench.profile import profile_run, top_lines
from bench.results import SUBJECT, Cell, Goals, document, ratios
from bench.servers import SERVERS
from bench.site import Running, Site
from bench.table import render_tables
from bench.tls import negotiated_by_wrk
from bench.tools import BUILT, ensure_programs, is_there, versions
from bench.workplace import RESULTS, Cpus, end_orderly, machine, prepared, tell, two_cpus


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What this run is to do."""

    cases: tuple[Case, ...]
    servers: tuple[str, ...]
    rounds: int
    seconds: int
    json_path: Path
    cpus: Cpus
    profiling: bool
    """Profile the one chosen server in the one chosen case instead of measuring."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit status."""
    return end_orderly(lambda: _run(parse_choice(arguments)))


def parse_choice(arguments: Sequence[str] | None) -> Choice:
    """Turn the command line into a choice that can be carried out, or fail saying what to change."""
    given = _parser().parse_args(arguments)
    server, case = given.profile or (None, None)
    case_names = names_in_order([case] if case else given.cases, [known.name for known in CASES], "case")
    servers = names_in_order([server] if server else given.servers, list(SERVERS), "server")
    if given.rounds < 1 or given.seconds < 1:
        raise BenchError("--rounds and --seconds must be at least 1")
    cases = [known for known in CASES if known.name in case_names]
    return Choice(
        cases=tuple(cases if given.cases or case else _playable(cases)),
        servers=tuple(_available(servers, asked_for=bool(given.servers or server))),
        rounds=given.rounds,
        seconds=given.seconds,
        json_path=given.json or RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json",
        cpus=two_cpus(given.server_cpu, given.load_cpu),
        profiling=server is not None,
    )


def _run(choice: Choice) -> int:
    programs = ensure_programs(_programs(choice))
    with prepared(programs, choice.cpus, choice.seconds) as (site, bench):
        if choice.profiling:
            return _profile(choice, bench, site)
        return _compare(choice, bench, site)


@contextlib.contextmanager
def _started(choice: Choice, site: Site, fleet: Fleet) -> Iterator[dict[str, Running]]:
    """The chosen servers with the caches of `fleet`; their files go away with them."""
    with contextlib.ExitStack() as stack:
        # Folders outlive processes: what is entered first is left last.
        below = [stack.enter_context(_subfolder(folder, fleet)) for folder in (site.folder, site.disk_folder)]
        servers = {}
        cases = [case for case in choice.cases if case.fleet is fleet]
        for name in choice.servers:
            if all(SERVERS[name].lack(case) for case in cases):
                continue
            folder, disk_folder = (each / name for each in below)
            folder.mkdir()
            disk_folder.mkdir()
            own = replace(site, folder=folder, disk_folder=disk_folder, budget=fleet.value)
            servers[name] = SERVERS[name].start(own)
            stack.callback(servers[name].process.stop)
        yield servers


@contextlib.contextmanager
def _subfolder(parent: Path, fleet: Fleet) -> Iterator[Path]:
    folder = parent / f"fleet-{fleet.name.lower()}"
    folder.mkdir(exist_ok=True)
    yield folder
    shutil.rmtree(folder)


def _measure_fleet(choice: Choice, bench: Bench, site: Site, fleet: Fleet) -> Iterator[Cell]:
    with _started(choice, site, fleet) as servers:
        for case in (case for case in choice.cases if case.fleet is fleet):
            lacks = {name: SERVERS[name].lack(case) for name in choice.servers}
            able = {name: running for name, running in servers.items() if lacks[name] is None}
            yield from measure_case(bench, case, able, choice.rounds, tell)
            yield from (
                Cell(case=case.name, server=name, samples=(), lack=lack) for name, lack in lacks.items() if lack
            )


def _compare(choice: Choice, bench: Bench, site: Site) -> int:
    surroundings = _surroundings(choice, site)
    fleets = [fleet for fleet in Fleet if any(case.fleet is fleet for case in choice.cases)]
    cells = [cell for fleet in fleets for cell in _measure_fleet(choice, bench, site, fleet)]
    goals = {case.name: Goals(figure=case.goals, hits=case.hit_goals) for case in choice.cases}
    compared = ratios(cells, goals)
    print("\n" + render_tables(choice.cases, cells, compared))
    choice.json_path.parent.mkdir(parents=True, exist_ok=True)
    choice.json_path.write_text(json.dumps(document(cells, compared, surroundings), indent=1) + "\n")
    print(f"\nevery number: {choice.json_path}")
    return 1 if any(cell.failure for cell in cells) else 0


def _profile(choice: Choice, bench: Bench, site: Site) -> int:
    (case,), (name,) = choice.cases, choice.servers
    if lack := SERVERS[name].lack(case):
        raise BenchError(f"{name} cannot do {case.name}: {lack}")
    with _started(choice, site, case.fleet) as servers:
        summary, folded = profile_run(bench, case, servers[name], choice.json_path.parent)
    print("\n".join(top_lines(summary.read_text(), 40)))
    print(f"\nall symbols: {summary}\nfolded stacks: {folded}")
    return 0


def _surroundings(choice: Choice, site: Site) -> dict[str, Any]:
    surroundings: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "rounds": choice.rounds,
        "seconds": choice.seconds,
        "machine": machine(choice.cpus),
        "versions": versions(dict(site.programs)),
        "logs": {name: SERVERS[name].log for name in choice.servers},
        "request_headers": dict(BROWSER_HEADERS),
    }
    if any(case.protocol is Protocol.H1_TLS for case in choice.cases):
        surroundings["wrk_tls"] = _checked_wrk_tls(site)
    return surroundings


def _checked_wrk_tls(site: Site) -> list[str]:
    version, cipher_suite = negotiated_by_wrk(site.programs["wrk"], site.certificate)
    if (version, cipher_suite) != ("TLSv1.3", CIPHER_SUITE):
        raise BenchError(
            f"wrk negotiates {version} with {cipher_suite}, not TLSv1.3 with {CIPHER_SUITE}; "
            "use a wrk that is linked to OpenSSL 3"
        )
    return [version, cipher_suite]


def _programs(choice: Choice) -> list[str]:
    ours = [program for name in choice.servers if (program := SERVERS[name].program)]
    loads = [LOAD_PROGRAMS[case.protocol] for case in choice.cases]
    # The origin is an nginx, whichever servers are compared.
    return ["nginx", "curl", "setpriv", "taskset", *ours, *loads, *(["perf"] if choice.profiling else [])]


def _available(servers: list[str], *, asked_for: bool) -> list[str]:
    """Leave out what is not built here, unless it was asked for by name: then that is an error."""
    lacking = {name: advice for name in servers if (advice := _advice(name))}
    if lacking and asked_for:
        raise BenchError("; ".join(lacking.values()))
    for name, advice in lacking.items():
        print(f"bench: leaving out {name}: {advice}", file=sys.stderr)
    return [name for name in servers if name not in lacking]


def _advice(server: str) -> str | None:
    """Say how to get a server that no package has, or None where it is."""
    if server == SUBJECT:
        return None if is_built() else "the engine is not built; run `make build`"
    program = SERVERS[server].program
    return f"no {program} here; run `make bench-tools`" if program in BUILT and not is_there(program) else None


def _playable(cases: list[Case]) -> list[Case]:
    """Leave out the cases whose load generator is missing and in no package."""
    lacking = {program for program in LOAD_PROGRAMS.values() if program in BUILT and not is_there(program)}
    out = [case.name for case in cases if LOAD_PROGRAMS[case.protocol] in lacking]
    if out:
        print(f"bench: leaving out {', '.join(out)}: no {', '.join(lacking)}; run `make bench-tools`", file=sys.stderr)
    return [case for case in cases if case.name not in out]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Compare Edgeward with other caches.")
    parser.add_argument("--cases", nargs="+", default=[], metavar="CASE", help=", ".join(case.name for case in CASES))
    parser.add_argument("--servers", nargs="+", default=[], metavar="SERVER", help=", ".join(SERVERS))
    parser.add_argument("--rounds", type=int, default=3, help="runs of each case and server (default 3)")
    parser.add_argument("--seconds", type=int, default=2, help="length of a run (default 2)")
    parser.add_argument("--json", type=Path, metavar="PATH", help="where every number goes (default bench/results/)")
    parser.add_argument("--server-cpu", type=int, metavar="N", help="CPU of the servers (default the first usable)")
    parser.add_argument("--load-cpu", type=int, metavar="N", help="CPU of load and origin (default the last usable)")
    parser.add_argument(
        "--profile",
        nargs=2,
        metavar=("SERVER", "CASE"),
        help="run perf on a server under a case instead of comparing",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
