"""The servers under test: how each is started from its committed configuration, and what it logs.

Every server gets the same `Site` and answers with a `Running`. A new peer is one start function, one row in
`SERVERS`, one file in `bench/configs`.
"""

import getpass
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.cases import Protocol
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


def start_origin(site: Site, root: Path) -> Process:
    """Start the common origin on `site.origin_port`, serving the files below `root`."""
    values = {"PORT": site.origin_port, "ROOT": root}
    config = _configure("origin.conf", site, values)
    command = [site.programs["nginx"], "-p", str(site.folder), "-c", str(config)]
    process = start(command, name="origin", cpu=site.cpu, folder=site.folder)
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
    config = _configure("nginx.conf", site, {"HTTP_PORT": http, "HTTPS_PORT": https})
    command = [site.programs["nginx"], "-p", str(site.folder), "-c", str(config)]
    process = start(command, name="nginx", cpu=site.cpu, folder=site.folder)
    growing = (site.folder / "nginx-access.log",)
    return Running(
        process=_when_listening(process, [http, https]),
        http_port=http,
        https_port=https,
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
    command += ["-a", f"127.0.0.1:{http}", "-s", "malloc,256m", "-t", "3600"]
    command += ["-p", "thread_pools=1", "-p", "thread_pool_min=50", "-p", "thread_pool_max=500"]
    process = start(command, name="varnish", cpu=site.cpu, folder=site.folder)
    return Running(process=_when_listening(process, [http]), http_port=http, https_port=None)


def _start_haproxy(site: Site) -> Running:
    http, https = free_ports(2)
    config = _configure("haproxy.cfg", site, {"HTTP_PORT": http, "HTTPS_PORT": https})
    process = start(
        [site.programs["haproxy"], "-db", "-f", str(config)], name="haproxy", cpu=site.cpu, folder=site.folder
    )
    return Running(process=_when_listening(process, [http, https]), http_port=http, https_port=https)


def _configure(template: str, site: Site, values: Mapping[str, object]) -> Path:
    """Write the configuration that `template` and the site give, and return its path."""
    shared = {
        "USER": getpass.getuser(),
        "FOLDER": site.folder,
        "ORIGIN_PORT": site.origin_port,
        "CHAIN": site.certificate.chain,
        "KEY": site.certificate.key,
        "CHAIN_AND_KEY": site.certificate.chain_and_key,
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

SERVERS: Mapping[str, Server] = {
    "edgeward": Server(
        program=None,
        protocols=EVERY_PROTOCOL,
        log="the 33-field standard log record of every request, compressed into gzip segments in a file",
        start=start_edgeward,
    ),
    "nginx": Server(
        program="nginx",
        protocols=EVERY_PROTOCOL,
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
        protocols=EVERY_PROTOCOL,
        log="HAProxy's HTTP log format into a ring in memory; nobody reads it",
        start=_start_haproxy,
    ),
}
