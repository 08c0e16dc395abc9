"""Runs migrations on the connection that `Store.migrate` hands over, inside its transaction."""

from alembic import context

from edgeward.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
