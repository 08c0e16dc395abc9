"""What the runs amount to: samples, medians, ratios, and the document that holds every number.

Pure: no clock, no files. A cell with a failure has no median and no ratio; it is shown as failed.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.cases import Figure

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
    origin_requests: int = 0
    held_bytes: int | None = None
    """What the files of a cache that is not bound to keep to its limit at once took after the run."""

    @property
    def requests_per_cpu_second(self) -> float:
        """The figure of most cases."""
        return self.requests / self.cpu_seconds

    @property
    def bytes_per_cpu_second(self) -> float:
        """Bytes received by the viewers for each CPU-second of the server: the figure for large content."""
        return self.received_bytes / self.cpu_seconds

    @property
    def hit_ratio(self) -> float:
        """The share of requests that did not go to the origin; those cut off at the end can make it a bit too low."""
        return max(0.0, 1 - self.origin_requests / self.requests)

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
    lack: str | None = None
    """Why the server cannot do the case at all."""
    unit: Figure = Figure.REQUESTS
    """What is counted for each CPU-second."""

    @property
    def is_counted(self) -> bool:
        """Tell whether the cell has figures."""
        return self.failure is None and bool(self.samples)

    def figure(self, sample: Sample) -> float:
        """Return what the case compares of one run."""
        if self.unit is Figure.MEGABYTES:
            return sample.bytes_per_cpu_second / 1e6
        return sample.requests_per_cpu_second

    def at_equal_speed(self, sample: Sample) -> float:
        """Return the figure for the CPU time of one piece of yardstick work: freed of the CPU's speed."""
        return self.figure(sample) * sample.yardstick_microseconds / 1e6

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
    of_hits: float | None = None
    """The ratio of the median shares of hits; None when the peer had none."""
    hit_goal: float | None = None
    """The least `of_hits` that we accept, if the case has one."""

    @property
    def is_met(self) -> bool:
        """Tell whether the goals are reached; true without a goal."""
        reached = self.goal is None or self.of_medians >= self.goal
        return reached and (self.hit_goal is None or self.of_hits is None or self.of_hits >= self.hit_goal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """Peer -> the least ratios that we accept in a case."""

    figure: Mapping[str, float] = field(default_factory=dict)
    hits: Mapping[str, float] = field(default_factory=dict)


def spread(values: Iterable[float]) -> dict[str, float]:
    """Return min, median and max."""
    ordered = sorted(values)
    return {"min": ordered[0], "median": statistics.median(ordered), "max": ordered[-1]}


def ratios(cells: Sequence[Cell], goals: Mapping[str, Goals]) -> list[Ratio]:
    """Return the subject's ratio to every peer, case by case. `goals`: by case."""
    subjects = {cell.case: cell for cell in cells if cell.server == SUBJECT and cell.is_counted}
    return [
        _ratio(subjects[cell.case], cell, goals.get(cell.case, Goals()))
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


def _ratio(subject: Cell, peer: Cell, goals: Goals) -> Ratio:
    peers = {sample.round: peer.at_equal_speed(sample) for sample in peer.samples}
    peer_hits = peer.median(HIT_RATIO)
    return Ratio(
        case=subject.case,
        peer=peer.server,
        of_medians=subject.median(subject.figure) / peer.median(peer.figure),
        at_equal_speed=subject.median(subject.at_equal_speed) / peer.median(peer.at_equal_speed),
        of_rounds=tuple(
            subject.at_equal_speed(sample) / peers[sample.round] for sample in subject.samples if sample.round in peers
        ),
        goal=goals.figure.get(peer.server),
        of_hits=subject.median(HIT_RATIO) / peer_hits if peer_hits else None,
        hit_goal=goals.hits.get(peer.server),
    )


def _cell_document(cell: Cell) -> dict[str, Any]:
    figures = {name: spread(map(figure, cell.samples)) for name, figure in FIGURES.items()} if cell.is_counted else {}
    samples = [asdict(sample) | {name: of(sample) for name, of in FIGURES.items()} for sample in cell.samples]
    return {
        "case": cell.case,
        "server": cell.server,
        "failure": cell.failure,
        "lack": cell.lack,
        "unit": str(cell.unit),
        **figures,
        "samples": samples,
    }


def _hit_ratio(sample: Sample) -> float:
    return sample.hit_ratio


HIT_RATIO = _hit_ratio

FIGURES: Mapping[str, Callable[[Sample], float]] = {
    "requests_per_cpu_second": lambda sample: sample.requests_per_cpu_second,
    "bytes_per_cpu_second": lambda sample: sample.bytes_per_cpu_second,
    "requests_per_second": lambda sample: sample.requests_per_second,
    "hit_ratio": HIT_RATIO,
    "busy": lambda sample: sample.busy,
}
