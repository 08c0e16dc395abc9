"""Collects every YAML file of this directory as tests: one for each door and row.

A scenario that another one `needs` runs first, and when it fails the other is skipped. A scenario of kind `check` is
recorded and never fails. All the work is `edgeward.scenario.runner`'s.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeward.scenario.format import Case, Door, Scenario, parse_scenario
from edgeward.scenario.reading import ScenarioError
from edgeward.scenario.runner import ScenarioFailure, run_scenario


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix != ".yaml":
        return None
    collector: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
    return collector


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put scenarios after those they need; all others keep their (random) order."""
    runs = {id(item): item for item in items if isinstance(item, ScenarioRun)}
    by_id: dict[str, list[ScenarioRun]] = {}
    for run in runs.values():
        by_id.setdefault(run.scenario.id, []).append(run)
    ordered: dict[int, ScenarioRun] = {}

    def place(run: ScenarioRun, path: tuple[str, ...]) -> None:
        if run.scenario.id in path:
            raise pytest.UsageError(f"scenarios need each other in a circle: {' -> '.join((*path, run.scenario.id))}")
        for needed in run.scenario.needs:
            for base in by_id.get(needed, ()):
                place(base, (*path, run.scenario.id))
        ordered.setdefault(id(run), run)

    for run in runs.values():
        place(run, ())
    queue = iter(ordered.values())
    items[:] = [next(queue) if id(item) in runs else item for item in items]


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
    failed_ids: set[str] = set()  # noqa: RUF012 - one set for the whole session, on purpose

    def __init__(self, *, scenario: Scenario, case: Case, door: Door, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scenario, self.case, self.door = scenario, case, door

    def runtest(self) -> None:
        broken = self.failed_ids.intersection(self.scenario.needs)
        if broken:
            pytest.skip(f"it rests on {', '.join(sorted(broken))}, which failed")
        try:
            run_scenario(self.scenario, self.case, self.door)
        except BaseException as failure:
            self.failed_ids.add(self.scenario.id)
            if self.scenario.kind == "check":
                pytest.xfail(str(failure))
            raise

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, ScenarioFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.scenario.id} via {self.name}: {self.scenario.title}"
