"""Certificates of an ACME CA are issued and renewed while viewers connect: no request is lost."""

import itertools
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from acme_server import AcmeServer
from clients.configurations import one_origin
from clients.running import RunningCdn, start_cdn
from faults.origin import Origin, content, running_origin

pytestmark = pytest.mark.timeout(300)

BY_DNS, BY_HTTP = "www.renewed-by-dns.dev", "www.renewed-by-http.dev"
PATIENCE_SECONDS = 90


@pytest.fixture
def cdn(tmp_path: Path, acme_server: AcmeServer) -> Iterator[RunningCdn]:
    """Whose edge has the port that the CA asks at."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "acme.json").write_text(acme_server.record)
    running = start_cdn(state, http_port=acme_server.http_port)
    yield running
    assert running.stop() == 0, running.output


@pytest.fixture
def origin() -> Iterator[Origin]:
    with running_origin() as origin:
        yield origin


def test_certificates_are_renewed_without_a_restart_and_without_a_failed_request(
    cdn: RunningCdn, acme_server: AcmeServer, origin: Origin
) -> None:
    acm = cdn.acm()
    certificates = {name: issued(acm, acme_server, name, how) for name, how in ((BY_DNS, "DNS"), (BY_HTTP, "HTTP"))}
    for name, arn in certificates.items():
        cdn.cloudfront().create_distribution(DistributionConfig=showing(arn, name, origin.port))
    before = {name: cdn.shown(arn, name) for name, arn in certificates.items()}

    with ExitStack() as viewers:
        pairs = itertools.product(certificates, ("--http1.1", "--http2"))
        loads = [viewers.enter_context(connecting(cdn, name, version)) for name, version in pairs]
        for arn in certificates.values():
            acm.renew_certificate(CertificateArn=arn)
        for arn in certificates.values():
            settled(acm, acme_server, arn, ("RenewalSummary", "RenewalStatus"), "SUCCESS")
        after = {name: cdn.shown(arn, name) for name, arn in certificates.items()}

    assert all(before[name] != after[name] for name in certificates)
    assert [load.failed for load in loads] == [[]] * 4
    assert all(load.answered > 0 for load in loads)


def issued(acm: Any, acme_server: AcmeServer, name: str, how: str) -> str:
    """The ARN of a certificate for `name`, once there is one."""
    arn = str(acm.request_certificate(DomainName=name, ValidationMethod=how)["CertificateArn"])
    settled(acm, acme_server, arn, ("Status",), "ISSUED")
    return arn


def settled(acm: Any, acme_server: AcmeServer, arn: str, members: Sequence[str], wanted: str) -> None:
    """Publishes what the CA wants to see in DNS until the member says what is wanted."""
    deadline, published = time.monotonic() + PATIENCE_SECONDS, set()
    while True:
        told = acm.describe_certificate(CertificateArn=arn)["Certificate"]
        for validation in told.get("DomainValidationOptions", []):
            record = validation.get("ResourceRecord")
            if record and record["Value"] not in published:
                acme_server.publish(record["Name"], record["Value"])
                published.add(record["Value"])
        value: Any = told
        for member in members:
            value = value.get(member, {})
        if value == wanted:
            return
        assert time.monotonic() < deadline, told
        time.sleep(0.2)


def showing(arn: str, name: str, origin_port: int) -> Any:
    """A distribution for `name` with a certificate of ACM's."""
    config = one_origin("origin.localhost")
    custom = {"HTTPPort": origin_port, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
    config["Origins"]["Items"] = [{"Id": "site", "DomainName": "origin.localhost", "CustomOriginConfig": custom}]
    certificate = {"ACMCertificateArn": arn, "SSLSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"}
    return config | {"Aliases": {"Quantity": 1, "Items": [name]}, "ViewerCertificate": certificate}


@dataclass
class Load:
    """What a viewer got."""

    answered: int = 0
    failed: list[str] = field(default_factory=list)


@contextmanager
def connecting(cdn: RunningCdn, name: str, version: str) -> Iterator[Load]:
    """A viewer who goes on asking, with a handshake for each request."""
    load, over = Load(), threading.Event()
    # Who signed is for the handshakes beside it to say: the CA of the tests has another root at each start.
    to = ("--insecure", "--connect-to", f"::127.0.0.1:{urlsplit(cdn.https_url).port}", f"https://{name}/1/700")

    def ask() -> None:
        while not over.is_set():
            got = subprocess.run(["curl", "-sS", version, *to], capture_output=True, check=False)
            if got.returncode == 0 and got.stdout == content(1, 0, 700):
                load.answered += 1
            else:
                load.failed.append(f"{got.returncode}: {got.stderr.decode()}{got.stdout[:80]!r}")

    viewer = threading.Thread(target=ask)
    viewer.start()
    try:
        yield load
    finally:
        over.set()
        viewer.join()
