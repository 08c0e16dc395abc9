"""Resources and the store as the engine sees them.

A resource is one thing an API family manages: its configuration, its ETag, its times. The engine depends on
the protocols below; `edgeward.store` implements them. Invariant: every change happens inside one
`Transaction`, and what it enqueued for deployment is committed with it or not at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from edgeward.aws.model import Shape

Status = Literal["InProgress", "Deployed", "Completed", ""]
"""Where a resource stands at the edges; empty for resources that are not deployed themselves."""

FINAL_STATUS: Mapping[str, Status] = {"distribution": "Deployed", "invalidation": "Completed", "acm-certificate": ""}
"""The status of a resource once every edge has its last change, by family."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One version of one resource."""

    family: str
    """`distribution`, `cache-policy`: also the word in the resource's ARN and path."""
    id: str
    etag: str
    """Another one for each version; empty where nothing changes the resource, which has no versions then."""
    config: Shape
    """What the caller sent, defaults filled in: echoed exactly."""
    created: datetime
    modified: datetime
    name: str | None = None
    """Unique among the living resources of the family, when the family has names."""
    caller_reference: str | None = None
    """Unique among the living resources of the family (and parent), when the family has caller references."""
    parent: str | None = None
    """The id of the resource this one belongs to: an invalidation's distribution."""
    status: Status = ""
    attributes: Shape = field(default_factory=dict)
    """What Edgeward made up at creation and the caller cannot change: a domain name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A resource's hold on something: a cache policy it uses, an alias it owns."""

    kind: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A slice of a listing: at most `size` resources after the one whose id is `marker`."""

    size: int
    marker: str | None = None
    newest_first: bool = False
    parent: str | None = None
    in_progress: bool = False
    """Only those that some edge may not have yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingChange:
    """One row of the outbox: something that the edges have to be told, in order of `position`."""

    position: int
    family: str
    id: str


class Values(Protocol):
    """The keys and values of one key value store."""

    def get(self, key: str) -> str | None:
        """The value of a key."""

    def after(self, key: str | None, limit: int) -> Sequence[tuple[str, str]]:
        """The pairs behind a key, or the first ones, in order of the keys."""

    def totals(self) -> tuple[int, int]:
        """How many pairs there are, and their bytes."""

    def put(self, changes: Mapping[str, str | None]) -> None:
        """Sets or, for None, removes the values of keys."""

    def clear(self) -> None:
        """Removes every pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A configuration that a resource has or had."""

    number: int
    """From 1, in the order in which they were made."""
    etag: str
    config: Shape
    modified: datetime


class Transaction(Protocol):
    """A consistent view of the store; in a write transaction, the only one that changes it."""

    @property
    def last_position(self) -> int | None:
        """The outbox position of the last change this transaction enqueued."""

    def find(self, family: str, id: str) -> Resource | None:
        """The living resource of that id."""

    def find_by_name(self, family: str, name: str) -> Resource | None:
        """The living resource of that name."""

    def find_by_caller_reference(
        self, family: str, caller_reference: str, parent: str | None = None
    ) -> Resource | None:
        """The living resource created with that caller reference."""

    def page(self, family: str, page: Page) -> Sequence[Resource]:
        """Living resources in order of id, or newest first."""

    def count(self, family: str, parent: str | None = None, *, in_progress: bool = False) -> int:
        """How many living resources there are."""

    def had_etag(self, family: str, id: str, etag: str) -> bool:
        """Whether some version of the resource, present or past, had that ETag."""

    def versions(self, family: str, id: str, limit: int) -> Sequence[Version]:
        """The newest versions of a resource, past ones included, the newest first."""

    def version(self, family: str, id: str, number: int) -> Version | None:
        """The version of that number."""

    def insert(self, resource: Resource, references: Iterable[Reference]) -> None:
        """Adds a resource, its first version if it has any, and its references."""

    def update(self, resource: Resource, references: Iterable[Reference]) -> None:
        """Stores a further version and replaces the references."""

    def delete(self, family: str, id: str, moment: datetime) -> None:
        """Ends the resource's life; its versions stay."""

    def referrers(self, kind: str, target: str) -> Sequence[str]:
        """The ids of the living resources that hold a reference, in order."""

    def tags(self, family: str, id: str) -> dict[str, str]:
        """The tags of a resource in the order they were set."""

    def put_tags(self, family: str, id: str, tags: dict[str, str]) -> None:
        """Replaces the tags of a resource."""

    def values(self, store: str) -> Values:
        """The pairs of a key value store."""

    def enqueue(self, family: str, id: str, *, is_marked: bool = False) -> int:
        """Adds a row to the outbox and returns its position; marks the resource InProgress unless it is already."""


class ResourceStore(Protocol):
    """Where resources live."""

    def read(self) -> AbstractContextManager[Transaction]:
        """A transaction that only reads."""

    def write(self) -> AbstractContextManager[Transaction]:
        """The one write transaction of the moment: commits on exit, rolls back on an exception."""


class Deployment(Protocol):
    """What happens to committed changes. `edgeward.deploy.publisher` implements it."""

    def settle(self, position: int) -> bool:
        """Sends the outbox up to `position` to the edges; returns when they have it, or when waiting takes
        too long: whether they have what lies at `position`.
        """
