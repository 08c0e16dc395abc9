"""The servers under test: how each is started from its committed configuration, and what it logs.

Every server gets the same `Site` and answers with a `Running`. A new peer is one start function, one row in
`SERVERS`, one file in `bench/configs`.
"""

import getpass
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.cases import Case, Fleet, Protocol
from bench.content import COPIES_FOLDER, LARGE_FOLDER, MEGABYTE, MIX_FOLDER, SLOW_FOLDER, TEXT, UNCACHEABLE_FOLDER
from bench.edgeward import start_edgeward
from bench.failure import BenchError
from bench.load import CONFIGS
from bench.processes import Process, free_ports, start, wait_listening
from bench.site import Running, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A kind of server that can be compared."""

    program: str | None
    """Its program in `bench.tools.PACKAGES`; None for Edgeward."""
    protocols: frozenset[Protocol]
    log: str
    """What it writes for every request while it is measured."""
    start: Callable[[Site], Running]
    lacks_protocols: str = "does not speak {}"
    """Why it takes no part over the others, with a place for the name of one."""
    lacks_disk: str | None = None
    """Why it cannot keep responses on disk, if it cannot."""
    lacks_ranges: str | None = None
    """Why it cannot serve parts of what it stored, if it cannot."""

    def lack(self, case: Case) -> str | None:
        """Say why the server cannot do `case`, or None."""
        if case.protocol not in self.protocols:
            return self.lacks_protocols.format(case.protocol)
        if case.fleet is Fleet.DISK and self.lacks_disk:
            return self.lacks_disk
        return self.lacks_ranges if case.traffic.sample.part is not None else None


def start_origin(site: Site, root: Path, cpu: int) -> Process:
    """Start the common origin on `site.origin_port` and `cpu`, serving the files below `root`."""
    values = {
        "PORT": site.origin_port,
        "ROOT": root,
        "COPIES": COPIES_FOLDER,
        "MIX": MIX_FOLDER,
        "TEXT": TEXT.path,
        "LARGE": LARGE_FOLDER,
        "SLOW": SLOW_FOLDER,
    }
    config = _configure("origin.conf", site, values)
    command = [site.programs["nginx"], "-p", str(site.folder), "-c", str(config)]
    process = start(command, name="origin", cpu=cpu, folder=site.folder)
    return _when_listening(process, [site.origin_port])


def render(template: str, values: Mapping[str, object]) -> str:
    """Replace every `@NAME@` in a configuration template; a name without a value is an error."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise BenchError(f"the template wants @{found[1]}@; known are {', '.join(sorted(values))}")
        return str(values[found[1]])

    return re.sub(r"@([A-Z_]+)@", value, template)


def _start_nginx(site: Site) -> Running:
    http, https = free_ports(2)
    budget = site.budget
    cache = site.folder / "nginx-cache" if budget.disk_bytes is None else site.disk_folder / "nginx-cache"
    megabytes = (budget.disk_bytes or budget.memory_bytes) // MEGABYTE
    values = {"HTTP_PORT": http, "HTTPS_PORT": https, "CACHE": cache, "CACHE_MEGABYTES": megabytes}
    config = _configure("nginx.conf", site, values)
    command = [site.programs["nginx"], "-p", str(site.folder), "-c", str(config)]
    process = start(command, name="nginx", cpu=site.cpu, folder=site.folder)
    growing = (site.folder / "nginx-access.log",)
    return Running(
        process=_when_listening(process, [http, https]),
        http_port=http,
        https_port=https,
        lax_cache=cache,
        growing_files=growing,
    )


def _start_varnish(site: Site) -> Running:
    (http,) = free_ports(1)
    config = _configure("varnish.vcl", site, {})
    command = [
        site.programs["varnishd"],
        "-F",
        "-j",
        "none",
        "-n",
        str(site.folder / "varnish"),
        "-f",
        str(config),
    ]
    command += ["-a", f"127.0.0.1:{http}", "-s", _varnish_storage(site), "-t", "3600"]
    command += ["-p", "thread_pools=1", "-p", "thread_pool_min=50", "-p", "thread_pool_max=500"]
    # By default room for one large object may be made from 50 others at most; then the viewer gets a 503.
    command += ["-p", "nuke_limit=100000"]
    process = start(command, name="varnish", cpu=site.cpu, folder=site.folder)
    return Running(process=_when_listening(process, [http]), http_port=http, https_port=None)


def _varnish_storage(site: Site) -> str:
    if site.budget.disk_bytes is None:
        return f"malloc,{site.budget.memory_bytes}"
    return f"file,{site.disk_folder / 'varnish-cache'},{site.budget.disk_bytes}"


def _start_haproxy(site: Site) -> Running:
    http, https = free_ports(2)
    megabytes = site.budget.memory_bytes // MEGABYTE
    # It takes no object of more than half its cache.
    values = {"HTTP_PORT": http, "HTTPS_PORT": https, "MEMORY_MEGABYTES": megabytes}
    config = _configure("haproxy.cfg", site, {**values, "MAX_OBJECT_BYTES": megabytes * MEGABYTE // 2})
    process = start(
        [site.programs["haproxy"], "-db", "-f", str(config)], name="haproxy", cpu=site.cpu, folder=site.folder
    )
    return Running(process=_when_listening(process, [http, https]), http_port=http, https_port=https)


def _start_trafficserver(site: Site) -> Running:
    http, https = free_ports(2)
    root = site.folder / "trafficserver"
    for name in ("etc", "cache", "run", "log"):
        (root / name).mkdir(parents=True)
    _write_trafficserver_configuration(site, root / "etc", (http, https))
    command = [site.programs["traffic_server"], f"--run-root={_configure('trafficserver.runroot.yaml', site, {})}"]
    process = start(command, name="trafficserver", cpu=site.cpu, folder=site.folder)
    return Running(
        process=_when_listening(process, [http, https]),
        http_port=http,
        https_port=https,
        growing_files=(root / "log" / "squid.blog",),
    )


def _write_trafficserver_configuration(site: Site, folder: Path, ports: tuple[int, int]) -> None:
    """Write its files. It keeps all it stores in a file and what it serves often in memory as well."""
    budget, certificate = site.budget, site.certificate
    disk = site.folder if budget.disk_bytes is None else site.disk_folder
    store = disk / "trafficserver-cache"
    store.mkdir()
    values = {"HTTP_PORT": ports[0], "HTTPS_PORT": ports[1], "MEMORY_BYTES": budget.memory_bytes}
    for name in ("records.config", "logging.yaml", "ip_allow.yaml"):
        _configure(f"trafficserver.{name}", site, values).rename(folder / name)
    (folder / "storage.config").write_text(f"{store} {budget.disk_bytes or budget.memory_bytes}\n")
    (folder / "remap.config").write_text(f"map / http://127.0.0.1:{site.origin_port}/\n")
    pair = f"ssl_cert_name={certificate.chain} ssl_key_name={certificate.key}"
    (folder / "ssl_multicert.config").write_text(f"dest_ip=* {pair}\n")


def _start_caddy(site: Site) -> Running:
    (https,) = free_ports(1)
    config = _configure("caddy.caddyfile", site, {"HTTPS_PORT": https, "CONTENT": site.content})
    command = [site.programs["caddy"], "run", "--adapter", "caddyfile", "--config", str(config)]
    homes = {name: str(site.folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    process = start(command, name="caddy", cpu=site.cpu, folder=site.folder, env=homes)
    return Running(
        process=_when_listening(process, [https]),
        # It has no other; nothing asks for this one in clear.
        http_port=https,
        https_port=https,
        marks_hits=False,
        growing_files=(site.folder / "caddy-access.log",),
    )


def _configure(template: str, site: Site, values: Mapping[str, object]) -> Path:
    """Write the configuration that `template` and the site give, and return its path."""
    shared = {
        "USER": getpass.getuser(),
        "FOLDER": site.folder,
        "ORIGIN_PORT": site.origin_port,
        "CHAIN": site.certificate.chain,
        "KEY": site.certificate.key,
        "CHAIN_AND_KEY": site.certificate.chain_and_key,
        "UNCACHEABLE": UNCACHEABLE_FOLDER,
    }
    path = site.folder / template
    path.write_text(render((CONFIGS / template).read_text(), {**shared, **values}))
    return path


def _when_listening(process: Process, ports: list[int]) -> Process:
    try:
        wait_listening(process, ports)
    except BaseException:
        process.stop()
        raise
    return process


EVERY_PROTOCOL = frozenset(Protocol)
OVER_TCP = EVERY_PROTOCOL - {Protocol.H3}

SERVERS: Mapping[str, Server] = {
    "edgeward": Server(
        program=None,
        protocols=EVERY_PROTOCOL,
        log="the 33-field standard log record of every request, compressed into gzip segments in a file",
        start=start_edgeward,
    ),
    "nginx": Server(
        program="nginx",
        protocols=OVER_TCP,
        log="the combined format, through a 64 KB buffer, into a file",
        start=_start_nginx,
    ),
    "varnish": Server(
        program="varnishd",
        protocols=frozenset({Protocol.H1}),
        log="the Varnish shared-memory log, all default tags; nobody reads it",
        start=_start_varnish,
    ),
    "haproxy": Server(
        program="haproxy",
        protocols=OVER_TCP,
        log="HAProxy's HTTP log format into a ring in memory; nobody reads it",
        start=_start_haproxy,
        lacks_disk="its cache is in memory alone",
        lacks_ranges="its cache does not serve parts",
    ),
    "trafficserver": Server(
        program="traffic_server",
        protocols=OVER_TCP,
        log="its package's log, squid's format in binary, to a file",
        start=_start_trafficserver,
    ),
    "caddy": Server(
        program="caddy",
        protocols=frozenset({Protocol.H3}),
        log="its access log in JSON, to a file",
        start=_start_caddy,
        lacks_protocols="has no cache; it stands beside Edgeward for HTTP/3 alone",
    ),
}
