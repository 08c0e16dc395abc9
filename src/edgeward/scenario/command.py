"""The command that runs scenario files: one line for each run, the whole story of each failure.

Exit status 0: every step held. 1: some did not. 2: a file cannot be read or the engine is not built. Called by
`python -m edgeward.scenario` and by `edgeward test`.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgeward.aws.errors import ApiError
from edgeward.scenario.edge_under_test import EngineMissing
from edgeward.scenario.format import Case, Door, Scenario, parse_scenario
from edgeward.scenario.reading import ScenarioError
from edgeward.scenario.runner import ScenarioFailure, run_scenario


def main(arguments: Sequence[str]) -> int:
    """Run the scenarios that the command line names; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        scenarios = [parse_scenario(path.read_text(), path) for path in files_below(options.path)]
        runs = [run for scenario in scenarios for run in _runs(scenario, options.via, options.row)]
        if not runs:
            raise FileNotFoundError(f"no scenario with this door and row in {' '.join(map(str, options.path))}")
        return max([_report_run(*run) for run in runs])
    except (ScenarioError, EngineMissing, OSError) as unusable:
        sys.stderr.write(f"{unusable}\n")
        return UNUSABLE


def files_below(paths: Sequence[Path]) -> list[Path]:
    """The scenario files: each path itself, or every `*.yaml` below a directory, sorted."""
    return [file for path in paths for file in (sorted(path.rglob("*.yaml")) if path.is_dir() else [path])]


def _runs(scenario: Scenario, door: Door | None, row: str | None) -> Iterator[tuple[Scenario, Case, Door]]:
    for each in scenario.via if door is None else (door,):
        for case in scenario.cases:
            if row in (None, case.label):
                yield scenario, case, each


def _report_run(scenario: Scenario, case: Case, door: Door) -> int:
    name = " ".join(filter(None, (scenario.id, door, case.label)))
    try:
        run_scenario(scenario, case, door)
    except (ScenarioFailure, ApiError, ValueError) as failure:
        sys.stdout.write(f"FAILED {name}\n{failure}\n")
        return 0 if scenario.kind == "check" else FAILED
    sys.stdout.write(f"ok     {name}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edgeward test", description="Run scenarios against an edge in this process.")
    parser.add_argument("path", nargs="+", type=Path, help="a scenario file, or a directory of them")
    parser.add_argument("--via", choices=("h1", "h1-tls", "h2", "h3"), help="only through this door")
    parser.add_argument("--row", help="only this row of the table")
    return parser


FAILED = 1
UNUSABLE = 2
