"""Certificates that distributions show: what may be named, what the edge gets of it, and what holds it."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from authorities import Signed, authority, signed
from unit.services.conftest import Clock, ObedientEdge

ROOT = authority()
WEB = signed(["www.example.com", "*.example.org"], issuer=ROOT)
AGAIN = signed(["www.example.com", "*.example.org"], issuer=ROOT, number=1)


@pytest.fixture
def arn(acm: Any) -> str:
    """Of a certificate for www.example.com and *.example.org."""
    return str(acm.import_certificate(**WEB.members)["CertificateArn"])


@pytest.fixture
def config_with(config: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Gives a DistributionConfig with aliases and a certificate."""

    def config_with(arn: str, *aliases: str, **changes: Any) -> dict[str, Any]:
        return config | {
            "Aliases": {"Quantity": len(aliases), "Items": list(aliases)},
            "ViewerCertificate": {"ACMCertificateArn": arn, "SSLSupportMethod": "sni-only"},
            **changes,
        }

    return config_with


def shown(edge: ObedientEdge, distribution: str) -> dict[str, str]:
    """The certificate of a distribution in the last plan."""
    found: dict[str, str] = json.loads(edge.plans[-1])["distributions"][distribution]["certificate"]
    return found


def as_shown(certificate: Signed) -> dict[str, str]:
    chain = certificate.pem + certificate.chain_pem
    return {"chain_pem": chain.decode(), "key_pem": certificate.key_pem.decode()}


def test_the_edge_gets_certificate_chain_and_key(
    cloudfront: Any, edge: ObedientEdge, arn: str, config_with: Callable[..., Any]
) -> None:
    made = cloudfront.create_distribution(DistributionConfig=config_with(arn, "www.example.com", "a.example.org"))

    assert made["Distribution"]["Status"] == "Deployed"
    assert made["Distribution"]["DistributionConfig"]["ViewerCertificate"]["ACMCertificateArn"] == arn
    assert shown(edge, made["Distribution"]["Id"]) == as_shown(WEB)


@pytest.mark.parametrize("alias", ["example.com", "example.org", "a.b.example.org", "*.example.com"])
def test_every_alias_has_to_be_covered(
    cloudfront: Any, arn: str, config_with: Callable[..., Any], refusal: Callable[..., tuple[str, str]], alias: str
) -> None:
    config = config_with(arn, "www.example.com", alias)

    code, message = refusal(cloudfront.create_distribution, DistributionConfig=config)

    assert (code, f"not for the alias {alias};" in message) == ("InvalidViewerCertificate", True)


def test_a_common_name_covers_nothing(
    acm: Any, cloudfront: Any, config_with: Callable[..., Any], refused: Callable[..., str]
) -> None:
    certificate = signed([], common_name="www.example.com")
    arn = acm.import_certificate(**certificate.members)["CertificateArn"]

    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainName"] == "www.example.com"
    config = config_with(arn, "www.example.com")
    assert refused(cloudfront.create_distribution, DistributionConfig=config) == "InvalidViewerCertificate"


def test_a_certificate_that_is_not_there_or_expired_is_refused(
    acm: Any,
    cloudfront: Any,
    clock: Clock,
    config_with: Callable[..., Any],
    refusal: Callable[..., tuple[str, str]],
) -> None:
    brief = signed(["www.example.com"], days=(-1, 1 / 1_440))
    arn = acm.import_certificate(**brief.members)["CertificateArn"]
    clock.later = timedelta(minutes=2)

    for named, words in ((arn, "EXPIRED"), (f"{arn[:-1]}x", "there is no certificate")):
        code, message = refusal(cloudfront.create_distribution, DistributionConfig=config_with(named))
        assert (code, words in message) == ("InvalidViewerCertificate", True)


def test_a_certificate_imported_again_is_shown_when_the_call_returns(
    acm: Any, cloudfront: Any, edge: ObedientEdge, arn: str, config_with: Callable[..., Any]
) -> None:
    made = cloudfront.create_distribution(DistributionConfig=config_with(arn, "www.example.com"))["Distribution"]
    plans = len(edge.plans)

    acm.import_certificate(**AGAIN.members, CertificateArn=arn)

    assert len(edge.plans) == plans + 1
    assert shown(edge, made["Id"]) == as_shown(AGAIN)
    assert cloudfront.get_distribution(Id=made["Id"])["Distribution"]["Status"] == "Deployed"


def test_a_certificate_in_use_cannot_be_deleted(
    acm: Any, cloudfront: Any, arn: str, config_with: Callable[..., Any], refusal: Callable[..., tuple[str, str]]
) -> None:
    made = cloudfront.create_distribution(DistributionConfig=config_with(arn))
    holder = made["Distribution"]["ARN"]

    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"] == [holder]
    includes = {"keyTypes": ["EC_prime256v1"]}
    [summary] = acm.list_certificates(Includes=includes)["CertificateSummaryList"]
    code, message = refusal(acm.delete_certificate, CertificateArn=arn)
    assert (summary["InUse"], code, holder in message) == (True, "ResourceInUseException", True)

    config = config_with(arn) | {"ViewerCertificate": {"CloudFrontDefaultCertificate": True}}
    cloudfront.update_distribution(Id=made["Distribution"]["Id"], IfMatch=made["ETag"], DistributionConfig=config)
    acm.delete_certificate(CertificateArn=arn)


def test_the_keys_are_found_again_after_a_restart(
    build_control_plane: Callable[..., Any], connect: Callable[..., Any], config_with: Callable[..., Any]
) -> None:
    plane = build_control_plane()
    plane.start()
    arn = connect(plane, service="acm").import_certificate(**WEB.members)["CertificateArn"]
    made = connect(plane).create_distribution(DistributionConfig=config_with(arn))["Distribution"]
    plane.stop()
    edge = ObedientEdge()

    again = build_control_plane(edge)
    again.start()
    again.stop()

    assert shown(edge, made["Id"]) == as_shown(WEB)
