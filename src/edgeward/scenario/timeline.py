"""The virtual clock of a scenario and the record of what happened when, shown when a step fails.

`VirtualClock` only moves when a step says so; the edge is told the same distances. Written to by the
origin, the viewer and the runner; read by the runner's report.
"""

from dataclasses import dataclass, field

EPOCH_MS = 1_700_000_000_000
"""Where every scenario starts: 2023-11-14 22:13:20 UTC, in Unix milliseconds."""


@dataclass(slots=True)
class VirtualClock:
    """Unix milliseconds that pass only by `advance`."""

    now_ms: int = EPOCH_MS

    def advance(self, milliseconds: int) -> None:
        self.now_ms += milliseconds


@dataclass(slots=True)
class Timeline:
    """Events in the order they happened, each stamped with the virtual time."""

    clock: VirtualClock
    _lines: list[str] = field(default_factory=list)

    def note(self, actor: str, text: str) -> None:
        """Add one event; `actor` is edge, viewer, origin, clock, api or step."""
        elapsed = (self.clock.now_ms - EPOCH_MS) / 1000
        self._lines.append(shortened(f"{elapsed:>9.3f}s  {actor:<7} {text}"))

    def render(self) -> str:
        """All events; the middle of a very long story is left out."""
        if len(self._lines) <= 2 * _SHOWN:
            return "\n".join(self._lines)
        left_out = f"           ... {len(self._lines) - 2 * _SHOWN} more events ..."
        return "\n".join([*self._lines[:_SHOWN], left_out, *self._lines[-_SHOWN:]])


def shortened(line: str) -> str:
    """A line of a report that stays readable whatever it quotes."""
    return line if len(line) <= _LINE else f"{line[:_LINE]}... ({len(line)} characters)"


_SHOWN = 40
_LINE = 400
