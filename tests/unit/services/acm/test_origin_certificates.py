"""Certificates that origins are shown: what may be named, what the edge gets of it, and what holds it."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from authorities import CLIENT, SERVER, Signed, authority, signed
from unit.services.conftest import Clock, ObedientEdge

ROOT = authority()
EDGE = signed([], common_name="the edge", issuer=ROOT, extensions=[CLIENT])
AGAIN = signed([], common_name="the edge", issuer=ROOT, extensions=[CLIENT], number=1)


@pytest.fixture
def arn(acm: Any) -> str:
    """Of a certificate for clients."""
    return str(acm.import_certificate(**EDGE.members)["CertificateArn"])


@pytest.fixture
def config_with(config: dict[str, Any]) -> Callable[[str], dict[str, Any]]:
    """Gives a DistributionConfig whose origin is shown a certificate."""

    def config_with(arn: str) -> dict[str, Any]:
        [origin] = config["Origins"]["Items"]
        custom = origin["CustomOriginConfig"] | {
            "OriginProtocolPolicy": "https-only",
            "OriginMtlsConfig": {"ClientCertificateArn": arn},
        }
        return config | {"Origins": {"Quantity": 1, "Items": [origin | {"CustomOriginConfig": custom}]}}

    return config_with


def shown(edge: ObedientEdge, distribution: str) -> dict[str, str]:
    """The certificate for the origin of a distribution in the last plan."""
    origins = json.loads(edge.plans[-1])["distributions"][distribution]["origins"]
    found: dict[str, str] = origins["site"]["client_certificate"]
    return found


def as_shown(certificate: Signed) -> dict[str, str]:
    chain = certificate.pem + certificate.chain_pem
    return {"chain_pem": chain.decode(), "key_pem": certificate.key_pem.decode()}


def test_the_edge_gets_certificate_chain_and_key_and_the_caller_no_key(
    cloudfront: Any, edge: ObedientEdge, arn: str, config_with: Callable[[str], Any]
) -> None:
    made = cloudfront.create_distribution(DistributionConfig=config_with(arn))["Distribution"]

    [origin] = made["DistributionConfig"]["Origins"]["Items"]
    assert origin["CustomOriginConfig"]["OriginMtlsConfig"] == {"ClientCertificateArn": arn}
    assert shown(edge, made["Id"]) == as_shown(EDGE)


def test_a_certificate_imported_again_is_shown_when_the_call_returns(
    acm: Any, cloudfront: Any, edge: ObedientEdge, arn: str, config_with: Callable[[str], Any]
) -> None:
    made = cloudfront.create_distribution(DistributionConfig=config_with(arn))["Distribution"]
    plans = len(edge.plans)

    acm.import_certificate(**AGAIN.members, CertificateArn=arn)

    assert len(edge.plans) == plans + 1
    assert shown(edge, made["Id"]) == as_shown(AGAIN)


def test_a_certificate_that_is_not_there_expired_or_for_servers_is_refused(
    acm: Any,
    cloudfront: Any,
    clock: Clock,
    config_with: Callable[[str], Any],
    refusal: Callable[..., tuple[str, str]],
) -> None:
    brief = signed([], common_name="the edge", days=(-1, 1 / 1_440), extensions=[CLIENT])
    server = signed(["www.example.com"], extensions=[SERVER])
    expired, for_servers = (acm.import_certificate(**each.members)["CertificateArn"] for each in (brief, server))
    clock.later = timedelta(minutes=2)

    for named, words in (
        (expired, "EXPIRED"),
        (f"{expired[:-1]}x", "there is no certificate"),
        (for_servers, "lacks TLS Web Client Authentication"),
    ):
        code, message = refusal(cloudfront.create_distribution, DistributionConfig=config_with(named))
        assert (code, words in message) == ("InvalidArgument", True)


def test_a_certificate_in_use_cannot_be_deleted(
    acm: Any, cloudfront: Any, arn: str, config_with: Callable[[str], Any], refusal: Callable[..., tuple[str, str]]
) -> None:
    holder = cloudfront.create_distribution(DistributionConfig=config_with(arn))["Distribution"]["ARN"]

    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"] == [holder]
    code, message = refusal(acm.delete_certificate, CertificateArn=arn)
    assert (code, holder in message) == ("ResourceInUseException", True)
