"""The first schema: resources with history and references, tags, the outbox, counters."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates every table and starts the counters."""
    _create_resource()
    _create_resource_version()
    _create_resource_reference()
    _create_tag()
    _create_outbox()
    counter = op.create_table(
        "counter",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counter, [{"name": "change", "value": 1}, {"name": "arrival", "value": 0}])


def _create_resource() -> None:
    op.create_table(
        "resource",
        sa.Column("family", sa.String(64), primary_key=True),
        sa.Column("id", _ordered(64), primary_key=True),
        sa.Column("etag", sa.String(64), nullable=False),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("name", sa.String(256)),
        sa.Column("caller_reference", sa.String(1024)),
        sa.Column("parent", sa.String(64)),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("modified", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.BigInteger),
        sa.Column("arrival", _position(), nullable=False),
    )
    op.create_index("resource_by_name", "resource", ["family", "name"])
    op.create_index("resource_by_caller_reference", "resource", ["family", "caller_reference"])
    op.create_index("resource_by_parent", "resource", ["family", "parent", "arrival"])


def _create_resource_version() -> None:
    op.create_table(
        "resource_version",
        sa.Column("family", sa.String(64), primary_key=True),
        sa.Column("id", _ordered(64), primary_key=True),
        sa.Column("etag", sa.String(64), primary_key=True),
        sa.Column("config", sa.JSON, nullable=False),
        sa.Column("modified", sa.BigInteger, nullable=False),
    )


def _create_resource_reference() -> None:
    op.create_table(
        "resource_reference",
        sa.Column("family", sa.String(64), primary_key=True),
        sa.Column("id", _ordered(64), primary_key=True),
        sa.Column("kind", sa.String(64), primary_key=True),
        sa.Column("target", sa.String(256), primary_key=True),
    )
    op.create_index("resource_reference_by_target", "resource_reference", ["kind", "target"])


def _create_tag() -> None:
    op.create_table(
        "tag",
        sa.Column("family", sa.String(64), primary_key=True),
        sa.Column("id", _ordered(64), primary_key=True),
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("value", sa.String(256)),
        sa.Column("place", sa.Integer, nullable=False),
    )


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("position", _position(), primary_key=True, autoincrement=False),
        sa.Column("family", sa.String(64), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
    )


def _position() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _ordered(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")
