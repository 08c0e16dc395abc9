"""`edgeward dev` itself: starts the parts in order, shows where they are, stops them in reverse.

Order matters: the S3 server is a child process and goes first, before any thread; the edge must listen before the
control plane publishes to it. Invariant: whatever ends the program (Ctrl-C, SIGTERM, a closed terminal, a failure in
the middle of the start), every part that was started is stopped. Called by the command line and by tests.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass

from botocore.exceptions import BotoCoreError, ClientError

from edgeward.acme.orders import AcmePackagesMissingError
from edgeward.authority import AuthorityError, LocalAuthority
from edgeward.control_plane import ControlPlane, ControlPlaneSettings
from edgeward.deploy.publisher import AlreadyPublished
from edgeward.deploy.socket_channel import SocketChannel
from edgeward.dev.acme_settings import acme_settings
from edgeward.dev.api_server import ApiServer
from edgeward.dev.aws_clients import cloudfront_client
from edgeward.dev.bucket_objects import object_reader
from edgeward.dev.credentials import access_key, secret_key
from edgeward.dev.dynamic_origin import DynamicOrigin
from edgeward.dev.errors import DevError
from edgeward.dev.geodata import geo_files
from edgeward.dev.ports import LOOPBACK, first_free_port
from edgeward.dev.quota_settings import quota_settings
from edgeward.dev.s3_server import S3Server, S3ServerSettings
from edgeward.dev.sample_distribution import Origins, SampleDistribution, deploy_sample, preferred_dynamic_port
from edgeward.dev.sample_site import upload_site
from edgeward.dev.settings import DevSettings
from edgeward.dev.state_folder import StateFolder, StateLock, write_private
from edgeward.dev.stopping import Stopped, StopRequest, stop_signals
from edgeward.dev.welcome import Endpoints, running_record, shell_exports, welcome
from edgeward.edge.admin import AdminSocket
from edgeward.edge.agent import EdgeAgent
from edgeward.edge.geo_reload import GeoReloader
from edgeward.edge.settings import (
    LOOPBACK_NETWORKS,
    DiskSettings,
    EdgeSettings,
    GeoFiles,
    Listener,
    LogSettings,
    S3Access,
)
from edgeward.store.database import DatabaseError

BUCKET = "sample-site"
"""The private bucket of the sample site."""


def run(settings: DevSettings, say: Callable[[str], None]) -> None:
    """Runs the CDN until SIGINT, SIGTERM or SIGHUP; tells `say` what the user should read.

    Raises `DevError` when it cannot start, or when a part of it ends by itself. Main thread only.
    """
    folder = StateFolder(root=settings.state.resolve())
    with suppress(Stopped), stop_signals() as stop, StateLock(folder), ExitStack() as parts:
        say("Starting an S3 server, an HTTP origin, an edge and the control plane ...")
        with _explained():
            cdn = _Cdn(settings, folder, parts, say, stop)
            endpoints = cdn.start()
        _announce(endpoints, folder, parts)
        say(welcome(endpoints, folder))
        cdn.watch()


class _Cdn:
    """The parts, each started by one method and stopped by `parts`."""

    def __init__(
        self,
        settings: DevSettings,
        folder: StateFolder,
        parts: ExitStack,
        say: Callable[[str], None],
        stop: StopRequest,
    ) -> None:
        self._settings = settings
        self._say = say
        self._stop = stop
        self._folder = folder
        self._parts = parts
        self._ports = _chosen_ports(settings)
        self._user_key = access_key(folder.user_key)
        self._origin_key = access_key(folder.origin_key)
        self._explain_key = secret_key(folder.explain_key)
        self._geo = geo_files(settings.geo or folder.geo)
        self._quotas = quota_settings(folder.quotas)
        self._looked_after: list[Callable[[], None]] = []
        self._s3 = S3Server(
            S3ServerSettings(
                directory=folder.s3,
                port=self._ports.s3,
                bucket=BUCKET,
                administrator=self._user_key,
                reader=self._origin_key,
            )
        )

    def start(self) -> Endpoints:
        """Starts everything; returns once the sample distribution is deployed. A stop is heard between two parts."""
        self._parts.callback(self._s3.stop)
        self._s3.start(self._stop.sleep)
        upload_site(self._s3.client(), BUCKET)
        self._stop.check()
        authority = LocalAuthority(self._folder.authority)
        dynamic = self._start_dynamic_origin()
        self._stop.check()
        edge = self._start_edge(authority)
        self._stop.check()
        api = self._start_control_plane(edge, authority)
        self._stop.check()
        sample = self._deploy_sample(api, dynamic)
        return Endpoints(
            sample=sample,
            http_port=_port(edge.http),
            https_port=_port(edge.https),
            api=api.endpoint,
            s3=self._s3.endpoint,
            bucket=BUCKET,
            ca_file=authority.root_path,
            key=self._user_key,
            places=_kinds(self._geo),
        )

    def watch(self) -> None:
        """Waits for the end, looking after what may change. Raises `DevError` when the S3 server ends first."""
        while not self._s3.has_ended:
            self._stop.sleep(_WATCH_SECONDS)
            for look in self._looked_after:
                look()
        raise DevError(f"the S3 server ended: see {self._folder.s3 / 'weed.log'}, then start again")

    def _start_dynamic_origin(self) -> DynamicOrigin:
        origin = DynamicOrigin(first_free_port(preferred_dynamic_port(self._folder)))
        self._parts.callback(origin.stop)
        origin.start()
        return origin

    def _start_edge(self, authority: LocalAuthority) -> EdgeAgent:
        edge = _agent(
            EdgeSettings(
                http=(self._listener(self._ports.http),),
                https=(self._listener(self._ports.https),),
                workers=self._settings.workers,
                disk=DiskSettings(directory=self._folder.cache, limit_bytes=_DISK_CACHE_BYTES),
                log=LogSettings(directory=self._folder.logs, segment_seconds=_LOG_SEGMENT_SECONDS),
                s3=S3Access(
                    endpoint=self._s3.endpoint,
                    access_key=self._origin_key.id,
                    secret_key=self._origin_key.secret,
                ),
                trusted_authorities=(authority.root_pem,),
                explain_key=self._explain_key,
                ticket_secrets=self._settings.ticket_secrets,
                geo=self._geo,
                allowed_private_origins=(*LOOPBACK_NETWORKS, *self._settings.private_origins),
            )
        )
        edge.start()
        self._parts.callback(edge.stop)
        self._looked_after.append(GeoReloader(edge, self._geo, self._say).look)
        admin = AdminSocket(edge, self._folder.admin_socket)
        self._parts.callback(admin.stop)
        admin.start()
        return edge

    def _listener(self, port: int) -> str | Listener:
        address, balancers = f"{LOOPBACK}:{port}", self._settings.balancers
        return Listener(address=address, balancers=balancers) if balancers else address

    def _start_control_plane(self, edge: EdgeAgent, authority: LocalAuthority) -> ApiServer:
        control_plane = ControlPlane(
            ControlPlaneSettings(
                state_directory=self._folder.control_plane,
                access_keys={self._user_key.id: self._user_key.secret},
                sealing_key=secret_key(self._folder.sealing_key),
                account_id=self._settings.account_id,
                explain_key=self._explain_key,
                database_url=self._settings.database,
                acme=acme_settings(self._folder.acme),
                quotas=self._quotas,
                read_object=object_reader(self._s3.endpoint, self._user_key),
            ),
            channels=(edge, *(SocketChannel(path) for path in self._settings.edges)),
            certificates=authority,
        )
        self._parts.callback(control_plane.stop)
        control_plane.start()
        api = ApiServer(control_plane.app, self._ports.api)
        self._parts.callback(api.stop)
        api.start()
        return api

    def _deploy_sample(self, api: ApiServer, dynamic: DynamicOrigin) -> SampleDistribution:
        origins = Origins(bucket=BUCKET, dynamic_port=dynamic.port)
        return deploy_sample(cloudfront_client(api.endpoint, self._user_key), origins, self._folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ports:
    api: int
    http: int
    https: int
    s3: int


def _chosen_ports(settings: DevSettings) -> _Ports:
    """The preferred ports, or the next free ones; four different ones in any case."""
    chosen: dict[str, int] = {}
    preferred = {
        "api": settings.api_port,
        "http": settings.http_port,
        "https": settings.https_port,
        "s3": settings.s3_port,
    }
    for name, port in preferred.items():
        chosen[name] = first_free_port(port, taken=frozenset(chosen.values()))
    return _Ports(**chosen)


def _announce(endpoints: Endpoints, folder: StateFolder, parts: ExitStack) -> None:
    """Writes the endpoints where shells and programs find them while this runs."""
    write_private(folder.environment, shell_exports(endpoints))
    parts.callback(folder.running.unlink, missing_ok=True)
    write_private(folder.running, json.dumps(running_record(endpoints), indent=2))


def _agent(settings: EdgeSettings) -> EdgeAgent:
    try:
        return EdgeAgent(settings)
    except ValueError as error:
        # Of all settings only what the caller named is not made by this program.
        raise DevError(f"{error}; name or put another one there, or none") from error


def _kinds(files: GeoFiles) -> tuple[str, ...]:
    """The kinds of place that there are files about."""
    return tuple(kind for kind, paths in asdict(files).items() if paths)


def _port(addresses: tuple[str, ...]) -> int:
    return int(addresses[0].rpartition(":")[2])


@contextmanager
def _explained() -> Iterator[None]:
    """Turns what can go wrong at start into a `DevError` that says what to do; anything else is a bug and stays."""
    try:
        yield
    except (AcmePackagesMissingError, AuthorityError, DatabaseError) as error:
        raise DevError(str(error)) from error
    except AlreadyPublished as error:
        raise DevError(f"{error}: `edgeward api`") from error
    except (ClientError, BotoCoreError) as error:
        raise DevError(f"the sample could not be set up: {error}") from error
    except OSError as error:
        raise DevError(f"cannot start: {error}. Is a port taken since, or the disk full? Try again") from error


_WATCH_SECONDS = 1.0
_DISK_CACHE_BYTES = 4 << 30
_LOG_SEGMENT_SECONDS = 10
"""Short: a person who just made a request wants to see its record."""
