"""Rules about what stands in a configuration and no request ever reaches.

The order of cache behaviors decides: the first whose pattern matches is used. Called through `rules.findings`.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from edgeward.lint.rules.subject import Finding, Subject, items


def unreachable_behavior(subject: Subject) -> Iterator[Finding]:
    """Guide, "Cache behavior settings", path pattern: the first that matches is used."""
    earlier: list[str] = []
    for behavior in items(subject.config.get("CacheBehaviors")):
        pattern = behavior["PathPattern"]
        shadow = next((each for each in earlier if _covers(each, pattern)), None)
        if shadow is not None:
            yield Finding(
                "unreachable-behavior",
                "error",
                f"CacheBehaviors[{pattern}]",
                f"every path it matches is taken by {shadow}, which stands before it",
                "move it to the front, or remove it",
            )
        earlier.append(pattern)


def unused_origin(subject: Subject) -> Iterator[Finding]:
    """No source but sense: an origin that nothing asks."""
    used = {origin["Id"] for _, behavior in subject.behaviors() for origin in subject.targets(behavior)}
    for name in subject.origins:
        if name not in used:
            yield Finding(
                "unused-origin",
                "hint",
                f"Origins[{name}]",
                "no cache behavior asks this origin",
                "remove it, or use it",
            )


def _covers(pattern: str, other: str) -> bool:
    """Whether every path that `other` matches is matched by `pattern`: `*` and `?` of it stand for themselves."""
    literal = pattern.replace("[", "[[]").lstrip("/")
    return fnmatchcase(other.lstrip("/"), literal)
