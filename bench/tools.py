"""The programs the benchmark runs: where they are, which Debian package has them, which version they are.

Missing ones are installed when we are root on a Debian system; otherwise the error names the command to run. What
Debian lacks, `make bench-tools` gets.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from bench.failure import BenchError

PACKAGES = {
    "nginx": "nginx",
    "varnishd": "varnish",
    "haproxy": "haproxy",
    "traffic_server": "trafficserver",
    "wrk": "wrk",
    "h2load": "nghttp2-client",
    "curl": "curl",
    "setpriv": "util-linux",
    "taskset": "util-linux",
    "openssl": "openssl",
    "perf": "linux-perf",
}
"""Program -> the Debian package that has it."""
ROOT = Path(__file__).parents[1]
BUILT = {"caddy": ROOT / ".venv-caddy/bin", "oha": ROOT / "target/tools/bin"}
"""Program that no package has -> the folder where `make bench-tools` puts it."""


def ensure_programs(programs: Iterable[str]) -> dict[str, str]:
    """Return the path of each program, installing what is missing if that is ours to do."""
    wanted = sorted(set(programs))
    if lacking := [program for program in wanted if program in BUILT and not is_there(program)]:
        raise BenchError(f"not installed: {', '.join(lacking)}. `make bench-tools` gets them")
    if missing := [program for program in wanted if _find(program) is None]:
        _install(missing)
    return {program: _find_installed(program) for program in wanted}


def is_there(program: str) -> bool:
    """Tell whether a program is installed."""
    return _find(program) is not None


def versions(paths: dict[str, str]) -> dict[str, str]:
    """Return the version each program prints, on one line."""
    return {program: _version(path, VERSION_FLAGS.get(program, "--version")) for program, path in paths.items()}


def _install(programs: list[str]) -> None:
    packages = sorted({PACKAGES[program] for program in programs})
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise BenchError(
            f"not installed: {', '.join(programs)}. On Debian or Ubuntu run "
            f"`sudo bench/install.sh {' '.join(packages)}`; elsewhere use your package manager"
        )
    print(f"installing {' '.join(packages)}", flush=True)
    script = Path(__file__).parent / "install.sh"
    if subprocess.run([str(script), *packages], check=False).returncode != 0:
        raise BenchError(f"could not install {' '.join(packages)}; see apt-get's messages above")


def _find_installed(program: str) -> str:
    path = _find(program)
    if path is None:
        raise BenchError(f"{program} is still missing although its package {PACKAGES[program]} is installed")
    return path


def _find(program: str) -> str | None:
    # Servers live in sbin, which is not in the PATH of every user.
    path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
    return shutil.which(program, path=f"{BUILT[program]}:{path}" if program in BUILT else path)


def _version(path: str, flag: str) -> str:
    done = subprocess.run([path, flag], capture_output=True, text=True, check=False, timeout=10)
    first = (done.stdout + done.stderr).strip().partition("\n")[0]
    return re.sub(r"^nginx version: |Copyright.*$| - https.*$", "", first).strip()


VERSION_FLAGS = {
    "nginx": "-v",
    "varnishd": "-V",
    "haproxy": "-v",
    "traffic_server": "-V",
    "wrk": "-v",
    "caddy": "version",
}
