"""What the runs amount to: samples, medians, ratios, and the document that holds every number.

Pure: no clock, no files. A cell with a failure has no median and no ratio; it is shown as failed.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

SUBJECT = "edgeward"
"""The server whose ratios to the others are computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One clean run of one case against one server."""

    round: int
    requests: int
    seconds: float
    """Wall time of the load."""
    cpu_seconds: float
    """CPU time of the server's whole process tree during the load."""
    received_bytes: int
    yardstick_microseconds: float
    """CPU time the yardstick's work took meanwhile: the smaller, the faster the CPU was."""

    @property
    def requests_per_cpu_second(self) -> float:
        """The figure of the comparison."""
        return self.requests / self.cpu_seconds

    @property
    def requests_per_yardstick(self) -> float:
        """Requests in the CPU time of one piece of yardstick work: the figure, freed of the CPU's speed."""
        return self.requests_per_cpu_second * self.yardstick_microseconds / 1e6

    @property
    def bytes_per_cpu_second(self) -> float:
        """Bytes received by the viewers for each CPU-second of the server."""
        return self.received_bytes / self.cpu_seconds

    @property
    def requests_per_second(self) -> float:
        """Requests for each second of wall time: what the machine, noise and all, let through."""
        return self.requests / self.seconds

    @property
    def busy(self) -> float:
        """CPU-seconds for each second of wall time; well below 1 means the load generator was the limit."""
        return self.cpu_seconds / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """All runs of one case against one server."""

    case: str
    server: str
    samples: tuple[Sample, ...]
    failure: str | None = None
    """Why the cell may not be counted; None when every run was clean."""

    @property
    def is_counted(self) -> bool:
        """Tell whether the cell has figures."""
        return self.failure is None and bool(self.samples)

    def median(self, figure: Callable[[Sample], float]) -> float:
        """Return the median of a figure over the rounds."""
        return statistics.median(figure(sample) for sample in self.samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times as much work the subject does for a CPU-second as a peer does."""

    case: str
    peer: str
    of_medians: float
    at_equal_speed: float
    """The same with the figures freed of the CPU's speed by the yardstick."""
    of_rounds: tuple[float, ...]
    """`at_equal_speed` for each round by itself: how far noise moves it."""
    goal: float | None
    """The least ratio of medians that we accept, if the case has one."""

    @property
    def is_met(self) -> bool:
        """Tell whether the goal is reached; true without a goal."""
        return self.goal is None or self.of_medians >= self.goal


def spread(values: Iterable[float]) -> dict[str, float]:
    """Return min, median and max."""
    ordered = sorted(values)
    return {"min": ordered[0], "median": statistics.median(ordered), "max": ordered[-1]}


def ratios(cells: Sequence[Cell], goals: Mapping[str, Mapping[str, float]]) -> list[Ratio]:
    """Return the subject's ratio to every peer, case by case. `goals`: case -> peer -> the least wanted."""
    subjects = {cell.case: cell for cell in cells if cell.server == SUBJECT and cell.is_counted}
    return [
        _ratio(subjects[cell.case], cell, goals.get(cell.case, {}).get(cell.server))
        for cell in cells
        if cell.case in subjects and cell.server != SUBJECT and cell.is_counted
    ]


def document(cells: Sequence[Cell], ratios: Sequence[Ratio], surroundings: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything measured as one JSON document."""
    return {
        **surroundings,
        "cells": [_cell_document(cell) for cell in cells],
        "ratios": [{**asdict(ratio), "met": ratio.is_met} for ratio in ratios],
    }


def _ratio(subject: Cell, peer: Cell, goal: float | None) -> Ratio:
    peers = {sample.round: sample.requests_per_yardstick for sample in peer.samples}
    return Ratio(
        case=subject.case,
        peer=peer.server,
        of_medians=subject.median(REQUESTS) / peer.median(REQUESTS),
        at_equal_speed=subject.median(AT_EQUAL_SPEED) / peer.median(AT_EQUAL_SPEED),
        of_rounds=tuple(
            sample.requests_per_yardstick / peers[sample.round] for sample in subject.samples if sample.round in peers
        ),
        goal=goal,
    )


def _cell_document(cell: Cell) -> dict[str, Any]:
    figures = {name: spread(map(figure, cell.samples)) for name, figure in FIGURES.items()} if cell.is_counted else {}
    samples = [asdict(sample) | {name: of(sample) for name, of in FIGURES.items()} for sample in cell.samples]
    return {"case": cell.case, "server": cell.server, "failure": cell.failure, **figures, "samples": samples}


def _requests_per_cpu_second(sample: Sample) -> float:
    return sample.requests_per_cpu_second


def _requests_per_yardstick(sample: Sample) -> float:
    return sample.requests_per_yardstick


REQUESTS = _requests_per_cpu_second
AT_EQUAL_SPEED = _requests_per_yardstick

FIGURES: Mapping[str, Callable[[Sample], float]] = {
    "requests_per_cpu_second": REQUESTS,
    "requests_per_yardstick": AT_EQUAL_SPEED,
    "bytes_per_cpu_second": lambda sample: sample.bytes_per_cpu_second,
    "requests_per_second": lambda sample: sample.requests_per_second,
    "busy": lambda sample: sample.busy,
}
