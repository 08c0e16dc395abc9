"""Reading a DistributionConfig, and naming a place in it.

A `Field` knows where a value stands, so that a refusal says
`DistributionConfig.Origins.Items[site].OriginPath` and not just "invalid". Every rule of this package
builds its errors here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape


def items_of(container: Shape | None) -> list[Any]:
    """The items of a Quantity/Items container; none when it, or its Items, are left out."""
    return (container or {}).get("Items") or []


@dataclass(frozen=True, slots=True)
class Field:
    """A place in a DistributionConfig."""

    path: str = "DistributionConfig"

    def member(self, name: str) -> "Field":
        """The member `name`, which may itself be a path (`OriginShield.Enabled`)."""
        return Field(f"{self.path}.{name}")

    def item(self, key: str | int) -> "Field":
        """The item of this container that `key` (its id, pattern, name or index) tells apart."""
        return Field(f"{self.path}.Items[{shown(key)}]")

    def refused(self, message: str, code: str = "InvalidArgument") -> ApiError:
        """The error to raise: `message` goes on after the path, says what to change, and gets its full stop here."""
        return ApiError(code, f"{self.path}: {message}.")


def origins(config: Shape) -> Iterator[tuple[Field, Shape]]:
    """Every origin with its place, by id."""
    at = Field("DistributionConfig.Origins")
    for origin in items_of(config.get("Origins")):
        yield at.item(origin["Id"]), origin


def behaviors(config: Shape) -> Iterator[tuple[Field, Shape]]:
    """Every cache behavior with its place: those with a path pattern in order, then the default one."""
    at = Field("DistributionConfig.CacheBehaviors")
    for behavior in items_of(config.get("CacheBehaviors")):
        yield at.item(behavior["PathPattern"]), behavior
    yield Field("DistributionConfig.DefaultCacheBehavior"), config["DefaultCacheBehavior"]


def cache_tag_header(config: Shape) -> str | None:
    """The response header that carries cache tags, in lower case; None when the distribution reads none."""
    tags = config.get("CacheTagConfig")
    return tags["HeaderName"].lower() if tags else None


def shown(value: object) -> str:
    """`value` for a message: a caller's text may be long, the message is not."""
    text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


_SHOWN_CHARACTERS = 80
