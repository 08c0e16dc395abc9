"""Indexes that name all that is looked up, and have no rows that nobody looks up by them.

SQLite took the index by status for a look-up by caller reference, and read all invalidations of a distribution. The
index by parent says what is deleted, so that counting what lives reads nothing else.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Replaces all indexes."""
    for name in ("resource_by_name", "resource_by_caller_reference", "resource_by_parent", "resource_by_status"):
        op.drop_index(name, "resource")
    _create("resource_by_name", ["family", "name"], "name IS NOT NULL")
    _create("resource_by_caller_reference", ["family", "caller_reference", "parent"], "caller_reference IS NOT NULL")
    op.create_index("resource_by_parent", "resource", ["family", "parent", "arrival", "deleted"])
    _create("resource_in_progress", ["family", "parent", "id"], "status = 'InProgress'")


def _create(name: str, columns: list[str], rows: str) -> None:
    op.create_index(name, "resource", columns, sqlite_where=sa.text(rows), postgresql_where=sa.text(rows))
