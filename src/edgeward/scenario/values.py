"""The small values of the format: durations, header fields, checks of header fields, content.

Each class reads itself from YAML (`read_node`) and describes itself for editors (`json_schema`). A check
returns the words of a mismatch, or None; it never raises, so that one step can report everything that is
wrong with it. Used by `format` (reading), `origin` and `viewer` (what to send) and `checks` (what was
received).
"""

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal, Self

from edgeward.scenario.field_names import is_inline_name, near_field_names
from edgeward.scenario.reading import Node, nearest


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: digits and one of the units ms, s, m, h, d (`250ms`, `+11s`)."""

    milliseconds: int

    @classmethod
    def read_node(cls, node: Node) -> Self:
        found = re.fullmatch(r"\+?(\d{1,12})(ms|s|m|h|d)", node.text())
        if not found:
            raise node.error(f"`{node.text()}` is not a duration; write digits and a unit: 250ms, +11s, 5m, 2h, 1d")
        return cls(int(found.group(1)) * _MILLISECONDS[found.group(2)])

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^\+?\d{1,12}(ms|s|m|h|d)$"}

    @property
    def seconds(self) -> float:
        return self.milliseconds / 1000


@dataclass(frozen=True, slots=True)
class Fields:
    """Header fields to send, in order. `absent` takes away one that would be sent by default.

    A date field may hold a distance from the virtual clock (`expires: +60s`); `at` turns it into an HTTP date.
    """

    lines: tuple[tuple[str, str], ...] = ()
    left_out: frozenset[str] = frozenset()

    @classmethod
    def read_node(cls, node: Node) -> Self:
        return cls().extended(node.entries())

    @classmethod
    def with_inline(cls, given: "Fields | None", others: Mapping[str, Node], keys: Iterable[str]) -> "Fields":
        """The fields under `headers:` and those written inline beside the other keys."""
        require_field_names(others, keys)
        return (given or cls()).extended(others)

    def extended(self, entries: Mapping[str, Node]) -> Self:
        """These fields followed by those of `entries`."""
        lines, left_out = list(self.lines), set(self.left_out)
        for name, node in entries.items():
            values = [item.text() for item in node.items()] if node.is_sequence else [node.text()]
            if values == ["absent"]:
                left_out.add(name.lower())
            else:
                lines += [(name, value) for value in values]
        return type(self)(tuple(lines), frozenset(left_out))

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": cls.inline_schema()}

    @classmethod
    def inline_schema(cls) -> dict[str, Any]:
        return {"anyOf": [_SCALAR_SCHEMA, {"type": "array", "items": _SCALAR_SCHEMA}]}

    def at(self, now_ms: int) -> list[tuple[str, str]]:
        """The field lines with dates relative to the clock written out."""
        return [(name, absolute_date(name, value, now_ms)) for name, value in self.lines]

    def named(self, name: str) -> bool:
        """Whether the scenario says anything about this field, be it a value or `absent`."""
        return name in self.left_out or any(given.lower() == name for given, _ in self.lines)


@dataclass(frozen=True, slots=True)
class FieldCheck:
    """What one received header field must look like; several field lines count as one joined by `, `."""

    kind: Literal["equals", "absent", "present", "matches", "contains", "lines"]
    values: tuple[str, ...] = ()

    @classmethod
    def read_node(cls, node: Node) -> Self:
        if node.is_sequence:
            return cls("lines", tuple(item.text() for item in node.items()))
        if node.is_scalar:
            word = node.text()
            return cls("absent" if word == "absent" else "present") if word in _WORDS else cls("equals", (word,))
        return cls._read_mapping(node)

    @classmethod
    def _read_mapping(cls, node: Node) -> Self:
        entries = node.entries()
        if len(entries) != 1:
            raise node.error("a check of a header field has one key: equals, matches or contains")
        kind, value = next(iter(entries.items()))
        if kind == "matches":
            _compile(value)
            return cls("matches", (value.text(),))
        if kind == "contains":
            return cls("contains", (value.text(),))
        if kind == "equals":
            return cls("equals", (value.text(),))
        raise value.error(f"unknown check `{kind}`{nearest(kind, ('equals', 'matches', 'contains'))}")

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        checks = {kind: {"type": "string"} for kind in ("equals", "matches", "contains")}
        one = {"type": "object", "properties": checks, "additionalProperties": False, "minProperties": 1}
        return {"anyOf": [_SCALAR_SCHEMA, {"type": "array", "items": _SCALAR_SCHEMA}, one]}

    def mismatch(self, name: str, found: Sequence[str], now_ms: int) -> str | None:
        """Words such as `age: expected 5, got 6`, or None when the field is as expected."""
        if self._holds(name, found, now_ms):
            return None
        got = " | ".join(found) if found else "absent"
        wanted = " | ".join(absolute_date(name, value, now_ms) for value in self.values)
        verb = {"equals": "", "lines": "", "matches": "a match of "}.get(self.kind, self.kind + " ")
        return f"{name}: expected {verb}{wanted}".rstrip() + f", got {got}"

    def _holds(self, name: str, found: Sequence[str], now_ms: int) -> bool:
        joined = ", ".join(found)
        if self.kind == "absent":
            return not found
        if not found:
            return False
        if self.kind == "lines":
            return tuple(found) == self.values
        if self.kind == "equals":
            return joined == absolute_date(name, self.values[0], now_ms)
        if self.kind == "contains":
            return self.values[0] in joined
        return self.kind == "present" or re.search(self.values[0], joined) is not None


@dataclass(frozen=True, slots=True)
class FieldChecks:
    """Checks of received header fields by lower-case name."""

    checks: tuple[tuple[str, FieldCheck], ...] = ()

    @classmethod
    def read_node(cls, node: Node) -> Self:
        return cls(tuple((name.lower(), FieldCheck.read_node(value)) for name, value in node.entries().items()))

    @classmethod
    def with_inline(cls, given: "FieldChecks | None", others: Mapping[str, Node], keys: Iterable[str]) -> "FieldChecks":
        """The checks under `headers:` and those written inline beside the other keys."""
        require_field_names(others, keys)
        inline = tuple((name, FieldCheck.read_node(value)) for name, value in others.items())
        return cls((given or cls()).checks + inline)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": cls.inline_schema()}

    @classmethod
    def inline_schema(cls) -> dict[str, Any]:
        return FieldCheck.json_schema()

    def mismatches(self, received: Iterable[tuple[str, str]], now_ms: int) -> list[str]:
        """One line for every field that is not as expected."""
        fields: dict[str, list[str]] = {}
        for name, value in received:
            fields.setdefault(name.lower(), []).append(value)
        found = (check.mismatch(name, fields.get(name, []), now_ms) for name, check in self.checks)
        return [line for line in found if line]


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes to send: a text, or `{pattern: N}`, N bytes of a fixed pattern."""

    data: bytes

    @classmethod
    def read_node(cls, node: Node) -> Self:
        if node.is_scalar:
            return cls(node.text().encode())
        entries = node.entries()
        if set(entries) != {"pattern"}:
            raise node.error("content to send is a text or {pattern: number of bytes}")
        length = entries["pattern"].integer()
        if not 0 <= length <= MAX_CONTENT:
            raise node.error(f"a pattern has 0 to {MAX_CONTENT} bytes")
        return cls(pattern(length))

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        sized = {
            "type": "object",
            "properties": {"pattern": {"type": "integer"}},
            "additionalProperties": False,
        }
        return {"anyOf": [_SCALAR_SCHEMA, {**sized, "required": ["pattern"]}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentCheck:
    """What received content must be: a text, or any of the keys below."""

    equals: str | None = None
    contains: str | None = None
    length: int | None = None
    sha256: str | None = None
    pattern: int | None = None
    offset: int = 0
    coding: Literal["gzip"] | None = None
    """Undone before the checks above."""

    @classmethod
    def read_node(cls, node: Node) -> Self:
        if node.is_scalar:
            return cls(equals=node.text())
        readers: dict[str, Any] = {"equals": Node.text, "contains": Node.text, "sha256": Node.text}
        readers |= {"coding": lambda coding: coding.choice(("gzip",))}
        readers |= {"length": Node.integer, "pattern": Node.integer, "offset": Node.integer}
        values = {}
        for key, value in node.entries().items():
            if key not in readers:
                raise value.error(f"unknown check of content `{key}`{nearest(key, readers)}")
            values[key] = readers[key](value)
        return cls(**values)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        texts = {key: {"type": "string"} for key in ("equals", "contains", "sha256")}
        numbers = {key: {"type": "integer"} for key in ("length", "pattern", "offset")}
        coding = {"coding": {"enum": ["gzip"]}}
        record = {"type": "object", "properties": {**texts, **numbers, **coding}, "additionalProperties": False}
        return {"anyOf": [_SCALAR_SCHEMA, record]}

    def mismatches(self, found: bytes) -> list[str]:
        """One line for every way in which `found` differs."""
        if self.coding is not None:
            try:
                found = gzip.decompress(found)
            except (OSError, EOFError, zlib.error) as broken:
                return [f"content: expected gzip, got {shown(found)}: {broken}"]
        return self._differences(found)

    def _differences(self, found: bytes) -> list[str]:
        wrong = []
        if self.equals is not None and found != self.equals.encode():
            wrong.append(f"content: expected {shown(self.equals.encode())}, got {shown(found)}")
        if self.contains is not None and self.contains.encode() not in found:
            wrong.append(f"content: expected to contain {self.contains!r}, got {shown(found)}")
        if self.length is not None and len(found) != self.length:
            wrong.append(f"content: expected {self.length} bytes, got {len(found)}")
        if self.sha256 is not None and hashlib.sha256(found).hexdigest() != self.sha256:
            wrong.append(f"content: expected SHA-256 {self.sha256}, got {hashlib.sha256(found).hexdigest()}")
        if self.pattern is not None and found != pattern(self.pattern, self.offset):
            wrong.append(f"content: expected {self.pattern} pattern bytes from {self.offset}, got {shown(found)}")
        return wrong


def pattern(length: int, offset: int = 0) -> bytes:
    """`length` bytes of the fixed pattern from `offset`; its period is a prime, so a shift of any chunk shows."""
    start = offset % len(_PATTERN)
    repeats = (start + length) // len(_PATTERN) + 1
    return (_PATTERN * repeats)[start : start + length]


def shown(data: bytes, limit: int = 120) -> str:
    """Content for a message: printable, short, with its length."""
    text = data[:limit].decode("utf-8", "backslashreplace")
    return f"{text!r}" + (f"... ({len(data)} bytes)" if len(data) > limit else "")


def http_date(milliseconds: int) -> str:
    """IMF-fixdate of a moment in Unix milliseconds (RFC 9110 section 5.6.7)."""
    return format_datetime(datetime.fromtimestamp(milliseconds // 1000, UTC), usegmt=True)


def absolute_date(name: str, value: str, now_ms: int) -> str:
    """`+60s` in a date field as the HTTP date 60 s after the virtual clock; anything else unchanged."""
    found = re.fullmatch(r"([+-])(\d{1,12})(s|m|h|d)", value) if name.lower() in _DATE_FIELDS else None
    if not found:
        return value
    distance = int(found.group(2)) * _MILLISECONDS[found.group(3)]
    return http_date(now_ms + distance if found.group(1) == "+" else now_ms - distance)


def require_field_names(entries: Mapping[str, Node], keys: Iterable[str]) -> None:
    """Refuse an inline key that is neither a key of the format nor a header field the format knows."""
    for name, node in entries.items():
        if not is_inline_name(name):
            near = nearest(name, [*keys, *near_field_names(name)])
            hint = "; put a header field of any other name under `headers:`"
            raise node.error(f"unknown key `{name}`{near or ''}{hint}")


def _compile(node: Node) -> None:
    try:
        re.compile(node.text())
    except re.error as broken:
        raise node.error(f"not a regular expression: {broken}") from broken


MAX_CONTENT = 64 * 1024 * 1024
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DATE_FIELDS = frozenset(
    (
        "date",
        "expires",
        "last-modified",
        "if-modified-since",
        "if-unmodified-since",
        "if-range",
        "retry-after",
    )
)
_WORDS = ("absent", "present")
_SCALAR_SCHEMA: dict[str, Any] = {"type": ["string", "number", "boolean"]}
_PATTERN = bytes(33 + byte % 89 for byte in hashlib.shake_256(b"pattern").digest(251))

NO_FIELDS = Fields()
NO_CHECKS = FieldChecks()
