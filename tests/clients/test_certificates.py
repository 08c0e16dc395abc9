"""A certificate of one's own, put beside a running Edgeward, named by boto3 and seen by a viewer."""

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from types_boto3_cloudfront import CloudFrontClient

from clients.configurations import one_origin
from clients.running import RunningCdn
from edgeward.authority import Certificate, LocalAuthority

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


def handshake(cdn: RunningCdn, authority: LocalAuthority, version: ssl.TLSVersion) -> str | None:
    """The version agreed on with a viewer that speaks `version`, and verifies name and authority."""
    context = ssl.create_default_context(cadata=authority.root_pem)
    context.minimum_version = context.maximum_version = version
    address = ("127.0.0.1", int(cdn.https_url.rpartition(":")[2].strip("/")))
    with (
        socket.create_connection(address, timeout=10) as stream,
        context.wrap_socket(stream, server_hostname=NAME) as session,
    ):
        return session.version()


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
    assert handshake(cdn, authority, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        handshake(cdn, authority, ssl.TLSVersion.TLSv1_2)
