"""A certificate of one's own, put beside a running Edgeward, named by boto3 and seen by a viewer."""

import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from types_boto3_cloudfront import CloudFrontClient

from clients.configurations import one_origin
from clients.running import START_SECONDS, RunningCdn
from edgeward.authority import Certificate, LocalAuthority
from ocsp_responder import Responder, responder

NAME = "own.example.com"
ARN = "arn:aws:acm:us-east-1:123456789012:certificate/own-certificate"


@pytest.fixture
def authority(tmp_path: Path) -> LocalAuthority:
    """One that Edgeward does not know."""
    return LocalAuthority(tmp_path)


def put(cdn: RunningCdn, id: str, certificate: Certificate) -> None:
    folder = cdn.state / "certificates"
    folder.mkdir(exist_ok=True)
    path = folder / f"{id}.pem"
    path.touch(mode=0o600)
    path.write_text(certificate.key_pem + certificate.chain_pem)


def connected(
    cdn: RunningCdn, authority: LocalAuthority, name: str, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLSocket:
    """A viewer that speaks `version`, and verifies name and authority."""
    context = ssl.create_default_context(cadata=authority.root_pem)
    context.minimum_version = context.maximum_version = version
    address = ("127.0.0.1", int(cdn.https_url.rpartition(":")[2].strip("/")))
    stream = socket.create_connection(address, timeout=10)
    try:
        return context.wrap_socket(stream, server_hostname=name)
    except ssl.SSLError:
        stream.close()
        raise


def is_trusted(cdn: RunningCdn, authority: LocalAuthority, name: str) -> bool:
    """Whether the edge shows a certificate of `authority` for `name`."""
    try:
        connected(cdn, authority, name).close()
    except ssl.SSLCertVerificationError:
        return False
    return True


def ask(viewer: ssl.SSLSocket) -> bytes:
    """The head of one more response on a connection."""
    viewer.sendall(f"HEAD / HTTP/1.1\r\nHost: {viewer.server_hostname}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        received = viewer.recv(4096)
        assert received, "the connection was dropped"
        head += received
    return head


def eventually(is_true: Callable[[], bool]) -> None:
    """Waits until it is."""
    deadline = time.monotonic() + START_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def config(**changes: Any) -> Any:
    certificate = {
        "ACMCertificateArn": ARN,
        "SSLSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.3_2025",
    }
    aliases = {"Quantity": 1, "Items": [NAME]}
    return one_origin("own.s3.amazonaws.com") | {"Aliases": aliases, "ViewerCertificate": certificate} | changes


def test_viewers_are_shown_the_certificate_that_the_distribution_names(
    cdn: RunningCdn, cloudfront: CloudFrontClient, authority: LocalAuthority
) -> None:
    with pytest.raises(ClientError, match=r"InvalidViewerCertificate.*there is no certificate 'own-certificate'"):
        cloudfront.create_distribution(DistributionConfig=config())
    put(cdn, "own-certificate", authority.certificate_for(["other.example.com"]))
    with pytest.raises(ClientError, match=r"InvalidViewerCertificate.*not for the alias own\.example\.com"):
        cloudfront.create_distribution(DistributionConfig=config())
    put(cdn, "own-certificate", authority.certificate_for([NAME]))

    made = cloudfront.create_distribution(DistributionConfig=config())["Distribution"]

    assert made["Status"] == "Deployed"
    assert made["DistributionConfig"]["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.3_2025"
    with connected(cdn, authority, NAME) as viewer:
        assert viewer.version() == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        connected(cdn, authority, NAME, ssl.TLSVersion.TLSv1_2)


def test_a_replaced_certificate_is_shown_soon_and_no_connection_is_dropped(
    cdn: RunningCdn, cloudfront: CloudFrontClient, authority: LocalAuthority, tmp_path: Path
) -> None:
    successor = LocalAuthority(tmp_path / "successor")
    put(cdn, "replaced", authority.certificate_for(["replaced.example.com"]))
    aliases = {"Quantity": 1, "Items": ["replaced.example.com"]}
    certificate = {"IAMCertificateId": "replaced", "SSLSupportMethod": "sni-only"}
    config_of_it = config(Aliases=aliases, ViewerCertificate=certificate)
    cloudfront.create_distribution(DistributionConfig=config_of_it)
    with connected(cdn, authority, "replaced.example.com") as kept:
        assert ask(kept).startswith(b"HTTP/1.1 ")
        put(cdn, "replaced", successor.certificate_for(["replaced.example.com"]))

        eventually(lambda: is_trusted(cdn, successor, "replaced.example.com"))

        assert not is_trusted(cdn, authority, "replaced.example.com")
        assert ask(kept).startswith(b"HTTP/1.1 ")


@pytest.fixture
def there() -> Iterator[Responder]:
    with responder() as found:
        yield found


def curl_with_status(cdn: RunningCdn, there: Responder, authorities: Path) -> int:
    """The exit code of curl, which demands an OCSP response beside the certificate."""
    authorities.write_text(there.issuer.pem)
    port = cdn.https_url.rpartition(":")[2].strip("/")
    asked = f"https://stapled.example.com:{port}/"
    command = ["curl", "--silent", "--cert-status", "--cacert", str(authorities), "--output", "/dev/null"]
    resolve = ["--resolve", f"stapled.example.com:{port}:127.0.0.1"]
    return subprocess.run([*command, *resolve, asked], timeout=30, check=False).returncode


def show(cdn: RunningCdn, cloudfront: CloudFrontClient, there: Responder, id: str) -> None:
    made = Certificate(names=(), chain_pem=there.chain_pem, key_pem=there.leaf.key_pem)
    put(cdn, id, made)
    aliases = {"Quantity": 1, "Items": ["stapled.example.com"]}
    certificate = {"IAMCertificateId": id, "SSLSupportMethod": "sni-only"}
    distribution = config(Aliases=aliases, ViewerCertificate=certificate)
    cloudfront.create_distribution(DistributionConfig=distribution)


CURL_INVALID_STATUS = 91


def test_viewers_are_shown_what_the_authority_says_of_a_certificate(
    cdn: RunningCdn, cloudfront: CloudFrontClient, there: Responder, tmp_path: Path
) -> None:
    show(cdn, cloudfront, there, "stapled")

    eventually(lambda: curl_with_status(cdn, there, tmp_path / "ca.pem") == 0)

    with responder() as another:
        another.revoked = datetime(2026, 1, 2, tzinfo=UTC)
        put(cdn, "stapled", Certificate(names=(), chain_pem=another.chain_pem, key_pem=another.leaf.key_pem))
        eventually(lambda: "is REVOKED since 2026-01-02" in cdn.output)
        eventually(lambda: curl_with_status(cdn, another, tmp_path / "ca.pem") == CURL_INVALID_STATUS)
