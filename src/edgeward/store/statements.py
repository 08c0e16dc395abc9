"""The statements of transactions, each built once, so that `compiled` writes each of them once for a database.

Parameters that a statement looks rows up by are called `of_...`, so that they never meet the name of a column. Of a
resource, rows have the columns `RESOURCE`, in that order.
"""

from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Delete,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    update,
)

from edgeward.store.tables import counter, key_value, outbox, resource, resource_reference, resource_version, tag


def is_row(table: Table) -> ColumnElement[bool]:
    """The rows of one resource: `of_family` and `of_id`."""
    return and_(table.c.family == _of("family"), table.c.id == _of("id"))


def _of(name: str) -> BindParameter[Any]:
    return bindparam(f"of_{name}")


def _set(*names: str) -> dict[str, BindParameter[Any]]:
    """Columns, set to the parameters of the same names."""
    return {name: bindparam(name) for name in names}


def _living() -> Select[Any]:
    return select(*(resource.c[name] for name in RESOURCE)).where(_IS_LIVING)


RESOURCE = (
    "family",
    "id",
    "etag",
    "config",
    "attributes",
    "name",
    "caller_reference",
    "parent",
    "status",
    "created",
    "modified",
)
_IS_LIVING = and_(resource.c.family == _of("family"), resource.c.deleted.is_(None))
_IS_IN_PROGRESS = text("resource.status = 'InProgress'")
"""As the index has it: a parameter in its place would keep the database from the index."""

FIND = _living().where(resource.c.id == _of("id")).limit(1)
FIND_BY_NAME = _living().where(resource.c.name == _of("name")).limit(1)
FIND_BY_CALLER_REFERENCE = (
    _living()
    .where(
        resource.c.caller_reference == _of("caller_reference"),
        resource.c.parent.is_not_distinct_from(_of("parent")),
    )
    .limit(1)
)
ALL = _living().order_by(resource.c.id)


@cache
def page(*, newest_first: bool, is_further: bool, has_parent: bool, in_progress: bool) -> Select[Any]:
    """A page of living resources: `of_size` of them, behind `of_marker` where it is further than the first."""
    query = _filtered(_living(), has_parent=has_parent, in_progress=in_progress).limit(_of("size"))
    if newest_first:
        query = query.order_by(resource.c.arrival.desc())
        return query.where(resource.c.arrival < _ARRIVAL_OF_MARKER) if is_further else query
    query = query.order_by(resource.c.id)
    return query.where(resource.c.id > _of("marker")) if is_further else query


@cache
def count(*, has_parent: bool, in_progress: bool) -> Select[Any]:
    """How many living resources there are."""
    return _filtered(select(func.count()).where(_IS_LIVING), has_parent=has_parent, in_progress=in_progress)


def _filtered(query: Select[Any], *, has_parent: bool, in_progress: bool) -> Select[Any]:
    if has_parent:
        query = query.where(resource.c.parent == _of("parent"))
    return query.where(_IS_IN_PROGRESS) if in_progress else query


_ARRIVAL_OF_MARKER = (
    select(resource.c.arrival)
    .where(resource.c.family == _of("family"), resource.c.id == _of("marker"))
    .scalar_subquery()
)

HAD_ETAG = select(resource_version.c.etag).where(is_row(resource_version), resource_version.c.etag == _of("etag"))
_NUMBER = func.row_number().over(order_by=(resource_version.c.modified, resource_version.c.etag)).label("number")
_NUMBERED = (
    select(_NUMBER, resource_version.c.etag, resource_version.c.config, resource_version.c.modified)
    .where(is_row(resource_version))
    .subquery()
)
VERSIONS = select(_NUMBERED).order_by(_NUMBERED.c.number.desc()).limit(_of("limit"))
VERSION = select(_NUMBERED).where(_NUMBERED.c.number == _of("number"))
INSERT = insert(resource).values(_set(*RESOURCE, "arrival"))
UPDATE = update(resource).where(is_row(resource)).values(_set(*RESOURCE))
END = update(resource).where(is_row(resource)).values(_set("deleted"))
INSERT_VERSION = insert(resource_version)
INSERT_REFERENCES = insert(resource_reference)
INSERT_TAGS = insert(tag)
REFERRERS = (
    select(resource_reference.c.id)
    .where(resource_reference.c.kind == _of("kind"), resource_reference.c.target == _of("target"))
    .order_by(resource_reference.c.id)
)
TAGS = select(tag.c.key, tag.c.value).where(is_row(tag)).order_by(tag.c.place)


@cache
def drop(table: Table) -> Delete:
    """Removes the rows of one resource."""
    return delete(table).where(is_row(table))


ENQUEUE = insert(outbox)
PENDING = (
    select(outbox.c.position, outbox.c.family, outbox.c.id)
    .where(outbox.c.position > _of("position"))
    .order_by(outbox.c.position)
)
TAKE_OUT = delete(outbox).where(outbox.c.position == _of("position"))
MARK = update(resource).where(is_row(resource)).values(_set("status"))
MARK_UNLESS_PENDING = MARK.where(~exists().where(outbox.c.family == _of("family"), outbox.c.id == _of("id")))
READ_COUNTER = select(counter.c.value).where(counter.c.name == _of("name"))
COUNT_UP = (
    update(counter).where(counter.c.name == _of("name")).values(value=counter.c.value + 1).returning(counter.c.value)
)

_IS_OF_STORE = key_value.c.store == _of("store")
VALUE = select(key_value.c.value).where(_IS_OF_STORE, key_value.c.key == _of("key"))
TOTALS = select(func.count(), func.coalesce(func.sum(key_value.c.size), 0)).where(_IS_OF_STORE)
INSERT_VALUE = insert(key_value)
DELETE_VALUE = delete(key_value).where(_IS_OF_STORE, key_value.c.key == _of("key"))
CLEAR = delete(key_value).where(_IS_OF_STORE)


@cache
def pairs(*, is_further: bool) -> Select[Any]:
    """`of_size` pairs of a key value store in order of the keys, behind `of_marker` where they are further ones."""
    query = select(key_value.c.key, key_value.c.value).where(_IS_OF_STORE).order_by(key_value.c.key).limit(_of("size"))
    return query.where(key_value.c.key > _of("marker")) if is_further else query


def lock_for_transaction(key: int) -> Select[Any]:
    """Waits for a lock of PostgreSQL's that ends with the transaction."""
    return select(func.pg_advisory_xact_lock(key))


def lock_if_free(key: int) -> Select[Any]:
    """Whether a lock of PostgreSQL's was free: it is ours then, until the connection ends."""
    return select(func.pg_try_advisory_lock(key))
