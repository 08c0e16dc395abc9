"""Puts runs of scenarios in an order in which every scenario comes after those it needs.

Pure. Called by the pytest plugin, so that a broken base behavior skips what rests on it.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from edgeward.scenario.format import Scenario

Run = TypeVar("Run")


class CircularNeedError(ValueError):
    """Scenarios that need each other in a circle."""


def after_their_needs(runs: Sequence[Run], scenario_of: Callable[[Run], Scenario]) -> list[Run]:
    """The same runs; what one needs, and is among them, comes before it. Otherwise the order stays as it is."""
    by_id: dict[str, list[Run]] = {}
    for run in runs:
        by_id.setdefault(scenario_of(run).id, []).append(run)
    ordered: dict[str, list[Run]] = {}

    def place(scenario_id: str, path: tuple[str, ...]) -> None:
        if scenario_id in path:
            raise CircularNeedError(f"scenarios need each other: {' -> '.join((*path, scenario_id))}")
        if scenario_id in ordered or scenario_id not in by_id:
            return
        for needed in scenario_of(by_id[scenario_id][0]).needs:
            place(needed, (*path, scenario_id))
        ordered[scenario_id] = by_id[scenario_id]

    for scenario_id in by_id:
        place(scenario_id, ())
    return [run for group in ordered.values() for run in group]
