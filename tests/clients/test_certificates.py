"""Certificates of one's own: kept by ACM, named by a distribution, and seen by viewers."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from types_boto3_cloudfront import CloudFrontClient

from authorities import authority, signed
from clients.configurations import one_origin
from clients.running import RunningCdn

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
