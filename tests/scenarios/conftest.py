"""Collects every YAML file of this directory as tests: one for each door and row.

A scenario that another one `needs` runs first, and when it fails the other is skipped. A scenario of kind `check` is
recorded and never fails. All the work is `edgeward.scenario`'s.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeward.scenario.edge_under_test import EngineMissing
from edgeward.scenario.format import Case, Door, Scenario, parse_scenario
from edgeward.scenario.ordering import after_their_needs
from edgeward.scenario.reading import ScenarioError
from edgeward.scenario.runner import ScenarioFailure, run_scenario


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix != ".yaml":
        return None
    collector: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
    return collector


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After the shuffle, so that it stays random in all that `needs` leaves open."""
    runs = [item for item in items if isinstance(item, ScenarioRun)]
    ordered = iter(after_their_needs(runs, lambda run: run.scenario))
    items[:] = [next(ordered) if isinstance(item, ScenarioRun) else item for item in items]


class ScenarioFile(pytest.File):
    def collect(self) -> Iterator["ScenarioRun"]:
        try:
            scenario = parse_scenario(self.path.read_text(), self.path)
        except ScenarioError as wrong:
            raise self.CollectError(str(wrong)) from wrong
        for door in scenario.via:
            for case in scenario.cases:
                name = f"{door}-{case.label}" if case.label else door
                yield ScenarioRun.from_parent(self, name=name, scenario=scenario, case=case, door=door)


class ScenarioRun(pytest.Item):
    def __init__(self, *, scenario: Scenario, case: Case, door: Door, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scenario, self.case, self.door = scenario, case, door

    def runtest(self) -> None:
        failed = self.session.stash.setdefault(FAILED_IDS, set())
        broken = failed.intersection(self.scenario.needs)
        if broken:
            pytest.skip(f"it rests on {', '.join(sorted(broken))}, which failed")
        try:
            run_scenario(self.scenario, self.case, self.door)
        except EngineMissing:
            raise
        except Exception as failure:
            failed.add(self.scenario.id)
            if self.scenario.kind == "check":
                pytest.xfail(_brief(failure))
            raise

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, ScenarioFailure | EngineMissing):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.scenario.id} via {self.name}: {self.scenario.title}"


def _brief(failure: Exception) -> str:
    """Of a report the title, the place and the first difference."""
    return "\n".join(str(failure).splitlines()[:3])


FAILED_IDS: pytest.StashKey[set[str]] = pytest.StashKey()
