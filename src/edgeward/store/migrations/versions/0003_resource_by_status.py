"""What is in progress under a parent, found without reading all that ever was."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Creates the index."""
    op.create_index("resource_by_status", "resource", ["family", "parent", "status"])
