"""The tables of the store, as SQLAlchemy Core sees them.

The migrations create them; a test compares the two. Times are milliseconds since 1970 (UTC), configurations
JSON.
"""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, MetaData, String, Table, Text, text

metadata = MetaData()

Position = BigInteger().with_variant(Integer, "sqlite")


def ordered(length: int) -> String:
    """Text that pages run through in order of its bytes, whatever the language of the database."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def _index_of(rows: str, name: str, *columns: str) -> Index:
    """An index of those rows alone that are looked up by it: most rows cost it nothing."""
    return Index(name, *columns, sqlite_where=text(rows), postgresql_where=text(rows))


resource = Table(
    "resource",
    metadata,
    Column("family", String(64), primary_key=True),
    Column("id", ordered(64), primary_key=True),
    Column("etag", String(64), nullable=False),
    Column("config", JSON, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("name", String(256)),
    Column("caller_reference", String(1024)),
    Column("parent", String(64)),
    Column("status", String(32), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("deleted", BigInteger),
    Column("arrival", Position, nullable=False),
    _index_of("name IS NOT NULL", "resource_by_name", "family", "name"),
    _index_of("caller_reference IS NOT NULL", "resource_by_caller_reference", "family", "caller_reference", "parent"),
    Index("resource_by_parent", "family", "parent", "arrival", "deleted"),
    _index_of("status = 'InProgress'", "resource_in_progress", "family", "parent", "id"),
)
"""Every resource that is or was; `deleted` is null while it lives, `arrival` counts up with every creation.
"""

resource_version = Table(
    "resource_version",
    metadata,
    Column("family", String(64), primary_key=True),
    Column("id", ordered(64), primary_key=True),
    Column("etag", String(64), primary_key=True),
    Column("config", JSON, nullable=False),
    Column("modified", BigInteger, nullable=False),
)
"""Every version of every resource: a stale If-Match is told from one that never was by it."""

resource_reference = Table(
    "resource_reference",
    metadata,
    Column("family", String(64), primary_key=True),
    Column("id", ordered(64), primary_key=True),
    Column("kind", String(64), primary_key=True),
    Column("target", String(256), primary_key=True),
    Index("resource_reference_by_target", "kind", "target"),
)
"""What living resources hold on to: policies they use, aliases they own."""

tag = Table(
    "tag",
    metadata,
    Column("family", String(64), primary_key=True),
    Column("id", ordered(64), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("value", String(256)),
    Column("place", Integer, nullable=False),
)

key_value = Table(
    "key_value",
    metadata,
    Column("store", String(64), primary_key=True),
    Column("key", ordered(512), primary_key=True),
    Column("value", Text, nullable=False),
    Column("size", Integer, nullable=False),
)
"""The pairs of key value stores; `size` is the bytes of key and value in UTF-8."""

outbox = Table(
    "outbox",
    metadata,
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("family", String(64), nullable=False),
    Column("id", String(64), nullable=False),
)
"""Committed changes that some edge may not have yet, in order."""

counter = Table(
    "counter",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""Numbers that only count up: `change` numbers outbox rows and so plans, `arrival` numbers resources."""
