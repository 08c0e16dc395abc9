"""A real PostgreSQL server for tests: the machine's own programs, a cluster in a temporary folder, on loopback.

It never runs as root: a test run of root's starts it as the system's `postgres` or `nobody`.
"""

import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from edgeward.dev.ports import free_ports

START_SECONDS = 30


def why_missing() -> str | None:
    """Why no server can run here, if none can."""
    if programs() is None:
        return "needs PostgreSQL: on Debian, apt-get install postgresql"
    tried = subprocess.run(["sh", "-c", ": > /dev/null"], check=False, capture_output=True, **(_system_user() or {}))
    return None if tried.returncode == 0 else "PostgreSQL does not run as root, and here only root may use /dev/null"


def programs() -> Path | None:
    """The folder of initdb and postgres, if there is one: on the PATH, or where Debian puts them."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class PostgresServer:
    """A running cluster; each database is made anew."""

    def __init__(self) -> None:
        folder = programs()
        assert folder is not None, "PostgreSQL is not installed"
        self._programs = folder
        self._root = Path(tempfile.mkdtemp(prefix="edgeward-postgres-"))
        self._port = free_ports(1)[0]
        self._numbers = itertools.count(1)
        self._user = _system_user()
        if self._user is not None:
            shutil.chown(self._root, user=self._user["user"], group=self._user["group"])
        self._process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        """Makes the cluster and waits until it answers."""
        data = self._root / "data"
        self._run("initdb", f"--pgdata={data}", "--username=edgeward", "--auth=trust", "--no-sync", "--encoding=UTF8")
        settings = {
            "port": self._port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._root,
            "fsync": "off",
            "max_connections": 200,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        command = [str(self._programs / "postgres"), "-D", str(data), *options]
        with (self._root / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=log, cwd=self._root, **(self._user or {})
            )
        self._wait()

    @contextmanager
    def database(self) -> Iterator[str]:
        """A URL of an empty database, for SQLAlchemy; the database is gone afterwards."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
            yield f"postgresql+psycopg://edgeward@127.0.0.1:{self._port}/{name}"
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        """Ends the server at once and removes the cluster."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._root)

    def _address(self, database: str) -> str:
        return f"host=127.0.0.1 port={self._port} user=edgeward dbname={database}"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self._root,
            **(self._user or {}),
        )
        assert done.returncode == 0, done.stderr

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self._address("postgres")).close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (self._root / "log").read_text()
                time.sleep(0.05)
            else:
                return


def _system_user() -> dict[str, Any] | None:
    """Who the server runs as where we are root, as arguments of `subprocess`."""
    if os.geteuid() != 0:
        return None
    user, group = ("postgres", "postgres") if _exists("postgres") else ("nobody", "nogroup")
    return {"user": user, "group": group, "extra_groups": []}


def _exists(user: str) -> bool:
    return any(line.startswith(f"{user}:") for line in Path("/etc/passwd").read_text().splitlines())
