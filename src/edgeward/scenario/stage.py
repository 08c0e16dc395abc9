"""Sets up what a run acts on, and takes it down: the origins, the edge with its log, the viewer.

Owns no decision about steps. Whatever was started is stopped, also when the start itself fails half-way.
Called by `runner`.
"""

import asyncio
import contextlib
import resource
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from edgeward.authority import Certificate
from edgeward.edge.settings import DiskSettings, EdgeSettings, LogSettings, OriginLimits, S3Access
from edgeward.scenario import certificates
from edgeward.scenario.access_log import AccessLog
from edgeward.scenario.edge_under_test import EdgeUnderTest, domain_name_of
from edgeward.scenario.expansion import MAIN, OriginPorts, domain_of, origins_of
from edgeward.scenario.explanation import EXPLAIN_KEY
from edgeward.scenario.origin import Origins
from edgeward.scenario.places import Places
from edgeward.scenario.short_form import ShortDistribution, ShortOrigin
from edgeward.scenario.timeline import EPOCH_MS, Timeline, VirtualClock
from edgeward.scenario.values import Duration
from edgeward.scenario.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The actors of one run."""

    edge: EdgeUnderTest
    origins: Origins
    viewer: Viewer
    log: AccessLog
    timeline: Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the edge of a run has beside its distribution."""

    disk: bool
    """A cache on disk."""
    workers: int
    """Threads of the edge."""
    places: Places
    """Data about addresses, of these places; without any the edge has none."""
    lock_timeout: Duration
    """How long requests wait for the answer to another one."""
    private_origins: tuple[str, ...]
    """Networks that origins may be in beside the public Internet."""
    origin_limits: OriginLimits
    """What an origin is asked for at once."""


@contextlib.asynccontextmanager
async def set_up(distribution: ShortDistribution, surroundings: Surroundings) -> AsyncIterator[Stage]:
    """Origins that listen, an edge that serves `distribution`, a viewer that knows it."""
    _allow_many_connections()
    timeline = Timeline(VirtualClock())
    async with contextlib.AsyncExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgeward-logs-")))
        origins = Origins(timeline)
        stack.push_async_callback(origins.close)
        wanted = _all_origins(distribution)
        ports = {name: await _listen(origins, name, origin) for name, origin in wanted.items()}
        settings = replace(
            _settings(wanted, ports, logs),
            workers=surroundings.workers,
            lock_timeout_ms=surroundings.lock_timeout.milliseconds,
            allowed_private_origins=surroundings.private_origins,
            origin_limits=surroundings.origin_limits,
        )
        if surroundings.disk:
            cache = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgeward-cache-")))
            settings = replace(settings, disk=DiskSettings(directory=cache, limit_bytes=_DISK_BYTES))
        if surroundings.places.by_network:
            geo = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgeward-geo-")))
            settings = replace(settings, geo=surroundings.places.write(geo))
        edge = EdgeUnderTest(settings, ports, _certificate(distribution))
        stack.push_async_callback(asyncio.to_thread, edge.stop)
        http, https = await asyncio.to_thread(edge.start, distribution)
        viewer = Viewer(http=_address(http), https=_address(https), root_pem=certificates.root_pem())
        yield Stage(edge=edge, origins=origins, viewer=viewer, log=AccessLog(logs), timeline=timeline)


def _allow_many_connections() -> None:
    """Viewer, edge and origin share this process, so a thousand viewers need a few thousand file descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _all_origins(distribution: ShortDistribution) -> dict[str, ShortOrigin]:
    others = (distribution.others or {}).values()
    return {name: origin for each in (*others, distribution) for name, origin in origins_of(each).items()}


async def _listen(origins: Origins, name: str, origin: ShortOrigin) -> OriginPorts:
    """An origin that is asked with the viewer's protocol listens for both, any other for its own."""
    is_tls = origin.protocol in ("https-only", "match-viewer")
    context = (
        certificates.origin_context(
            domain_of(name, origin),
            origin.certificate or "trusted",
            demands_certificate=origin.demands_certificate or False,
        )
        if is_tls
        else None
    )
    port = await origins.listen(name, context)
    return OriginPorts(await origins.listen(name) if origin.protocol == "match-viewer" else port, port)


def _settings(origins: Mapping[str, ShortOrigin], ports: Mapping[str, OriginPorts], logs: Path) -> EdgeSettings:
    return EdgeSettings(
        log=LogSettings(directory=logs),
        s3=_s3_access([ports[name].http for name, origin in origins.items() if origin.kind == "s3"]),
        explain_key=EXPLAIN_KEY,
        trusted_authorities=(certificates.root_pem(),),
        manual_clock_ms=EPOCH_MS,
    )


def _s3_access(ports: list[int]) -> S3Access | None:
    """All S3 origins are reached at one endpoint, as at AWS; the Host header tells them apart."""
    if not ports:
        return None
    return S3Access(endpoint=f"http://127.0.0.1:{ports[0]}", access_key=S3_ACCESS_KEY, secret_key=_S3_SIGNING_KEY)


def _certificate(distribution: ShortDistribution) -> Certificate:
    """One certificate for every name the run may ask for."""
    others = distribution.others or {}
    names = {domain_name_of(name) for name in (MAIN, *others)}
    names.update(*(each.aliases or () for each in (distribution, *others.values())))
    return certificates.edge_certificate(names)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


_DESCRIPTORS = 20_000
_DISK_BYTES = 64 << 20
S3_ACCESS_KEY = "ORIGINKEY"
_S3_SIGNING_KEY = "nothing checks signatures made with this"
