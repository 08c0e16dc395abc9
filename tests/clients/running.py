"""A running Edgeward, as these tests see it: a process, endpoints, and a viewer that reaches its edge.

The program is started exactly as a user starts it. Used by the fixtures of this folder and by its lifecycle tests.
"""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import urllib3
from botocore.config import Config
from types_boto3_cloudfront import CloudFrontClient
from types_boto3_s3 import S3Client

START_SECONDS = 60
STOP_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What a viewer and the edge agreed on."""

    version: str | None
    """As `TLSv1.3`."""
    certificate: bytes | None
    """That the edge showed, DER."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCdn:
    """`edgeward dev` with everything deployed."""

    process: subprocess.Popen[bytes]
    state: Path
    distribution_id: str
    http_url: str
    https_url: str
    bucket: str
    ca_file: str
    environment: Mapping[str, str]
    """What the program tells users to export."""

    @property
    def output(self) -> str:
        """What the program printed so far."""
        return output_of(self.state)

    def cloudfront(self, **overrides: str) -> CloudFrontClient:
        """A boto3 client that never retries, so that the first answer is the one seen."""
        return boto3.client("cloudfront", **self._client_arguments("AWS_ENDPOINT_URL", overrides))

    def acm(self) -> Any:
        """A boto3 client of ACM."""
        # A name that the type checker does not know stands for the client that it has no types of.
        service: Any = "acm"
        return boto3.client(service, **self._client_arguments("AWS_ENDPOINT_URL", {}))

    def s3(self) -> S3Client:
        """A boto3 client of the S3 server, with the user's key."""
        return boto3.client("s3", **self._client_arguments("AWS_ENDPOINT_URL_S3", {}))

    def get(self, path: str, *, url: str | None = None, **headers: str) -> urllib3.BaseHTTPResponse:
        """Asks the edge as a viewer would; `url` is the site's http or https address (default: http)."""
        return self.request("GET", path, url=url, **headers)

    def request(self, method: str, path: str, *, url: str | None = None, **headers: str) -> urllib3.BaseHTTPResponse:
        """The same with any method. Header names are written with `_` for `-`."""
        site = urlsplit(url or self.http_url)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        with self._pool(site.scheme, str(site.hostname), int(site.port or 0)) as pool:
            return pool.request(
                method, path, headers={"Host": site.netloc, **fields}, retries=False, redirect=False, timeout=30
            )

    def handshake(
        self, name: str, trusted: str | ssl.SSLContext, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ) -> "Handshake":
        """What a viewer sees that asks for `name`, trusts one authority, PEM, alone and speaks one version.

        Raises ssl.SSLError when they do not come together.
        """
        context = ssl.create_default_context(cadata=trusted) if isinstance(trusted, str) else trusted
        context.minimum_version = context.maximum_version = version
        address = ("127.0.0.1", int(urlsplit(self.https_url).port or 0))
        with (
            socket.create_connection(address, timeout=10) as stream,
            context.wrap_socket(stream, server_hostname=name) as session,
        ):
            return Handshake(version=session.version(), certificate=session.getpeercert(binary_form=True))

    def shown(self, arn: str, name: str) -> bytes | None:
        """The certificate that viewers are shown who ask for `name`, DER, once it proves to be the one that ACM has."""
        has = self.acm().get_certificate(CertificateArn=arn)
        trusted = ssl.create_default_context(cadata=has["CertificateChain"])
        trusted.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        seen = self.handshake(name, trusted).certificate
        assert seen == ssl.PEM_cert_to_DER_cert(has["Certificate"])
        return seen

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Stops the program and returns its exit code."""
        self.process.send_signal(how)
        return self.process.wait(STOP_SECONDS)

    def _pool(self, scheme: str, host: str, port: int) -> urllib3.HTTPConnectionPool:
        # Not every C library resolves *.localhost, so the name goes into Host and SNI and the connection to loopback.
        if scheme == "http":
            return urllib3.HTTPConnectionPool("127.0.0.1", port)
        return urllib3.HTTPSConnectionPool(
            "127.0.0.1", port, server_hostname=host, assert_hostname=host, ca_certs=self.ca_file
        )

    def _client_arguments(self, endpoint: str, overrides: Mapping[str, str]) -> dict[str, Any]:
        return {
            "endpoint_url": self.environment[endpoint],
            "region_name": self.environment["AWS_DEFAULT_REGION"],
            "aws_access_key_id": self.environment["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": self.environment["AWS_SECRET_ACCESS_KEY"],
            "config": Config(retries={"total_max_attempts": 1}),
            **overrides,
        }


def start_cdn(state: Path, **given: int | str) -> RunningCdn:
    """Starts the program on free ports (or those given as `api_port=...`) and waits until it is deployed."""
    process = launch(state, **given)
    deadline = time.monotonic() + START_SECONDS
    while not (state / "running.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise AssertionError(f"edgeward did not start:\n{output_of(state)}")
        time.sleep(0.05)
    return RunningCdn(process=process, state=state, **json.loads((state / "running.json").read_text()))


def launch(state: Path, **given: int | str) -> subprocess.Popen[bytes]:
    """Starts the program and does not wait for anything; `given` are options of it."""
    wanted = {"api_port": 0, "http_port": 0, "https_port": 0, "s3_port": 0} | given
    options = [f"--{name.replace('_', '-')}={value}" for name, value in wanted.items()]
    output_path(state).parent.mkdir(parents=True, exist_ok=True)
    with output_path(state).open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "edgeward.cli", "dev", f"--state={state}", *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def output_path(state: Path) -> Path:
    """Where the output of the program with that state folder goes: beside the folder."""
    return state.with_name(f"{state.name}.out")


def output_of(state: Path) -> str:
    """What the program with that state folder printed so far."""
    return output_path(state).read_text()


def environment_without_aws() -> dict[str, str]:
    """The environment of the test run without any AWS configuration of the machine."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return plain | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_PAGER": ""}
