"""Stored responses as a table. Pure: the edge's JSON in, lines for a terminal out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Stored = Mapping[str, Any]


def table(responses: Sequence[Stored]) -> Iterator[str]:
    """A heading and a line for each response, by target; a sentence when there is none."""
    if not responses:
        yield "nothing is stored"
        return
    rows = [_HEADING, *(_row(each) for each in sorted(responses, key=lambda each: (each["target"], each["status"])))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADING) - 1)]
    for row in rows:
        cells = (
            cell.rjust(width) if name in _NUMBERS else cell.ljust(width)
            for cell, width, name in zip(row, widths, _HEADING, strict=False)
        )
        yield "  ".join((*cells, row[-1])).rstrip()


def _row(stored: Stored) -> tuple[str, ...]:
    return (
        str(stored["status"]),
        f"{stored['length']:,}",
        f"{stored['age']}/{stored['lifetime']}",
        stored["state"],
        str(stored["hits"]),
        stored["tier"],
        _name(stored),
    )


def _name(stored: Stored) -> str:
    """The target, and whatever else tells the response from others of its target."""
    told = [] if stored["method"] == "GET" else [stored["method"]]
    told += [f"accepts {stored['codings']}"] if stored["codings"] else []
    told += [f"coded {stored['content_encoding']}"] if stored["content_encoding"] else []
    told += [f"varies by {stored['vary']}"] if stored["vary"] else []
    told += [f"{name}: {value}" for name, value in stored["headers"]]
    told += [f"cookie {name}" for name in stored["cookies"]]
    return f"{stored['target']}  ({'; '.join(told)})" if told else str(stored["target"])


_HEADING = ("STATUS", "BYTES", "AGE/TTL", "STATE", "HITS", "TIER", "TARGET")
_NUMBERS = frozenset(("STATUS", "BYTES", "AGE/TTL", "HITS"))
