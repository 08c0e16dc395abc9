"""One transaction over the store's tables.

Implements `aws.resources.Transaction`, and beside it what the publisher needs: the outbox and its completion.
Every method is one or two statements; nothing is cached between them.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, Table

from edgeward.aws.resources import Page, PendingChange, Reference, Resource, Status, Version
from edgeward.store import statements
from edgeward.store.compiled import Cursor, Row
from edgeward.store.tables import resource_reference, tag
from edgeward.store.values import SqlValues


class SqlTransaction:
    """A view of the store inside one database transaction."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._last_position: int | None = None

    @property
    def last_position(self) -> int | None:
        """The outbox position of the last change this transaction enqueued."""
        return self._last_position

    def find(self, family: str, id: str) -> Resource | None:
        """The living resource of that id."""
        return self._one(statements.FIND, of_family=family, of_id=id)

    def find_by_name(self, family: str, name: str) -> Resource | None:
        """The living resource of that name."""
        return self._one(statements.FIND_BY_NAME, of_family=family, of_name=name)

    def find_by_caller_reference(
        self, family: str, caller_reference: str, parent: str | None = None
    ) -> Resource | None:
        """The living resource created with that caller reference, under `parent` if the family has parents."""
        return self._one(
            statements.FIND_BY_CALLER_REFERENCE,
            of_family=family,
            of_caller_reference=caller_reference,
            of_parent=parent,
        )

    def page(self, family: str, page: Page) -> Sequence[Resource]:
        """Living resources in order of id, or newest first."""
        query = statements.page(
            newest_first=page.newest_first,
            is_further=page.marker is not None,
            has_parent=page.parent is not None,
            in_progress=page.in_progress,
        )
        return self._resources(
            query,
            of_family=family,
            of_size=page.size,
            **_given(of_marker=page.marker, of_parent=page.parent),
        )

    def all(self, family: str) -> Sequence[Resource]:
        """Every living resource of a family, in order of id."""
        return self._resources(statements.ALL, of_family=family)

    def count(self, family: str, parent: str | None = None, *, in_progress: bool = False) -> int:
        """How many living resources there are."""
        query = statements.count(has_parent=parent is not None, in_progress=in_progress)
        return int(self._cursor.value(query, of_family=family, **_given(of_parent=parent)))

    def had_etag(self, family: str, id: str, etag: str) -> bool:
        """Whether some version of the resource, present or past, had that ETag."""
        return self._cursor.row(statements.HAD_ETAG, of_family=family, of_id=id, of_etag=etag) is not None

    def versions(self, family: str, id: str, limit: int) -> Sequence[Version]:
        """The newest versions of a resource, past ones included, the newest first."""
        rows = self._cursor.rows(statements.VERSIONS, of_family=family, of_id=id, of_limit=limit)
        return [_read_version(row) for row in rows]

    def version(self, family: str, id: str, number: int) -> Version | None:
        """The version of that number."""
        row = self._cursor.row(statements.VERSION, of_family=family, of_id=id, of_number=number)
        return _read_version(row) if row is not None else None

    def insert(self, new: Resource, references: Iterable[Reference]) -> None:
        """Adds a resource, its first version if it has any, and its references."""
        self._cursor.run(statements.INSERT, **_write_resource(new), arrival=self._count_up("arrival"))
        self._add_version(new, references)

    def update(self, changed: Resource, references: Iterable[Reference]) -> None:
        """Stores a further version and replaces the references."""
        self._cursor.run(statements.UPDATE, of_family=changed.family, of_id=changed.id, **_write_resource(changed))
        self._drop(resource_reference, changed.family, changed.id)
        self._add_version(changed, references)

    def delete(self, family: str, id: str, moment: datetime) -> None:
        """Ends the resource's life; its versions stay, its tags and references go."""
        self._cursor.run(statements.END, of_family=family, of_id=id, deleted=_write_time(moment))
        self._drop(resource_reference, family, id)
        self._drop(tag, family, id)

    def referrers(self, kind: str, target: str) -> Sequence[str]:
        """The ids of the living resources that hold a reference, in order."""
        return [row[0] for row in self._cursor.rows(statements.REFERRERS, of_kind=kind, of_target=target)]

    def tags(self, family: str, id: str) -> dict[str, str]:
        """The tags of a resource in the order they were set."""
        return dict(self._cursor.rows(statements.TAGS, of_family=family, of_id=id))

    def put_tags(self, family: str, id: str, tags: dict[str, str]) -> None:
        """Replaces the tags of a resource."""
        self._drop(tag, family, id)
        rows = [
            {"family": family, "id": id, "key": key, "value": value, "place": place}
            for place, (key, value) in enumerate(tags.items())
        ]
        self._cursor.run_for_each(statements.INSERT_TAGS, rows)

    def values(self, store: str) -> SqlValues:
        """The pairs of a key value store."""
        return SqlValues(self._cursor, store)

    def enqueue(self, family: str, id: str, *, is_marked: bool = False) -> int:
        """Adds a row to the outbox and returns its position; marks the resource InProgress unless it is already."""
        position = self._count_up("change")
        self._cursor.run(statements.ENQUEUE, position=position, family=family, id=id)
        if not is_marked:
            self._cursor.run(statements.MARK, of_family=family, of_id=id, status="InProgress")
        self._last_position = position
        return position

    def pending(self, after: int = 0) -> Sequence[PendingChange]:
        """The rows of the outbox behind a position, in order."""
        rows = self._cursor.rows(statements.PENDING, of_position=after)
        return [PendingChange(position=row[0], family=row[1], id=row[2]) for row in rows]

    def last_change(self) -> int:
        """The position of the newest change ever enqueued."""
        return int(self._cursor.value(statements.READ_COUNTER, of_name="change"))

    def complete(self, change: PendingChange, status: Status) -> None:
        """Removes a row from the outbox; the resource gets `status` unless a newer change of it waits."""
        self._cursor.run(statements.TAKE_OUT, of_position=change.position)
        self._cursor.run(statements.MARK_UNLESS_PENDING, of_family=change.family, of_id=change.id, status=status)

    def _count_up(self, name: str) -> int:
        return int(self._cursor.value(statements.COUNT_UP, of_name=name))

    def _add_version(self, version: Resource, references: Iterable[Reference]) -> None:
        key = {"family": version.family, "id": version.id}
        if version.etag:
            self._cursor.run(
                statements.INSERT_VERSION,
                **key,
                etag=version.etag,
                config=version.config,
                modified=_write_time(version.modified),
            )
        rows = [{**key, "kind": held.kind, "target": held.target} for held in dict.fromkeys(references)]
        self._cursor.run_for_each(statements.INSERT_REFERENCES, rows)

    def _drop(self, table: Table, family: str, id: str) -> None:
        self._cursor.run(statements.drop(table), of_family=family, of_id=id)

    def _one(self, query: Select[Any], **parameters: Any) -> Resource | None:
        row = self._cursor.row(query, **parameters)
        return _read_resource(row) if row is not None else None

    def _resources(self, query: Select[Any], **parameters: Any) -> list[Resource]:
        return [_read_resource(row) for row in self._cursor.rows(query, **parameters)]


def _given(**parameters: Any) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


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


def _read_resource(row: Row) -> Resource:
    family, own_id, etag, config, attributes, name, caller_reference, parent, status, created, modified = row
    return Resource(
        family=family,
        id=own_id,
        etag=etag,
        config=config,
        attributes=attributes,
        name=name,
        caller_reference=caller_reference,
        parent=parent,
        status=status,
        created=_read_time(created),
        modified=_read_time(modified),
    )


def _read_version(row: Row) -> Version:
    number, etag, config, modified = row
    return Version(number=int(number), etag=etag, config=config, modified=_read_time(modified))


def _write_time(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _read_time(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
