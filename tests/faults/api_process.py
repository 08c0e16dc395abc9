"""A control plane as a child process, and callers of it that never retry."""

import http.client
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from edgeward.dev.ports import free_ports

ACCESS_KEY, SECRET_KEY = "AKIDFAULTS", "secret"
ROOT = Path(__file__).parents[2]


class ApiProcess:
    """One control plane on `url`; `start` again after `kill`, on the same port."""

    def __init__(self, state: Path, url: str, role: str, *edges: Path, log: Path | None = None) -> None:
        self.port = free_ports(1)[0]
        self._arguments = [str(state), url, str(self.port), role, *map(str, edges)]
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        assert self._process.poll() is None, "it has ended"
        return self._process.pid

    def start(self) -> None:
        """Returns when it answers."""
        with ExitStack() as files:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "faults.api_server", *self._arguments],
                stdout=subprocess.PIPE,
                stderr=files.enter_context(self._log.open("a")) if self._log is not None else None,
                text=True,
                env={"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT}", "PATH": ""},
            )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        """As `kill -9`."""
        assert self._process is not None
        with self._process as process:
            process.kill()

    def stop(self) -> None:
        """In order."""
        assert self._process is not None
        with self._process as process:
            process.terminate()
            assert process.wait(30) == 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call got."""

    status: int
    members: dict[str, Any]
    """As boto3 has them; of an error its Code and Message."""


class Caller:
    """Calls of one client on one connection."""

    _model = ServiceModel(
        botocore.session.get_session().get_component("data_loader").load_service_model("cloudfront", "service-2"),
        "cloudfront",
    )
    _serializer = create_serializer("rest-xml", include_validation=False)
    _parser = create_parser("rest-xml")

    def __init__(self, port: int) -> None:
        self._authority = f"127.0.0.1:{port}"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def call(self, operation: str, **members: Any) -> Answer:
        """Sends one signed request. Raises OSError or HTTPException when there is no answer."""
        wire = self._serializer.serialize_to_request(members, self._model.operation_model(operation))
        target, content = wire["url_path"], wire["body"] or b""
        request = AWSRequest(
            method=wire["method"],
            url=f"http://{self._authority}{target}",
            headers={"Host": self._authority, "Content-Type": "application/xml", **wire["headers"]},
            data=content,
        )
        SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "cloudfront", "us-east-1").add_auth(request)
        self._connection.request(wire["method"], target, content, dict(request.headers.items()))
        response = self._connection.getresponse()
        received = {"status_code": response.status, "headers": response.headers, "body": response.read()}
        shape: Any = self._model.operation_model(operation).output_shape
        parsed: dict[str, Any] = self._parser.parse(received, shape)
        return Answer(response.status, parsed.get("Error", parsed))

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()
