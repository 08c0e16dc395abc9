"""What can go wrong with a database that the user names, in words that say what to do.

Invariant: no message holds the URL, which may have a password in it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import ArgumentError, DBAPIError

from edgeward.deploy.publisher import AlreadyPublished
from edgeward.dev.errors import DevError
from edgeward.store.database import UnknownDatabase


@contextmanager
def explained() -> Iterator[None]:
    """Turns what may be wrong with a database or its URL into a `DevError`."""
    try:
        yield
    except UnknownDatabase as error:
        raise DevError(str(error)) from error
    except AlreadyPublished as error:
        raise DevError(f"{error}: `edgeward api`") from error
    except ArgumentError as error:
        raise DevError("--database is no URL: write it as postgresql+psycopg://user@host/name") from error
    except ModuleNotFoundError as error:
        raise DevError(f"the driver {error.name} is missing: pip install 'edgeward[postgres]'") from error
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise DevError(f"the database does not answer as it should: {reason}") from error
