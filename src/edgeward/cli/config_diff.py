"""What changed between two configurations, as their readers think of them. Pure.

Items of a list are told by what names them, not by where they stand: an origin by its Id, a cache behavior by its
path pattern, an error response by its code. The order of cache behaviors decides which one is used, so a change of it
is a change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One member that differs; None where there is none."""

    path: str
    """`Origins[site].OriginPath`."""
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.before is None:
            return f"+ {self.path}: {shown(self.after)}"
        if self.after is None:
            return f"- {self.path}: {shown(self.before)}"
        return f"~ {self.path}: {shown(self.before)} -> {shown(self.after)}"


def differences(before: Config, after: Config, path: str = "") -> Iterator[Change]:
    """Every difference, in the order of the later configuration, then what is gone."""
    for name in [*after, *(name for name in before if name not in after)]:
        if name != "Quantity":
            yield from _compare(before.get(name), after.get(name), f"{path}.{name}" if path else name)


def _compare(before: Any, after: Any, path: str) -> Iterator[Change]:
    if before == after:
        return
    if _is_list(before) or _is_list(after):
        yield from _compare_lists(_items(before), _items(after), path)
        yield from differences(_beside_items(before), _beside_items(after), path)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from differences(before, after, path)
    else:
        yield Change(path, before, after)


def _compare_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Change]:
    naming = next((member for member in _NAMING if _is_named_by(member, [*before, *after])), None)
    if naming is None:
        yield from (Change(path, None, item) for item in after if item not in before)
        yield from (Change(path, item, None) for item in before if item not in after)
        return
    was, is_now = ({item[naming]: item for item in items} for items in (before, after))
    for name in [*is_now, *(name for name in was if name not in is_now)]:
        yield from _compare(was.get(name), is_now.get(name), f"{path}[{name}]")
    kept = [[name for name in each if name in was and name in is_now] for each in (was, is_now)]
    if naming == "PathPattern" and kept[0] != kept[1]:
        yield Change(f"{path} (order)", kept[0], kept[1])


def _is_list(value: Any) -> bool:
    return isinstance(value, list) or (isinstance(value, Mapping) and "Quantity" in value)


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return list(value.get("Items", [])) if isinstance(value, Mapping) else []


def _beside_items(value: Any) -> Config:
    """`Enabled` of trusted key groups, `CachedMethods` of allowed methods."""
    members = value.items() if isinstance(value, Mapping) else ()
    return {name: member for name, member in members if name not in ("Items", "Quantity")}


def _is_named_by(member: str, items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, Mapping) and member in item for item in items)


def shown(value: Any) -> str:
    """A value on one line; of what has members, those that name it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(member)}" for name, member in list(value.items())[:_MOST]) or "empty"
    if isinstance(value, list):
        return ", ".join(map(shown, value)) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if value != "" else "''"


_NAMING = ("PathPattern", "Id", "ErrorCode", "HeaderName", "EventType", "Name")
_MOST = 3
"""Members of something new or gone that are shown."""
