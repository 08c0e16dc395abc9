"""Edgeward as one of the servers under test: one edge with one worker, its log segments on, fed a whole plan.

The control plane takes no part in serving, so it is not started; the plan is written out here in the same
shape the compiler gives. The engine runs in a process of its own, `bench.edgeward_server`.
"""

import importlib.util
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from bench.content import HOST
from bench.failure import BenchError
from bench.processes import START_SECONDS, Process, start
from bench.site import Running, Site

Document = dict[str, Any]


def is_built() -> bool:
    """Tell whether the engine can be imported here."""
    return importlib.util.find_spec("edgeward") is not None and importlib.util.find_spec("edgeward._edge") is not None


def start_edgeward(site: Site) -> Running:
    """Start an edge that serves the site's origin."""
    plan_file, log_folder = site.folder / "plan.json", site.folder / "log"
    plan_file.write_text(json.dumps(plan(site)))
    command = [sys.executable, "-m", "bench.edgeward_server", str(plan_file), str(log_folder)]
    env = {"PYTHONPATH": str(_copied_package(site.folder))}
    process = start(command, name="edgeward", cpu=site.cpu, folder=site.folder, env=env)
    try:
        ports = listening_ports(_wait_line(process, 0))
    except BaseException:
        process.stop()
        raise
    return Running(process=process, http_port=ports["http"], https_port=ports["https"], wrap_up=LogWatch(process))


class LogWatch:
    """Makes an edge write out its log after each run, and tells when it lost records rather than write them."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._lost = 0

    def __call__(self) -> str | None:
        """Say how many records were lost since the last call, or None."""
        printed = len(_complete_lines(self._process))
        if ending := self._process.ending():
            return ending
        os.kill(self._process.child.pid, signal.SIGUSR1)
        status = json.loads(_wait_line(self._process, printed))
        before, self._lost = self._lost, status["log_records_dropped"] + status["log_errors"]
        return f"{self._lost - before} log records were lost" if self._lost > before else None


def plan(site: Site) -> Document:
    """Return a whole plan: one distribution for `HOST` with the rules of the policy CachingOptimized."""
    certificate = {
        "chain_pem": site.certificate.chain.read_text(),
        "key_pem": site.certificate.key.read_text(),
    }
    distribution = {
        "domain_name": "d111111abcdef8.cloudfront.localhost",
        "aliases": [HOST],
        "enabled": True,
        "certificate": certificate,
        "default_root_object": "",
        "http2": True,
        "arn": "arn:aws:cloudfront::123456789012:distribution/E1BENCHMARK000",
        "origins": {"origin": _origin(site.origin_port)},
        "error_responses": [],
        "behaviors": [_default_behavior()],
    }
    return {
        "format": 1,
        "sequence": 1,
        "base": None,
        "default_certificate": certificate,
        "distributions": {"E1BENCHMARK000": distribution},
    }


def listening_ports(line: str) -> dict[str, int]:
    """Read scheme -> port out of what the edge said it listens on: `{"http": ["127.0.0.1:8080"], ...}`."""
    try:
        addresses = json.loads(line)
        return {scheme: int(addresses[scheme][0].rpartition(":")[2]) for scheme in ("http", "https")}
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise BenchError(f"edgeward printed {line!r} instead of the addresses it listens on") from error


def _origin(port: int) -> Document:
    return {
        "kind": "custom",
        "domain_name": "origin.localhost",
        "path": "",
        "protocol": "http-only",
        "http_port": port,
        "https_port": 443,
        "headers": [],
        "connection_attempts": 3,
        "connection_timeout": 10,
        "response_timeout": 30,
        "keepalive_timeout": 5,
        "signing": None,
    }


def _default_behavior() -> Document:
    ttls = {"min_ttl": 1, "default_ttl": 86400, "max_ttl": 31536000}
    cache = {**ttls, "gzip": True, "brotli": True, "rules": "cloudfront"}
    nothing = {"mode": "none", "names": []}
    return {
        "path_pattern": "*",
        "origin": "origin",
        "viewer_protocol": "allow-all",
        "allowed_methods": ["GET", "HEAD"],
        "cached_methods": ["GET", "HEAD"],
        "compress": False,
        "cache": {**cache, "headers": nothing, "cookies": nothing, "query_strings": nothing},
    }


def _copied_package(folder: Path) -> Path:
    """Copy the package, so that an engine rebuilt meanwhile neither changes nor crashes what is being measured."""
    spec = importlib.util.find_spec("edgeward")
    if spec is None or spec.origin is None:
        raise BenchError("the package edgeward is not installed here; run `make build`")
    copies = folder / "packages"
    shutil.copytree(Path(spec.origin).parent, copies / "edgeward", ignore=shutil.ignore_patterns("__pycache__"))
    return copies


def _wait_line(process: Process, number: int) -> str:
    """Return the line of that number, counted from 0, once the process has printed it."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        lines = _complete_lines(process)
        if len(lines) > number:
            return lines[number]
        if ending := process.ending():
            raise BenchError(ending)
        time.sleep(0.02)
    raise BenchError(f"edgeward said nothing for {START_SECONDS} s. It printed:\n{process.printed()}")


def _complete_lines(process: Process) -> list[str]:
    return process.output.read_text().split("\n")[:-1]
