"""Certificates of one's own: kept by ACM, named by a distribution, and seen by viewers."""

import json
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

from acme_server import AcmeServer
from authorities import authority, signed
from clients.configurations import one_origin
from clients.running import START_SECONDS, RunningCdn, start_cdn
from ocsp_responder import Responder, responder

NAME = "own.example.com"
ROOT = authority()
FIRST, SECOND = (signed([NAME], issuer=ROOT, number=number) for number in (1, 2))


def config(arn: str) -> Any:
    certificate = {
        "ACMCertificateArn": arn,
        "SSLSupportMethod": "sni-only",
        "MinimumProtocolVersion": "TLSv1.3_2025",
    }
    aliases = {"Quantity": 1, "Items": [NAME]}
    return one_origin("own.s3.amazonaws.com") | {"Aliases": aliases, "ViewerCertificate": certificate}


def test_viewers_are_shown_the_certificate_that_the_distribution_names(
    cdn: RunningCdn, cloudfront: CloudFrontClient
) -> None:
    acm, trusted = cdn.acm(), ROOT.pem.decode()
    other = acm.import_certificate(**signed(["other.example.com"], issuer=ROOT).members)["CertificateArn"]
    with pytest.raises(ClientError, match=r"InvalidViewerCertificate.*not for the alias own\.example\.com"):
        cloudfront.create_distribution(DistributionConfig=config(other))
    arn = acm.import_certificate(**FIRST.members)["CertificateArn"]

    made = cloudfront.create_distribution(DistributionConfig=config(arn))["Distribution"]

    assert made["Status"] == "Deployed"
    assert made["DistributionConfig"]["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.3_2025"
    seen = cdn.handshake(NAME, trusted)
    assert (seen.version, seen.certificate) == ("TLSv1.3", FIRST.der)
    with pytest.raises(ssl.SSLError):
        cdn.handshake(NAME, trusted, ssl.TLSVersion.TLSv1_2)

    acm.import_certificate(**SECOND.members, CertificateArn=arn)
    assert cdn.handshake(NAME, trusted).certificate == SECOND.der


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


def members(there: Responder) -> dict[str, bytes]:
    """The certificate of a responder, as ImportCertificate takes it."""
    leaf, issuer = there.leaf, there.issuer
    return {
        "Certificate": leaf.pem.encode(),
        "CertificateChain": issuer.pem.encode(),
        "PrivateKey": leaf.key_pem.encode(),
    }


def eventually(is_true: Callable[[], bool]) -> None:
    """Waits until it is."""
    deadline = time.monotonic() + START_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


CURL_INVALID_STATUS = 91


def test_viewers_are_shown_what_the_authority_says_of_a_certificate(
    cdn: RunningCdn, cloudfront: CloudFrontClient, there: Responder, tmp_path: Path
) -> None:
    arn = cdn.acm().import_certificate(**members(there))["CertificateArn"]
    stapled = config(arn) | {"Aliases": {"Quantity": 1, "Items": ["stapled.example.com"]}}
    cloudfront.create_distribution(DistributionConfig=stapled)

    eventually(lambda: curl_with_status(cdn, there, tmp_path / "ca.pem") == 0)

    with responder() as another:
        another.revoked = datetime(2026, 1, 2, tzinfo=UTC)
        cdn.acm().import_certificate(**members(another), CertificateArn=arn)
        eventually(lambda: "is REVOKED since 2026-01-02" in cdn.output)
        eventually(lambda: curl_with_status(cdn, another, tmp_path / "ca.pem") == CURL_INVALID_STATUS)


@pytest.mark.parametrize("kind", ["RSA_2048", "RSA_4096", "EC_prime256v1", "EC_secp384r1"])
def test_the_edge_serves_every_kind_of_key_that_acm_takes(
    cdn: RunningCdn, cloudfront: CloudFrontClient, kind: str
) -> None:
    name = f"{kind.lower().replace('_', '-')}.example.org"
    certificate = signed([name], issuer=ROOT, kind=kind)
    arn = cdn.acm().import_certificate(**certificate.members)["CertificateArn"]

    config_of_kind = config(arn) | {"Aliases": {"Quantity": 1, "Items": [name]}}
    made = cloudfront.create_distribution(DistributionConfig=config_of_kind)["Distribution"]

    assert made["Status"] == "Deployed"
    assert cdn.handshake(name, ROOT.pem.decode()).certificate == certificate.der


def test_a_certificate_that_is_asked_for_is_issued_and_shown(cdn: RunningCdn, cloudfront: CloudFrontClient) -> None:
    acm, name = cdn.acm(), "asked.example.net"
    arn = acm.request_certificate(DomainName=name, ValidationMethod="DNS")["CertificateArn"]
    acm.get_waiter("certificate_validated").wait(CertificateArn=arn, WaiterConfig={"MaxAttempts": 1})

    asking = config(arn) | {"Aliases": {"Quantity": 1, "Items": [name]}}
    assert cloudfront.create_distribution(DistributionConfig=asking)["Distribution"]["Status"] == "Deployed"

    issued = acm.get_certificate(CertificateArn=arn)["Certificate"]
    assert cdn.handshake(name, Path(cdn.ca_file).read_text()).certificate == ssl.PEM_cert_to_DER_cert(issued)


def test_an_acme_ca_issues_for_a_public_name(tmp_path: Path, acme_server: AcmeServer) -> None:
    settings, state, name = acme_server.settings, tmp_path / "state", "www.public.dev"
    state.mkdir()
    assert settings.resolver is not None
    record = {
        "directory": settings.directory_url,
        "trusted_authorities": str(settings.trusted_authorities),
        "resolver": "{}:{}".format(*settings.resolver),
    }
    (state / "acme.json").write_text(json.dumps(record))
    running = start_cdn(state)
    try:
        acm = running.acm()
        arn = acm.request_certificate(DomainName=name, ValidationMethod="DNS")["CertificateArn"]
        asked = awaited(acm, arn, lambda told: "ResourceRecord" in told["DomainValidationOptions"][0])
        challenge = asked["DomainValidationOptions"][0]["ResourceRecord"]
        acme_server.publish(challenge["Name"], challenge["Value"])
        awaited(acm, arn, lambda told: told["Status"] == "ISSUED")

        asking = config(arn) | {"Aliases": {"Quantity": 1, "Items": [name]}}
        running.cloudfront().create_distribution(DistributionConfig=asking)
        assert running.shown(arn, name) is not None
    finally:
        assert running.stop() == 0, running.output


def awaited(acm: Any, arn: str, is_it: Callable[[Any], bool]) -> Any:
    """What is told of a certificate once it is so."""
    deadline = time.monotonic() + 60
    while not is_it(told := acm.describe_certificate(CertificateArn=arn)["Certificate"]):
        assert time.monotonic() < deadline, told
        time.sleep(0.2)
    return told


def test_an_acme_ca_asks_the_edge_and_what_is_renewed_is_shown(tmp_path: Path, acme_server: AcmeServer) -> None:
    state, name = tmp_path / "state", "www.by-http.dev"
    state.mkdir()
    (state / "acme.json").write_text(acme_server.record)
    running = start_cdn(state, http_port=acme_server.http_port)
    try:
        acm = running.acm()
        arn = acm.request_certificate(DomainName=name, ValidationMethod="HTTP")["CertificateArn"]
        awaited(acm, arn, lambda told: told["Status"] == "ISSUED")
        asking = config(arn) | {"Aliases": {"Quantity": 1, "Items": [name]}}
        running.cloudfront().create_distribution(DistributionConfig=asking)
        first = running.shown(arn, name)

        acm.renew_certificate(CertificateArn=arn)
        awaited(acm, arn, lambda told: told["RenewalSummary"]["RenewalStatus"] == "SUCCESS")
        assert running.shown(arn, name) != first
    finally:
        assert running.stop() == 0, running.output
