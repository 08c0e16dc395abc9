"""What may be changed of a certificate that was asked for, and what is refused by name."""

from collections.abc import Callable
from typing import Any

import pytest

from authorities import signed
from policies import ACCOUNT, allow

Refusal = Callable[..., tuple[str, str]]
MISSING = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/00000000-0000-0000-0000-000000000000"


@pytest.fixture
def asked(acm: Any) -> str:
    """The ARN of a certificate that the local authority issued."""
    return str(acm.request_certificate(DomainName="www.example.com", ValidationMethod="DNS")["CertificateArn"])


@pytest.fixture
def imported(acm: Any) -> str:
    """The ARN of a certificate that was imported."""
    return str(acm.import_certificate(**signed(["www.example.com"]).members)["CertificateArn"])


def told(acm: Any, arn: str) -> Any:
    return acm.describe_certificate(CertificateArn=arn)["Certificate"]


def test_a_renewal_may_be_asked_for(
    acm: Any, cloudfront: Any, config: dict[str, Any], asked: str, refusal: Refusal
) -> None:
    code, message = refusal(acm.renew_certificate, CertificateArn=asked)
    assert (code, "nothing uses it" in message) == ("ValidationException", True)
    certificate = {"ACMCertificateArn": asked, "SSLSupportMethod": "sni-only"}
    cloudfront.create_distribution(DistributionConfig=config | {"ViewerCertificate": certificate})
    first = told(acm, asked)
    assert (first["RenewalEligibility"], "RenewalSummary" in first) == ("ELIGIBLE", False)

    acm.renew_certificate(CertificateArn=asked)

    second = told(acm, asked)
    assert second["Serial"] != first["Serial"]
    assert second["RenewalSummary"]["RenewalStatus"] == "SUCCESS"


def test_what_cannot_be_renewed_is_refused(acm: Any, imported: str, refusal: Refusal) -> None:
    code, message = refusal(acm.renew_certificate, CertificateArn=imported)
    assert (code, "it was imported" in message) == ("ValidationException", True)
    assert refusal(acm.renew_certificate, CertificateArn=MISSING)[0] == "ResourceNotFoundException"


def test_options_are_changed(acm: Any, asked: str, refusal: Refusal) -> None:
    acm.update_certificate_options(CertificateArn=asked, Options={"ValidationMethod": "HTTP"})
    acm.update_certificate_options(
        CertificateArn=asked, Options={"CertificateTransparencyLoggingPreference": "ENABLED", "Export": "DISABLED"}
    )

    now = told(acm, asked)
    assert now["Options"] == {"CertificateTransparencyLoggingPreference": "ENABLED", "Export": "DISABLED"}
    (option,) = now["DomainValidationOptions"]
    assert (option["ValidationMethod"], "HttpRedirect" in option) == ("HTTP", True)
    code, message = refusal(acm.update_certificate_options, CertificateArn=asked, Options={"Export": "ENABLED"})
    assert (code, "cannot be exported" in message) == ("ValidationException", True)
    code, _ = refusal(acm.update_certificate_options, CertificateArn=asked, Options={"ValidationMethod": "EMAIL"})
    assert code == "ValidationException"


def test_an_imported_certificate_has_no_options(acm: Any, imported: str, refusal: Refusal) -> None:
    code, _ = refusal(acm.update_certificate_options, CertificateArn=imported, Options={"ValidationMethod": "DNS"})

    assert code == "InvalidStateException"


def test_a_wildcard_stays_with_dns(acm: Any, refusal: Refusal) -> None:
    arn = acm.request_certificate(DomainName="*.example.com")["CertificateArn"]

    code, message = refusal(acm.update_certificate_options, CertificateArn=arn, Options={"ValidationMethod": "HTTP"})

    assert (code, "not for wildcards" in message) == ("ValidationException", True)


def test_nothing_is_sent_by_email_and_no_key_is_exported(acm: Any, asked: str, imported: str, refusal: Refusal) -> None:
    members = {"Domain": "www.example.com", "ValidationDomain": "example.com"}
    for arn, why in ((asked, "validated by DNS"), (imported, "was imported")):
        code, message = refusal(acm.resend_validation_email, CertificateArn=arn, **members)
        assert (code, why in message) == ("InvalidStateException", True)
        code, message = refusal(acm.export_certificate, CertificateArn=arn, Passphrase=b"secret")
        assert (code, "cannot be exported" in message) == ("ValidationException", True)
    assert refusal(acm.export_certificate, CertificateArn=MISSING, Passphrase=b"secret")[0] == (
        "ResourceNotFoundException"
    )


def test_a_policy_is_about_the_certificate(asked: str, as_user: Callable[..., Any], refusal: Refusal) -> None:
    client = as_user(allow("acm:UpdateCertificateOptions", asked))

    client.update_certificate_options(CertificateArn=asked, Options={"ValidationMethod": "DNS"})

    assert refusal(client.renew_certificate, CertificateArn=asked)[0] == "AccessDeniedException"
