"""One figure of the scale measurements, its bound, and how both are shown. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Unit(StrEnum):
    """What a value counts."""

    BYTES = "bytes"
    SECONDS = "s"
    SHARE = "share"
    COUNT = ""


class Side(StrEnum):
    """On which side of its bound a value has to be; the bound itself is in reach of both."""

    AT_MOST = "at most"
    AT_LEAST = "at least"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a value has to keep to."""

    side: Side
    limit: float

    def is_kept_by(self, value: float) -> bool:
        """Tell whether the value is on the right side."""
        return value <= self.limit if self.side is Side.AT_MOST else value >= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One figure."""

    subject: str
    """What was measured, as a person reads it."""
    value: float
    unit: Unit = Unit.COUNT
    bound: Bound | None = None

    @property
    def is_met(self) -> bool:
        """Tell whether the bound is kept; true without one."""
        return self.bound is None or self.bound.is_kept_by(self.value)


def at_most(limit: float) -> Bound:
    """Return the bound that a value must not be above."""
    return Bound(side=Side.AT_MOST, limit=limit)


def at_least(limit: float) -> Bound:
    """Return the bound that a value must not be below."""
    return Bound(side=Side.AT_LEAST, limit=limit)


def render(readings: Sequence[Reading]) -> str:
    """Return one line for each reading."""
    width = max((len(reading.subject) for reading in readings), default=0)
    return "\n".join(_line(reading, width) for reading in readings)


def document(readings: Sequence[Reading]) -> list[dict[str, Any]]:
    """Return the readings for the JSON document."""
    return [asdict(reading) | {"met": reading.is_met} for reading in readings]


def _line(reading: Reading, width: int) -> str:
    text = f"  {reading.subject:<{width}}  {shown(reading.value, reading.unit):>14}"
    if reading.bound is None:
        return text
    verdict = "met" if reading.is_met else "MISSED"
    return f"{text}  {reading.bound.side} {shown(reading.bound.limit, reading.unit)}: {verdict}"


def shown(value: float, unit: Unit) -> str:
    """Return a value as a person reads it."""
    match unit:
        case Unit.SECONDS:
            return f"{value * 1000:,.2f} ms" if value < 1 else f"{value:,.2f} s"
        case Unit.SHARE:
            return f"{value:.2%}"
        case Unit.BYTES:
            return f"{value:,.0f} bytes"
        case Unit.COUNT:
            return f"{value:,.0f}"
