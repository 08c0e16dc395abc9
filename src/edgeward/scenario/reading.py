"""Turns YAML text into frozen dataclasses and says exactly where and why it cannot.

The dataclasses are the whole description of the format: their field names are the keys, their type hints
the grammar. Nothing is guessed: an unknown key, a key given twice or a value of the wrong type is a
`ScenarioError` with the line and the nearest known name. Strings keep the text that was written (`yes`
stays `yes`, `1.0` stays `1.0`). Called by `edgeward.scenario.format`; knows no scenario, only records,
lists and scalars.
"""

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml

Record = TypeVar("Record")


class ScenarioError(ValueError):
    """A scenario that cannot be run as it is written: `path:line: what to change`."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path = path
        self.line = line
        self.message = message


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """One YAML node with the file it came from; every reader takes one and fails through it."""

    raw: yaml.Node
    path: Path

    @property
    def line(self) -> int:
        """The line of the file, from 1."""
        return int(self.raw.start_mark.line) + 1

    def error(self, message: str) -> ScenarioError:
        """The error to raise about this place."""
        return ScenarioError(self.path, self.line, message)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.raw, yaml.MappingNode)

    @property
    def is_sequence(self) -> bool:
        return isinstance(self.raw, yaml.SequenceNode)

    @property
    def is_scalar(self) -> bool:
        return isinstance(self.raw, yaml.ScalarNode)

    def entries(self) -> dict[str, "Node"]:
        """Keys and values of a mapping, in the order written."""
        if not isinstance(self.raw, yaml.MappingNode):
            raise self.error(f"expected a mapping of keys to values, found {self.kind}")
        found: dict[str, Node] = {}
        for key_node, value in self.raw.value:
            key = Node(key_node, self.path)
            name = key.text()
            if name in found:
                raise key.error(f"the key `{name}` is given twice")
            found[name] = Node(value, self.path)
        return found

    def items(self) -> list["Node"]:
        """The values of a list."""
        if not isinstance(self.raw, yaml.SequenceNode):
            raise self.error(f"expected a list, found {self.kind}")
        return [Node(item, self.path) for item in self.raw.value]

    def text(self) -> str:
        """A scalar exactly as it was written, whatever YAML would make of it."""
        if not isinstance(self.raw, yaml.ScalarNode):
            raise self.error(f"expected text, found {self.kind}")
        return str(self.raw.value)

    def integer(self) -> int:
        """A whole number in decimal digits."""
        text = self.text()
        if not re.fullmatch(r"-?\d{1,15}", text):
            raise self.error(f"expected a whole number, found `{text}`")
        return int(text)

    def boolean(self) -> bool:
        """`true` or `false`."""
        text = self.text()
        if text not in ("true", "false"):
            raise self.error(f"expected `true` or `false`, found `{text}`")
        return text == "true"

    def choice(self, choices: Iterable[str]) -> str:
        """One of a few words."""
        known = tuple(choices)
        text = self.text()
        if text not in known:
            raise self.error(f"`{text}` is not one of {', '.join(known)}{_did_you_mean(text, known)}")
        return text

    @property
    def kind(self) -> str:
        """What this node is, in words, for messages."""
        if self.is_mapping:
            return "a mapping"
        return "a list" if self.is_sequence else f"`{self.raw.value}`"

    def with_row(self, row: "Mapping[str, Node] | None") -> Self:
        """The same tree with `$name` or `${name}` replaced by the row's value, of any type when it stands alone.

        `$fill(N)` is N times the letter a, with or without a table; without one every other `$` stays.
        """
        return type(self)(_substitute(self, row), self.path)


def compose(text: str, path: Path) -> Node:
    """The root node of one YAML document of at most `MAX_CHARACTERS`."""
    if len(text) > MAX_CHARACTERS:
        raise ScenarioError(path, 1, f"larger than {MAX_CHARACTERS} characters; split it: one behavior a file")
    try:
        raw = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as broken:
        line = broken.problem_mark.line + 1 if broken.problem_mark else 1
        raise ScenarioError(path, line, f"not YAML: {broken.problem}") from broken
    except yaml.YAMLError as broken:
        raise ScenarioError(path, 1, f"not YAML: {broken}") from broken
    if raw is None:
        raise ScenarioError(path, 1, "the file is empty")
    return Node(raw, path)


def read(hint: Any, node: Node) -> Any:
    """A value of the type `hint` from `node`.

    Knows str, int, bool, Literal, tuple[T, ...], Mapping[str, T], T | None, dataclasses, and any class with a
    `read_node(node)` class method, which reads itself.
    """
    hint = bare(hint)
    if hasattr(hint, "read_node"):
        return hint.read_node(node)
    if dataclasses.is_dataclass(hint):
        return read_record(typing.cast("type[Any]", hint), node.entries(), node)
    if hint in _SCALARS:
        return _SCALARS[hint](node)
    return _read_generic(hint, node)


def read_record(record: type[Record], entries: Mapping[str, Node], node: Node) -> Record:
    """A dataclass from the entries of the mapping `node`."""
    hints = keys_of(record)
    catch_all = catch_all_of(record)
    values: dict[str, Any] = {}
    others: dict[str, Node] = {}
    for key, value in entries.items():
        if key in hints:
            values[key] = read(hints[key], value)
        else:
            others[key] = value
    if catch_all is not None:
        values[catch_all] = bare(hints[catch_all]).with_inline(values.get(catch_all), others, hints)
    elif others:
        key, value = next(iter(others.items()))
        raise value.error(unknown_key(key, hints))
    _require_all(record, values, node)
    return record(**values)


def keys_of(record: type[Any]) -> dict[str, Any]:
    """The keys a record may have, with their type hints; a field marked `derived` is no key."""
    hints = typing.get_type_hints(record, include_extras=True)
    return {each.name: hints[each.name] for each in _fields(record) if not each.metadata.get("derived")}


def catch_all_of(record: type[Any]) -> str | None:
    """The attribute that also takes the keys no other attribute names (header fields written inline)."""
    for name, hint in keys_of(record).items():
        if hasattr(bare(hint), "with_inline"):
            return name
    return None


def bare(hint: Any) -> Any:
    """The type without its `Annotated` description and without `| None`."""
    if typing.get_origin(hint) is Annotated:
        return bare(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        if len(members) == 1:
            return bare(members[0])
    return hint


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The message about a key that nothing takes."""
    return f"unknown key `{key}`{nearest(key, known)}"


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` when a known word is close, else what there is to choose from when that is short."""
    names = sorted(known)
    return _did_you_mean(word, names) or (f" (known: {', '.join(names)})" if len(names) <= _SHORT_LIST else "")


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    names = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return f"; did you mean `{names[close[0]]}`?" if close else ""


def _read_generic(hint: Any, node: Node) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return node.choice(arguments)
    if origin is tuple:
        return tuple(read(arguments[0], item) for item in node.items())
    if origin is not None and issubclass(origin, Mapping):
        return {key: read(arguments[1], value) for key, value in node.entries().items()}
    raise TypeError(f"the format has a type its reader does not know: {hint!r}")


def _require_all(record: type[Any], values: Mapping[str, Any], node: Node) -> None:
    for each in _fields(record):
        has_default = each.default is not dataclasses.MISSING or each.default_factory is not dataclasses.MISSING
        if not has_default and each.name not in values:
            raise node.error(f"the key `{each.name}` is missing")


def _fields(record: type[Any]) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(record)


def _substitute(node: Node, row: Mapping[str, Node] | None) -> yaml.Node:
    raw = node.raw
    if isinstance(raw, yaml.MappingNode):
        pairs = [(key, _substitute(Node(value, node.path), row)) for key, value in raw.value]
        return yaml.MappingNode(raw.tag, pairs, raw.start_mark, raw.end_mark)
    if isinstance(raw, yaml.SequenceNode):
        items = [_substitute(Node(item, node.path), row) for item in raw.value]
        return yaml.SequenceNode(raw.tag, items, raw.start_mark, raw.end_mark)
    whole = re.fullmatch(r"\$(\w+)", node.text())
    if whole and row is not None:
        return _cell(whole.group(1), node, row).raw
    text = re.sub(r"\$(?:fill\((\d{1,6})\)|(\$)|(\w+)|\{(\w+)\})", lambda found: _text(found, node, row), node.text())
    return yaml.ScalarNode(raw.tag, text, raw.start_mark, raw.end_mark)


def _text(found: re.Match[str], node: Node, row: Mapping[str, Node] | None) -> str:
    fill, dollar, *names = found.groups()
    if fill:
        return "a" * int(fill)
    if row is None:
        return found.group()
    return dollar or _cell(names[0] or names[1], node, row).text()


def _cell(name: str, node: Node, row: Mapping[str, Node]) -> Node:
    if name not in row:
        raise node.error(f"no row gives `${name}`{nearest(name, row)}; write `$$` for a dollar sign")
    return row[name]


MAX_CHARACTERS = 1_000_000
_SHORT_LIST = 30
_SCALARS: dict[Any, Any] = {str: Node.text, int: Node.integer, bool: Node.boolean}
