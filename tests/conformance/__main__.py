"""The command: `make conformance`, or `python -m conformance [--record] [--results FOLDER] [--only h1|tls]`.

Runs the suite against an edge with Edgeward-RFC9111, in clear and over TLS, and compares with `expected.json`. A run
that differs is repeated once. Exit status: 0 when every required and optimal test ended as recorded, 1 when one did not
in both runs, 2 when the suite could not run.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.edge import running_edge
from conformance.expectations import Expectations, differences, steadier
from conformance.score import Result, Test, Verdict, judge, scores
from conformance.suite import HERE, NodeMissing, SuiteError, install, read_tests, run_tests, running_origin

EXPECTED = HERE / "expected.json"
DOORS = {"h1": "HTTP/1.1", "tls": "HTTP/1.1 over TLS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What this run is to do."""

    doors: tuple[str, ...]
    record: bool
    """Write what the first door shows to `expected.json` before comparing."""
    results: Path | None
    """Where the suite's own results are kept."""
    needs_node: bool
    """Fail where there is no Node.js, instead of saying that nothing was tested."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the suite and returns the exit status."""
    choice = _choose(arguments)
    try:
        install()
        tests = read_tests()
        found = _run(choice, tests)
    except NodeMissing as missing:
        sys.stderr.write(f"conformance: {'' if choice.needs_node else 'SKIPPED, nothing was tested: '}{missing}\n")
        return 2 if choice.needs_node else 0
    except SuiteError as failure:
        sys.stderr.write(f"conformance: {failure}\n")
        return 2
    expected = Expectations.read(EXPECTED)
    if choice.record:
        expected = expected.updated(tests, next(iter(found.values())))
        expected.write(EXPECTED)
    reports = [report(door, tests, verdicts, expected) for door, verdicts in found.items()]
    sys.stdout.writelines(f"{line}\n" for lines, _ in reports for line in lines)
    return 1 if any(fails for _, fails in reports) else 0


def _choose(arguments: Sequence[str] | None) -> Choice:
    parser = argparse.ArgumentParser(prog="conformance", description="Run the HTTP caching suite against the edge.")
    parser.add_argument("--record", action="store_true", help="record what the run shows as expected")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="keep the suite's own results there")
    parser.add_argument("--only", choices=DOORS, help="one of the two ways to the edge")
    parser.add_argument(
        "--skip-without-node", action="store_true", help="where there is no Node.js, say so and succeed"
    )
    chosen = parser.parse_args(arguments)
    doors = (chosen.only,) if chosen.only else tuple(DOORS)
    return Choice(doors=doors, record=chosen.record, results=chosen.results, needs_node=not chosen.skip_without_node)


def _run(choice: Choice, tests: Mapping[str, Test]) -> dict[str, Mapping[str, Verdict]]:
    """The verdicts by door, one after the other: two runs at once would disturb each other's clocks."""
    found: dict[str, Mapping[str, Verdict]] = {}
    expected = Expectations.read(EXPECTED)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_origin(Path(folder)) as port,
        running_edge(port, Path(folder)) as edge,
    ):

        def run(door: str) -> dict[str, Verdict]:
            results = run_tests(edge.http if door == "h1" else edge.https, edge.authorities)
            _keep(choice.results, door, results)
            return judge(tests, results)

        for door in choice.doors:
            verdicts = run(door)
            if not choice.record and any(each.fails for each in differences(tests, verdicts, expected)):
                verdicts = steadier(verdicts, run(door), expected)
            found[door] = verdicts
    return found


def _keep(folder: Path | None, door: str, results: Mapping[str, Result]) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{door}.json").write_text(json.dumps(results, indent=1))


def report(
    door: str, tests: Mapping[str, Test], verdicts: Mapping[str, Verdict], expected: Expectations
) -> tuple[list[str], bool]:
    """The lines that tell the score and the differences, and whether one of them fails the run."""
    score = ", ".join(f"{kind} {score}" for kind, score in scores(tests, verdicts).items())
    found = sorted(differences(tests, verdicts, expected), key=lambda each: each.test.kind)
    lines = [f"{DOORS[door]}: {score}", *(f"  {each.test.kind} {each.test.id}: {each.text}" for each in found)]
    fails = any(each.fails for each in found)
    if fails:
        lines.append("  Not as recorded. Mend what got worse; record the rest: make conformance ARGS=--record")
    return lines, fails


if __name__ == "__main__":
    sys.exit(main())
