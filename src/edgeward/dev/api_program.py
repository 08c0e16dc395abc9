"""`edgeward api` itself: one more process that serves the API, on the database of a running `edgeward dev`.

It has no edges: changes reach them through the program that publishes from the database. Invariant: it writes nothing
into the state folder, which belongs to that program. Called by the command line.
"""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from edgeward.authority import LocalAuthority
from edgeward.control_plane import ControlPlane, ControlPlaneSettings
from edgeward.dev.acme_settings import acme_settings
from edgeward.dev.api_server import ApiServer
from edgeward.dev.bucket_objects import object_reader
from edgeward.dev.credentials import access_key, secret_key
from edgeward.dev.errors import DevError
from edgeward.dev.ports import first_free_port
from edgeward.dev.quota_settings import quota_settings
from edgeward.dev.state_folder import StateFolder
from edgeward.dev.stopping import Stopped, stop_signals
from edgeward.services.cloudfront.trust_store import no_bucket
from edgeward.store.database import DatabaseError


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """What one more API is started with."""

    state: Path
    """The state folder of the `edgeward dev` that publishes: its access key may call."""
    database: str = field(repr=False)
    """The same database URL as that program's."""
    port: int = 4567
    """A busy one gives way to the next free one."""
    s3: str | None = None
    """The S3 server of that program, for the bundles of trust stores; None: there is none."""
    account_id: str = "123456789012"
    """The AWS account that owns what is created; 12 digits."""


def run_api(settings: ApiSettings, say: Callable[[str], None]) -> None:
    """Serves until SIGINT, SIGTERM or SIGHUP. Raises `DevError` when it cannot start. Main thread only."""
    folder = StateFolder(root=settings.state.resolve())
    if not folder.user_key.exists():
        raise DevError(f"{folder.root} is no state folder: start `edgeward dev --database ...` with it first")
    with suppress(Stopped), stop_signals() as stop, ExitStack() as parts:
        try:
            plane = _control_plane(settings, folder)
            parts.callback(plane.stop)
            plane.start()
        except DatabaseError as error:
            raise DevError(str(error)) from error
        server = ApiServer(plane.app, first_free_port(settings.port))
        parts.callback(_stop, server, say)
        server.start()
        say(f"The CloudFront API, once more: {server.endpoint}")
        while True:
            stop.sleep(_LONG_SECONDS)


def _stop(server: ApiServer, say: Callable[[str], None]) -> None:
    if not server.stop():
        say("The API's server has not ended in time: a call to it may hang")


def _control_plane(settings: ApiSettings, folder: StateFolder) -> ControlPlane:
    key = access_key(folder.user_key)
    return ControlPlane(
        ControlPlaneSettings(
            state_directory=folder.control_plane,
            access_keys={key.id: key.secret},
            sealing_key=secret_key(folder.sealing_key),
            account_id=settings.account_id,
            explain_key=secret_key(folder.explain_key),
            database_url=settings.database,
            acme=acme_settings(folder.acme),
            quotas=quota_settings(folder.quotas),
            read_object=no_bucket if settings.s3 is None else object_reader(settings.s3, key),
            publishes=False,
        ),
        channels=(),
        certificates=LocalAuthority(folder.authority),
    )


_LONG_SECONDS = 3600.0
