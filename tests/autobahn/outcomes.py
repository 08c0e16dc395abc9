"""What the suite found out about each way to the echo server, and where the ways differ. Pure.

Invariant: a case that one of the ways lacks is a difference. Called by `__main__`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

BAD = frozenset({"FAILED", "UNCLEAN", "WRONG CODE", "FAILED BY CLIENT"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case went."""

    behavior: str
    """OK, NON-STRICT, INFORMATIONAL, UNIMPLEMENTED or FAILED."""
    behavior_close: str
    """How the connection was closed: OK, INFORMATIONAL, or what was wrong."""
    close_code: int | None
    """The one that the server sent."""

    @property
    def is_bad(self) -> bool:
        """Whether the server broke the protocol by the suite's judgment."""
        return bool({self.behavior, self.behavior_close} & BAD)

    def __str__(self) -> str:
        return f"{self.behavior}, close {self.behavior_close} {self.close_code or 'without a code'}"


Outcomes: TypeAlias = Mapping[str, Outcome]
"""Case -> how it went."""


def read_index(index: Mapping[str, Mapping[str, Mapping[str, Any]]], way: str) -> dict[str, Outcome]:
    """The outcomes of one way in the suite's `index.json`."""
    return {
        case: Outcome(entry["behavior"], entry["behaviorClose"], entry["remoteCloseCode"])
        for case, entry in index.get(way, {}).items()
    }


def differences(beside: Outcomes, through: Outcomes) -> list[str]:
    """The cases that went otherwise through the edge than beside it, in the suite's order."""
    cases = sorted(beside.keys() | through.keys(), key=_order)
    return [case for case in cases if case not in beside or beside.get(case) != through.get(case)]


def broken(outcomes: Outcomes) -> list[str]:
    """The cases in which the suite found fault with the server."""
    return sorted((case for case, outcome in outcomes.items() if outcome.is_bad), key=_order)


def table(ways: Mapping[str, Outcomes]) -> str:
    """One row for each family of cases and way: how many went how."""
    families = sorted({_family(case) for outcomes in ways.values() for case in outcomes})
    rows = [_row(family, way, outcomes) for family in families for way, outcomes in ways.items()]
    totals = [_row(None, way, outcomes) for way, outcomes in ways.items()]
    return "\n".join(["family  way     cases  how they went", *rows, *totals])


def _row(family: int | None, way: str, outcomes: Outcomes) -> str:
    of_family = [outcome for case, outcome in outcomes.items() if family in (None, _family(case))]
    counts = Counter(outcome.behavior for outcome in of_family)
    went = ", ".join(f"{count} {behavior}" for behavior, count in sorted(counts.items()))
    return f"{'all' if family is None else family:<6}  {way:<6}  {len(of_family):>5}  {went}"


def _family(case: str) -> int:
    return _order(case)[0]


def _order(case: str) -> tuple[int, ...]:
    return tuple(int(part) for part in case.split("."))
