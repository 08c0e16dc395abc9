"""One transaction over the store's tables.

Implements `aws.resources.Transaction`, and beside it what the publisher needs: the outbox and its completion.
Every method is one or two statements; nothing is cached between them.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from edgeward.aws.resources import Page, PendingChange, Reference, Resource, Status
from edgeward.store.tables import counter, outbox, resource, resource_reference, resource_version, tag
from edgeward.store.values import SqlValues


class SqlTransaction:
    """A view of the store inside one database transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last_position: int | None = None

    @property
    def last_position(self) -> int | None:
        """The outbox position of the last change this transaction enqueued."""
        return self._last_position

    def find(self, family: str, id: str) -> Resource | None:
        """The living resource of that id."""
        return self._one(_living(family).where(resource.c.id == id))

    def find_by_name(self, family: str, name: str) -> Resource | None:
        """The living resource of that name."""
        return self._one(_living(family).where(resource.c.name == name))

    def find_by_caller_reference(
        self, family: str, caller_reference: str, parent: str | None = None
    ) -> Resource | None:
        """The living resource created with that caller reference, under `parent` if the family has parents."""
        same_parent = resource.c.parent.is_not_distinct_from(parent)
        return self._one(_living(family).where(resource.c.caller_reference == caller_reference, same_parent))

    def page(self, family: str, page: Page) -> Sequence[Resource]:
        """Living resources in order of id, or newest first."""
        query = _living(family).limit(page.size)
        if page.parent is not None:
            query = query.where(resource.c.parent == page.parent)
        if page.status is not None:
            query = query.where(resource.c.status == page.status)
        if page.newest_first:
            query = query.order_by(resource.c.arrival.desc())
            if page.marker is not None:
                query = query.where(resource.c.arrival < _arrival_of(family, page.marker))
        else:
            query = query.order_by(resource.c.id)
            if page.marker is not None:
                query = query.where(resource.c.id > page.marker)
        return [_read_resource(row) for row in self._connection.execute(query).mappings()]

    def all(self, family: str) -> Sequence[Resource]:
        """Every living resource of a family, in order of id."""
        query = _living(family).order_by(resource.c.id)
        return [_read_resource(row) for row in self._connection.execute(query).mappings()]

    def count(self, family: str, parent: str | None = None, status: Status | None = None) -> int:
        """How many living resources there are."""
        query = select(func.count()).where(_is_living(family))
        if parent is not None:
            query = query.where(resource.c.parent == parent)
        if status is not None:
            query = query.where(resource.c.status == status)
        return self._connection.execute(query).scalar_one()

    def had_etag(self, family: str, id: str, etag: str) -> bool:
        """Whether some version of the resource, present or past, had that ETag."""
        query = select(resource_version.c.etag).where(
            _is_row(resource_version, family, id), resource_version.c.etag == etag
        )
        return self._connection.execute(query).first() is not None

    def insert(self, new: Resource, references: Iterable[Reference]) -> None:
        """Adds a resource, its first version and its references."""
        row = _write_resource(new) | {"arrival": self._count_up("arrival")}
        self._connection.execute(insert(resource).values(row))
        self._add_version(new, references)

    def update(self, changed: Resource, references: Iterable[Reference]) -> None:
        """Stores a further version and replaces the references."""
        self._connection.execute(
            update(resource).where(_is_row(resource, changed.family, changed.id)).values(_write_resource(changed))
        )
        self._drop(resource_reference, changed.family, changed.id)
        self._add_version(changed, references)

    def delete(self, family: str, id: str, moment: datetime) -> None:
        """Ends the resource's life; its versions stay, its tags and references go."""
        self._connection.execute(
            update(resource).where(_is_row(resource, family, id)).values(deleted=_write_time(moment))
        )
        self._drop(resource_reference, family, id)
        self._drop(tag, family, id)

    def referrers(self, kind: str, target: str) -> Sequence[str]:
        """The ids of the living resources that hold a reference, in order."""
        query = (
            select(resource_reference.c.id)
            .where(resource_reference.c.kind == kind, resource_reference.c.target == target)
            .order_by(resource_reference.c.id)
        )
        return list(self._connection.execute(query).scalars())

    def tags(self, family: str, id: str) -> dict[str, str]:
        """The tags of a resource in the order they were set."""
        query = select(tag.c.key, tag.c.value).where(_is_row(tag, family, id)).order_by(tag.c.place)
        return {row.key: row.value for row in self._connection.execute(query)}

    def put_tags(self, family: str, id: str, tags: dict[str, str]) -> None:
        """Replaces the tags of a resource."""
        self._drop(tag, family, id)
        rows = [
            {"family": family, "id": id, "key": key, "value": value, "place": place}
            for place, (key, value) in enumerate(tags.items())
        ]
        if rows:
            self._connection.execute(insert(tag), rows)

    def values(self, store: str) -> SqlValues:
        """The pairs of a key value store."""
        return SqlValues(self._connection, store)

    def enqueue(self, family: str, id: str) -> int:
        """Adds a row to the outbox, marks the resource InProgress and returns the row's position."""
        position = self._count_up("change")
        self._connection.execute(insert(outbox).values(position=position, family=family, id=id))
        self._mark(family, id, "InProgress")
        self._last_position = position
        return position

    def pending(self, after: int = 0) -> Sequence[PendingChange]:
        """The rows of the outbox behind a position, in order."""
        query = select(outbox).where(outbox.c.position > after).order_by(outbox.c.position)
        return [PendingChange(**row) for row in self._connection.execute(query).mappings()]

    def last_change(self) -> int:
        """The position of the newest change ever enqueued."""
        return self._read_counter("change")

    def complete(self, change: PendingChange, status: Status) -> None:
        """Removes a row from the outbox; the resource gets `status` unless a newer change of it waits."""
        self._connection.execute(delete(outbox).where(outbox.c.position == change.position))
        newer = select(outbox.c.position).where(outbox.c.family == change.family, outbox.c.id == change.id)
        if self._connection.execute(newer).first() is None:
            self._mark(change.family, change.id, status)

    def _mark(self, family: str, id: str, status: Status) -> None:
        self._connection.execute(update(resource).where(_is_row(resource, family, id)).values(status=status))

    def _count_up(self, name: str) -> int:
        next_value = counter.c.value + 1
        self._connection.execute(update(counter).where(counter.c.name == name).values(value=next_value))
        return self._read_counter(name)

    def _read_counter(self, name: str) -> int:
        return int(self._connection.execute(select(counter.c.value).where(counter.c.name == name)).scalar_one())

    def _add_version(self, version: Resource, references: Iterable[Reference]) -> None:
        key = {"family": version.family, "id": version.id}
        self._connection.execute(
            insert(resource_version).values(
                **key, etag=version.etag, config=version.config, modified=_write_time(version.modified)
            )
        )
        rows = [{**key, "kind": held.kind, "target": held.target} for held in dict.fromkeys(references)]
        if rows:
            self._connection.execute(insert(resource_reference), rows)

    def _drop(self, table: Any, family: str, id: str) -> None:
        self._connection.execute(delete(table).where(_is_row(table, family, id)))

    def _one(self, query: Select[Any]) -> Resource | None:
        row = self._connection.execute(query.limit(1)).mappings().first()
        return _read_resource(row) if row is not None else None


def _is_living(family: str) -> ColumnElement[bool]:
    return and_(resource.c.family == family, resource.c.deleted.is_(None))


def _living(family: str) -> Select[Any]:
    return select(resource).where(_is_living(family))


def _is_row(table: Any, family: str, id: str) -> ColumnElement[bool]:
    return and_(table.c.family == family, table.c.id == id)


def _arrival_of(family: str, id: str) -> ColumnElement[int]:
    return select(resource.c.arrival).where(_is_row(resource, family, id)).scalar_subquery()


def _write_resource(value: Resource) -> dict[str, Any]:
    return {
        "family": value.family,
        "id": value.id,
        "etag": value.etag,
        "config": value.config,
        "attributes": value.attributes,
        "name": value.name,
        "caller_reference": value.caller_reference,
        "parent": value.parent,
        "status": value.status,
        "created": _write_time(value.created),
        "modified": _write_time(value.modified),
    }


def _read_resource(row: RowMapping) -> Resource:
    return Resource(
        family=row["family"],
        id=row["id"],
        etag=row["etag"],
        config=row["config"],
        attributes=row["attributes"],
        name=row["name"],
        caller_reference=row["caller_reference"],
        parent=row["parent"],
        status=cast(Status, row["status"]),
        created=_read_time(row["created"]),
        modified=_read_time(row["modified"]),
    )


def _write_time(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _read_time(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
