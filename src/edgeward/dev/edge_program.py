"""`edgeward edge` itself: one edge on its own, beside a control plane that reaches it at its plan socket.

Serves from the plan it has kept until a control plane sends another one. Order matters: listeners open before the
plan is restored, so that nobody else gets the ports, and viewers wait until it is; only then does the process before
this one let go. Invariant: whatever ends it, viewers get the responses they wait for, as long as `drain_seconds`
allows. Called by the command line, and by tests.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from edgeward.dev.credentials import access_key, secret_key
from edgeward.dev.errors import DevError
from edgeward.dev.geodata import geo_files
from edgeward.dev.service_manager import SuccessorRequest, tell_service_manager
from edgeward.dev.state_folder import StateFolder, StateLock
from edgeward.dev.stopping import Stopped, StopRequest, stop_signals
from edgeward.edge.admin import AdminSocket
from edgeward.edge.agent import EdgeAgent
from edgeward.edge.kept_plan import DamagedPlan, KeptPlan
from edgeward.edge.node import EdgeNode
from edgeward.edge.plan_socket import PlanSocket
from edgeward.edge.settings import DiskSettings, EdgeSettings, LogSettings, S3Access
from edgeward.edge.takeover import Patience, Predecessor, TakeoverRefused, TakeoverSocket
from edgeward.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeProgramSettings:
    """What one edge is started with. Paths of files that are None are not used."""

    state: Path
    """The folder that keeps everything; made when missing."""
    http: tuple[str, ...]
    """Addresses for HTTP in clear."""
    https: tuple[str, ...]
    """Addresses for TLS and HTTP/3."""
    plan_socket: Path | None = None
    """Where a control plane reaches it; None: `edge/plans.sock` in the state folder."""
    http3: bool = True
    """Whether HTTP/3 is served."""
    workers: int = 2
    """Threads."""
    memory_bytes: int = 256 << 20
    """For stored responses."""
    disk_bytes: int = 4 << 30
    """For stored responses on disk; 0: none are."""
    private_origins: tuple[str, ...] = ()
    """Networks beside the public Internet that origins may be in."""
    authorities: tuple[Path, ...] = ()
    """PEM files of CAs that origins may be certified by, beside the system's."""
    ticket_secrets: Path | None = None
    """See `EdgeSettings.ticket_secrets`. A file for this edge alone is what lets sessions outlive a restart."""
    sealing_key: Path | None = None
    """File with 64 hexadecimal digits that the kept plan is sealed with."""
    explain_key: Path | None = None
    """File with the key of debug tokens."""
    s3_endpoint: str | None = None
    """The S3 server; needs `s3_key`."""
    s3_key: Path | None = field(default=None, repr=False)
    """JSON file with `id` and `secret` of the access key that signs requests to it."""
    drain_seconds: float = 30.0
    """How long viewers have to finish what they have begun, once the edge stops or another process has taken over."""
    takeover_seconds: float = Patience().step
    """How long the other process of a takeover may take for one step, before it counts as hanging."""
    takeover: bool = False
    """Take over from the process that serves from this folder, where one does."""
    successor: tuple[str, ...] = ()
    """The command that takes over from this process, for SIGUSR2; empty: the signal is refused."""


def run_edge(settings: EdgeProgramSettings, say: Callable[[str], None]) -> None:
    """Serves until SIGINT, SIGTERM or SIGHUP, or until another process has taken over; tells `say` what happens.

    Raises `DevError` when it cannot start. Main thread only.
    """
    with stop_signals() as stop, ExitStack() as parts:
        with _explained():
            edge = _Edge(settings, parts, say)
            edge.start()
        with suppress(Stopped):
            edge.watch(stop)
        edge.drain(stop)


class _Edge:
    """The parts of a running edge."""

    def __init__(self, settings: EdgeProgramSettings, parts: ExitStack, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._parts = parts
        self._say = say
        self._folder = StateFolder(root=settings.state.resolve())
        self._agent = EdgeAgent(_edge_settings(settings, self._folder))
        vault = None if settings.sealing_key is None else Vault(secret_key(settings.sealing_key))
        self._node = EdgeNode(self._agent, KeptPlan(self._folder.kept_plan, vault))
        self._lock = _FolderLock(self._folder)
        self._patience = Patience(step=settings.takeover_seconds)
        self._sockets: list[PlanSocket | AdminSocket | TakeoverSocket] = []
        self._takeover = self._takeover_socket()
        self._successor: subprocess.Popen[bytes] | None = None
        self._takeovers_failed = 0

    def start(self) -> None:
        """Returns once it serves."""
        predecessor = self._predecessor() if self._settings.takeover else None
        with ExitStack() as on_failure:
            if predecessor is not None:
                on_failure.callback(predecessor.close)
                predecessor.hand_over(self._agent, self._folder.handed_sockets)
            self._lock.take(0.0 if predecessor is None else PATIENCE_SECONDS)
            self._parts.callback(self._lock.leave)
            self._agent.open()
            self._parts.callback(self._agent.stop, GRACE_SECONDS)
            self._restore()
            self._begin(predecessor)
            on_failure.pop_all()
        self._open_sockets()
        self._parts.callback(self._close_sockets)
        tell_service_manager(f"READY=1\nMAINPID={os.getpid()}")
        self._say(f"Serving at {', '.join((*self._agent.http, *self._agent.https))}")

    def _predecessor(self) -> Predecessor | None:
        """The process that serves; None where none does, though a killed one may have left its socket."""
        try:
            return Predecessor(self._folder.takeover_socket, self._patience, self._say)
        except (FileNotFoundError, ConnectionRefusedError, ProcessLookupError):
            return None

    def _begin(self, predecessor: Predecessor | None) -> None:
        if predecessor is None:
            self._agent.serve()
            return
        predecessor.release()
        self._agent.serve()
        predecessor.succeed()
        self._node.follow(predecessor)

    def watch(self, stop: StopRequest) -> None:
        """Until another process has taken over. Raises `Stopped`."""
        with SuccessorRequest() as request:
            while not self._takeover.succeeded.is_set():
                if request.taken():
                    self._start_successor()
                stop.sleep(LOOK_SECONDS)
        self._say("Another process has taken over")

    def drain(self, stop: StopRequest) -> None:
        """Lets viewers go, for as long as they may take; one more signal ends it."""
        stop.forget()
        deadline = time.monotonic() + self._settings.drain_seconds
        with suppress(Stopped):
            while not self._agent.leave(LOOK_SECONDS) and time.monotonic() < deadline:
                stop.check()

    def _restore(self) -> None:
        try:
            sequence = self._node.restore()
        except (DamagedPlan, OSError) as error:
            self._say(f"No plan: {error}")
            return
        self._say(f"Going on with plan {sequence}" if sequence else "Waiting for a control plane to send a plan")

    def _open_sockets(self) -> None:
        plans = self._settings.plan_socket or self._folder.plan_socket
        admin = AdminSocket(
            self._agent, self._folder.admin_socket, lambda: {"takeovers_failed": self._takeovers_failed}
        )
        sockets = (PlanSocket(self._node, plans), admin, self._takeover)
        for each in sockets:
            each.start()
            self._sockets.append(each)

    def _close_sockets(self) -> None:
        while self._sockets:
            self._sockets.pop().stop()

    def _takeover_socket(self) -> TakeoverSocket:
        path = self._folder.takeover_socket
        return TakeoverSocket(self._agent, self._node, path, pause=self._pause, patience=self._patience)

    def _pause(self) -> Callable[[str], None]:
        """Leaves folder and sockets to another process; what is returned takes them back."""
        self._close_sockets()
        self._lock.leave()
        return self._resume

    def _resume(self, why: str) -> None:
        self._takeovers_failed += 1
        self._say(f"The takeover failed, this process goes on: {why}")
        while not self._has_lock_back():
            pass
        self._takeover = self._takeover_socket()
        self._open_sockets()

    def _has_lock_back(self) -> bool:
        try:
            self._lock.take(PATIENCE_SECONDS)
        except DevError as error:
            self._say(f"No plans are taken yet: {error}")
            return False
        return True

    def _start_successor(self) -> None:
        if not self._settings.successor or (self._successor is not None and self._successor.poll() is None):
            self._say("No other process is started: one is taking over, or none can")
            return
        self._successor = subprocess.Popen(self._settings.successor, process_group=0)  # noqa: S603 - our own command


class _FolderLock:
    """The state folder, while this process has it."""

    def __init__(self, folder: StateFolder) -> None:
        self._lock = StateLock(folder)
        self._is_held = False

    def take(self, patience_seconds: float) -> None:
        """Raises `DevError` when another process has it for longer."""
        deadline = time.monotonic() + patience_seconds
        while not self._is_held:
            try:
                self._lock.__enter__()
                self._is_held = True
            except DevError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(LOOK_SECONDS)

    def leave(self) -> None:
        """Leaves it to others. One that is not held stays so."""
        if self._is_held:
            self._lock.__exit__()
            self._is_held = False


def _edge_settings(settings: EdgeProgramSettings, folder: StateFolder) -> EdgeSettings:
    return EdgeSettings(
        http=settings.http,
        https=settings.https,
        http3=settings.http3,
        workers=settings.workers,
        memory_bytes=settings.memory_bytes,
        disk=DiskSettings(directory=folder.cache, limit_bytes=settings.disk_bytes) if settings.disk_bytes else None,
        log=LogSettings(directory=folder.logs),
        s3=_s3_access(settings),
        allowed_private_origins=settings.private_origins,
        trusted_authorities=tuple(path.read_text() for path in settings.authorities),
        explain_key=None if settings.explain_key is None else secret_key(settings.explain_key),
        ticket_secrets=settings.ticket_secrets,
        geo=geo_files(folder.geo),
    )


def _s3_access(settings: EdgeProgramSettings) -> S3Access | None:
    if settings.s3_endpoint is None or settings.s3_key is None:
        return None
    key = access_key(settings.s3_key)
    return S3Access(endpoint=settings.s3_endpoint, access_key=key.id, secret_key=key.secret)


@contextmanager
def _explained() -> Iterator[None]:
    """Turns what can go wrong at start into a `DevError`."""
    try:
        yield
    except (OSError, TakeoverRefused, ValueError) as error:
        raise DevError(f"cannot start: {error}") from error


LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 10.0
"""For a process that ends, or begins, to leave what the other one takes."""
GRACE_SECONDS = 1.0
"""For what is still there after draining."""
