"""A real ACME CA for tests: Debian's pebble, and its DNS server, on loopback."""

import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from authorities import authority, signed
from edgeward.acme.orders import AcmeSettings
from edgeward.dev.ports import free_ports

START_SECONDS = 30


def why_missing() -> str | None:
    """Why no CA can run here, if none can."""
    is_there = shutil.which("pebble") and shutil.which("pebble-challtestsrv")
    return None if is_there else "needs an ACME CA: on Debian, apt-get install pebble"


class AcmeServer:
    """A running CA that believes its DNS server, by which all names are on loopback: on `http_port` there."""

    def __init__(self, lifetime_seconds: int = 7_776_000) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="edgeward-acme-"))
        self._lifetime_seconds = lifetime_seconds
        self._api, self._management, self._dns, self._control, self.http_port = free_ports(5)
        self._processes: list[subprocess.Popen[Any]] = []

    @property
    def settings(self) -> AcmeSettings:
        """How it is reached."""
        return AcmeSettings(
            directory_url=f"https://localhost:{self._api}/dir",
            email="operator@example.com",
            trusted_authorities=self._root / "root.pem",
            resolver=("127.0.0.1", self._dns),
            http_port=self.http_port,
        )

    @property
    def record(self) -> str:
        """The same as `acme.json` has it."""
        return json.dumps(
            {
                "directory": self.settings.directory_url,
                "trusted_authorities": str(self.settings.trusted_authorities),
                "resolver": f"127.0.0.1:{self._dns}",
                "http_port": str(self.http_port),
            }
        )

    def start(self) -> None:
        """Starts both programs and waits until they answer."""
        root = authority("CA of the CA")
        server = signed(["localhost"], issuer=root)
        for name, content in (("root", root.pem), ("cert", server.pem), ("key", server.key_pem)):
            (self._root / f"{name}.pem").write_bytes(content)
        config = {
            "listenAddress": f"127.0.0.1:{self._api}",
            "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(self._root / "cert.pem"),
            "privateKey": str(self._root / "key.pem"),
            "httpPort": self.http_port,
            "tlsPort": 5001,
            "certificateValidityPeriod": self._lifetime_seconds,
        }
        (self._root / "config.json").write_text(json.dumps({"pebble": config}))
        self._run(
            "pebble-challtestsrv",
            *("-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""),
            *("-http01", "", "-https01", "", "-tlsalpn01", ""),
            *("-dns01", f"127.0.0.1:{self._dns}", "-management", f"127.0.0.1:{self._control}"),
        )
        self._run("pebble", "-config", str(self._root / "config.json"), "-dnsserver", f"127.0.0.1:{self._dns}")
        self._await_answer()

    def stop(self) -> None:
        """Ends both programs."""
        for process in self._processes:
            process.terminate()
            process.wait(START_SECONDS)
        shutil.rmtree(self._root, ignore_errors=True)

    def publish(self, record: str, value: str) -> None:
        """Puts a TXT record into DNS."""
        self._tell("set-txt", host=f"{record.rstrip('.')}.", value=value)

    def withdraw(self, record: str) -> None:
        """Takes the TXT records of a name out again."""
        self._tell("clear-txt", host=f"{record.rstrip('.')}.")

    def _tell(self, what: str, **words: str) -> None:
        request = urllib.request.Request(f"http://127.0.0.1:{self._control}/{what}", json.dumps(words).encode())
        urllib.request.urlopen(request, timeout=10).close()

    def _run(self, *command: str) -> None:
        environment = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PATH": "/usr/bin:/bin"}
        with (self._root / f"{command[0]}.log").open("wb") as log:
            self._processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not (_is_open(self._api) and _is_open(self._control)):
            assert time.monotonic() < deadline, (self._root / "pebble.log").read_text()
            time.sleep(0.05)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
