"""Patterns with `*` and `?`, and the variables in them (IAM User Guide, "Policy variables and tags")."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

Context = Mapping[str, Sequence[str]]
"""What is known of a request: values by condition key, the key in small letters. A key without a value is absent."""


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether `*` (any run of characters) and `?` (any one) make `text` of `pattern`.

    Takes time proportional to the lengths of the two: each piece between stars is looked for once, leftmost.
    """
    first, *others = _pieces(pattern, ignore_case=ignore_case)
    if not others:
        return first.expression.fullmatch(text) is not None
    *middle, last = others
    found = first.expression.match(text)
    for piece in middle:
        found = found and piece.expression.search(text, found.end())
    start = len(text) - last.length
    return found is not None and start >= found.end() and last.expression.match(text, start) is not None


def filled_in(pattern: str, context: Context) -> str | None:
    """The pattern with the values of its variables, taken literally; None where one has no value, so that it matches
    nothing.
    """
    parts = []
    at = 0
    for variable in _VARIABLE.finditer(pattern):
        value = _value(variable["name"], variable["default"], context)
        if value is None:
            return None
        parts += [pattern[at : variable.start()], _literal(value)]
        at = variable.end()
    return "".join([*parts, pattern[at:]])


def _value(name: str, default: str | None, context: Context) -> str | None:
    if name in ("*", "?", "$"):
        return name
    values = context.get(name.lower(), ())
    return values[0] if len(values) == 1 else default


def _literal(text: str) -> str:
    """Wildcards of a value are characters: marked, so that `matches` takes them as they are."""
    return re.sub(r"[*?]", lambda found: f"{MARK}{found[0]}", text.replace(MARK, ""))


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is between two stars."""

    expression: re.Pattern[str]
    length: int
    """Of every text that it matches."""


@lru_cache(maxsize=4096)
def _pieces(pattern: str, *, ignore_case: bool) -> tuple[_Piece, ...]:
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    pieces: list[list[str]] = [[]]
    for symbol in _SYMBOL.findall(pattern):
        if symbol == "*":
            pieces.append([])
        else:
            pieces[-1].append("." if symbol == "?" else re.escape(symbol[-1]))
    return tuple(_Piece(re.compile("".join(piece), flags), len(piece)) for piece in pieces)


MARK = "\0"
_SYMBOL = re.compile(f"{MARK}?.", re.DOTALL)
_VARIABLE = re.compile(r"\$\{(?P<name>[^{},]+?)(?:\s*,\s*'(?P<default>[^']*)')?\}")
