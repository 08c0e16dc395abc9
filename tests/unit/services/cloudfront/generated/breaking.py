"""Every way in which the service model knows an input to be wrong, applied to one that is right."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, Shape, StringShape, StructureShape

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Broken:
    """An input with one thing wrong."""

    what: str
    members: dict[str, Any]
    code: str | None = None
    """The only code that may answer it, where one may."""


def broken_inputs(shape: StructureShape, members: dict[str, Any], quantity_code: str) -> Iterator[Broken]:
    """All of them: required members dropped, Quantities wrong, enums and bounds broken."""
    for path, inner, value in _values(shape, members, ()):
        if isinstance(inner, StructureShape):
            yield from _without_required(inner, members, path, value)
            if "Quantity" in value and "Items" in inner.members:
                wrong = _with(members, (*path, "Quantity"), value["Quantity"] + 1)
                yield Broken(f"{_words(path)}.Quantity is one more", wrong, quantity_code)
        else:
            for words, wrong_value in _wrong_values(inner, value):
                yield Broken(f"{_words(path)} {words}", _with(members, path, wrong_value))


def _without_required(
    shape: StructureShape, members: dict[str, Any], path: Path, value: dict[str, Any]
) -> Iterator[Broken]:
    for name in shape.required_members:
        # A path without one of its parts is another operation's path.
        if name in value and shape.members[name].serialization.get("location") != "uri":
            yield Broken(f"{_words((*path, name))} is missing", _without(members, (*path, name)))


def _wrong_values(shape: Shape, value: Any) -> Iterator[tuple[str, Any]]:
    bounds = shape.metadata
    if isinstance(shape, StringShape) and shape.enum:
        yield "is no value of the enum", "no-such-value"
    if isinstance(value, str | bytes) and "max" in bounds:
        yield "is too long", value[:1] * (bounds["max"] + 1)
    if isinstance(value, str | bytes) and bounds.get("min", 0) > 0 and shape.serialization.get("location") != "uri":
        yield "is too short", value[: bounds["min"] - 1]
    if isinstance(value, str) and "pattern" in bounds:
        yield "does not match the pattern", value + "\u00a7"
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield from ((f"is {limit}", limit) for limit in _beyond(bounds))


def _beyond(bounds: dict[str, Any]) -> Iterator[int]:
    if "min" in bounds:
        yield bounds["min"] - 1
    if "max" in bounds:
        yield bounds["max"] + 1


def _values(shape: Shape, value: Any, path: Path) -> Iterator[tuple[Path, Shape, Any]]:
    yield path, shape, value
    if isinstance(shape, StructureShape):
        for name, inner in shape.members.items():
            if name in value:
                yield from _values(inner, value[name], (*path, name))
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value):
            yield from _values(shape.member, item, (*path, number))


def _with(members: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    changed = deepcopy(members)
    _parent(changed, path)[path[-1]] = value
    return changed


def _without(members: dict[str, Any], path: Path) -> dict[str, Any]:
    changed = deepcopy(members)
    del _parent(changed, path)[path[-1]]
    return changed


def _parent(members: Any, path: Path) -> Any:
    for step in path[:-1]:
        members = members[step]
    return members


def _words(path: Path) -> str:
    return ".".join(str(step) for step in path) or "the input"
