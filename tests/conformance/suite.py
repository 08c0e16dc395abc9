"""The suite's two programs: its origin, and the client that runs the tests through a cache.

Owns their processes: each runs in a group of its own, in bounded time, and is gone when its call or context ends.
The suite is installed from npm into a folder that git ignores; the lock file pins it. Called by `__main__`.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from conformance.score import Result, Test, listed_tests

HERE = Path(__file__).parent
FOLDER = HERE / "node_modules" / "http-cache-tests"
INSTALL_SECONDS = 300
START_SECONDS = 20
RUN_SECONDS = 300
"""A run takes a minute: the suite pauses for three seconds in many tests, a hundred of them at a time."""
STOP_SECONDS = 5


class SuiteError(Exception):
    """The suite cannot be installed, started or understood. Says what to do."""


class NodeMissing(SuiteError):
    """There is no Node.js on this machine."""


def install() -> None:
    """Installs what package-lock.json pins, unless it is there. Raises SuiteError."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise NodeMissing(f"{program} is needed: install Node.js 20 or newer with npm (nodejs.org), then try again")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=START_SECONDS, check=True)
    if int(version.stdout.removeprefix("v").split(".")[0]) < 20:
        raise SuiteError(f"Node.js 20 or newer is needed, this is {version.stdout.strip()}")
    installed = HERE / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= (HERE / "package-lock.json").stat().st_mtime:
        return
    npm = subprocess.run(["npm", "ci", "--silent"], cwd=HERE, timeout=INSTALL_SECONDS, check=False)
    if npm.returncode != 0:
        raise SuiteError("npm could not install the suite; what it says stands above")


def read_tests() -> dict[str, Test]:
    """The tests that the installed suite has."""
    listed = subprocess.run(
        ["node", HERE / "list_tests.mjs", FOLDER], capture_output=True, timeout=START_SECONDS, check=True
    )
    return listed_tests(json.loads(listed.stdout))


@contextmanager
def running_origin(folder: Path) -> Iterator[int]:
    """The suite's origin, on a free port of 127.0.0.1; what it says goes to a file in `folder`."""
    settings = {"npm_config_port": "0", "npm_config_protocol": "http", "npm_config_pidfile": os.devnull}
    said = folder / "origin.log"
    with said.open("w") as output:
        process = _start("server/server.mjs", settings, output)
    try:
        yield _announced_port(process, said)
    finally:
        _stop(process)


def run_tests(base: str, authorities: Path) -> dict[str, Result]:
    """Runs all tests against the cache at `base`, which may be certified by `authorities`, a PEM file."""
    settings = {"npm_config_base": base, "npm_package_config_id": "", "NODE_EXTRA_CA_CERTS": str(authorities)}
    process = _start("cli.mjs", settings, subprocess.PIPE)
    try:
        printed, _ = process.communicate(timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired as late:
        raise SuiteError(f"the suite did not finish in {RUN_SECONDS} seconds against {base}") from late
    finally:
        _stop(process)
    return _results(printed)


def _results(printed: str) -> dict[str, Any]:
    """The JSON object that ends what the client prints; before it there may be lines of talk."""
    start = re.search(r"^\{$", printed, re.MULTILINE)
    if start is None:
        raise SuiteError(f"the suite printed no results, but: {printed[-500:]}")
    results: dict[str, Any] = json.loads(printed[start.start() :])
    return results


def _start(script: str, settings: Mapping[str, str], output: IO[str] | int) -> subprocess.Popen[str]:
    command = ["node", "--no-warnings", "--import", (HERE / "loopback.mjs").as_uri(), script]
    # Without the caller's proxies and Node options, which would change what is tested.
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return subprocess.Popen(command, cwd=FOLDER, env={**kept, **settings}, stdout=output, text=True, process_group=0)


def _announced_port(process: subprocess.Popen[str], said: Path) -> int:
    """The port in `Listening on http://127.0.0.1:34455/`."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"Listening on http://127\.0\.0\.1:(\d+)/", said.read_text()):
            return int(found[1])
        time.sleep(0.05)
    raise SuiteError(f"the suite's origin did not start: {said.read_text()}")


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
