"""Certificates that ACM is asked for, through boto3: issued at once by the local authority."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import DNSName, SubjectAlternativeName

from edgeward.authority import LocalAuthority
from policies import allow, deny

NAMES = ["www.example.com", "*.shop.test"]
ASKED = {"DomainName": "www.Example.com", "SubjectAlternativeNames": ["*.shop.test"]}
NOW = datetime.now(UTC)
Refusal = Callable[..., tuple[str, str]]


def described(acm: Any, **members: Any) -> dict[str, Any]:
    """What is told of a certificate that was asked for so."""
    arn = acm.request_certificate(**members)["CertificateArn"]
    told: dict[str, Any] = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    return told


@pytest.mark.parametrize("kind", ["RSA_2048", "EC_prime256v1", "EC_secp384r1"])
def test_a_certificate_is_issued_at_once(acm: Any, authority: LocalAuthority, kind: str) -> None:
    told = described(acm, **ASKED, ValidationMethod="DNS", KeyAlgorithm=kind)

    answer = acm.get_certificate(CertificateArn=told["CertificateArn"])
    leaf = x509.load_pem_x509_certificate(answer["Certificate"].encode())
    signed_names = leaf.extensions.get_extension_for_class(SubjectAlternativeName).value.get_values_for_type(DNSName)
    assert (told["Status"], told["Type"], told["KeyAlgorithm"]) == ("ISSUED", "AMAZON_ISSUED", kind)
    assert (told["DomainName"], told["SubjectAlternativeNames"]) == ("www.example.com", NAMES)
    assert told["CertificateKeyPairOrigin"] == "AWS_MANAGED"
    assert told["IssuedAt"] == told["CreatedAt"]
    assert sorted(signed_names) == sorted(NAMES)
    assert answer["CertificateChain"] == authority.root_pem


def test_without_a_word_it_is_rsa_by_dns(acm: Any) -> None:
    told = described(acm, DomainName="www.example.com")

    assert told["KeyAlgorithm"] == "RSA_2048"
    assert {option["ValidationMethod"] for option in told["DomainValidationOptions"]} == {"DNS"}


def test_every_name_has_a_record_that_stays(acm: Any) -> None:
    [plain, wildcard] = described(acm, DomainName="example.com", SubjectAlternativeNames=["*.example.com"])[
        "DomainValidationOptions"
    ]
    [again] = described(acm, DomainName="example.com")["DomainValidationOptions"]

    assert (plain["DomainName"], wildcard["DomainName"]) == ("example.com", "*.example.com")
    assert plain["ResourceRecord"] == wildcard["ResourceRecord"] == again["ResourceRecord"]
    assert plain["ResourceRecord"]["Type"] == "CNAME"
    assert plain["ResourceRecord"]["Name"].endswith(".example.com.")
    assert plain["ValidationStatus"] == "SUCCESS"


def test_by_http_every_name_has_a_redirect(acm: Any) -> None:
    [option] = described(acm, DomainName="www.example.com", ValidationMethod="HTTP")["DomainValidationOptions"]

    assert option["HttpRedirect"]["RedirectFrom"].startswith("http://www.example.com/.well-known/pki-validation/")
    assert "ResourceRecord" not in option


def test_the_waiter_has_nothing_to_wait_for(acm: Any) -> None:
    arn = acm.request_certificate(**ASKED)["CertificateArn"]

    acm.get_waiter("certificate_validated").wait(CertificateArn=arn, WaiterConfig={"MaxAttempts": 1})


def test_the_options_are_told_as_they_were_sent(acm: Any) -> None:
    options = {"CertificateTransparencyLoggingPreference": "ENABLED", "Export": "DISABLED"}

    assert described(acm, **ASKED, Options=options)["Options"] == options


def test_a_token_makes_one_certificate_an_hour(acm: Any, refused: Callable[..., str]) -> None:
    first = acm.request_certificate(**ASKED, IdempotencyToken="t1")["CertificateArn"]

    assert acm.request_certificate(**ASKED, IdempotencyToken="t1")["CertificateArn"] == first
    assert acm.request_certificate(**ASKED, IdempotencyToken="t2")["CertificateArn"] != first
    assert acm.request_certificate(**ASKED)["CertificateArn"] != first
    other = {"DomainName": "other.example.com", "IdempotencyToken": "t1"}
    assert refused(acm.request_certificate, **other) == "InvalidParameterException"


def test_a_token_is_free_again_after_an_hour(request_at: Callable[..., str]) -> None:
    asked = ASKED | {"IdempotencyToken": "t1"}
    first = request_at(NOW, **asked)

    assert request_at(NOW + timedelta(minutes=59), **asked) == first
    second = request_at(NOW + timedelta(minutes=61), **asked)
    assert second != first
    assert request_at(NOW + timedelta(minutes=62), **asked) == second


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"ValidationMethod": "EMAIL"}, "InvalidParameterException", "EMAIL is not there"),
    ({"KeyAlgorithm": "RSA_4096"}, "InvalidParameterException", "RSA_2048, EC_prime256v1, EC_secp384r1"),
    ({"ManagedBy": "CLOUDFRONT"}, "InvalidParameterException", "ManagedBy"),
    ({"Options": {"Export": "ENABLED"}}, "InvalidParameterException", "cannot be exported"),
    ({"Options": {"ValidationMethod": "DNS"}}, "InvalidParameterException", "Options.ValidationMethod"),
    (
        {"CertificateAuthorityArn": "arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/1"},
        "InvalidParameterException",
        "private authorities",
    ),
    (
        {"DomainValidationOptions": [{"DomainName": "www.example.com", "ValidationDomain": "example.com"}]},
        "InvalidDomainValidationOptionsException",
        "email",
    ),
    ({"SubjectAlternativeNames": ["www.edgeward.dev"]}, "InvalidParameterException", "may not sign 'www.edgeward.dev'"),
    ({"ValidationMethod": "HTTP"}, "InvalidParameterException", "not for wildcards"),
    ({"DomainName": f"{'a' * 60}.test"}, "InvalidParameterException", "more than 64"),
    ({"SubjectAlternativeNames": [f"a{number}.test" for number in range(100)]}, "LimitExceededException", "101"),
    ({"DomainName": "localhost"}, "ValidationException", "domainName"),
    ({"IdempotencyToken": "a-b"}, "ValidationException", "idempotencyToken"),
    ({"Tags": [{"Key": "aws:x"}]}, "InvalidTagException", "aws:"),
]


@pytest.mark.parametrize(("change", "code", "named"), REFUSED)
def test_what_is_not_there_is_refused(
    acm: Any, refusal: Refusal, change: dict[str, Any], code: str, named: str
) -> None:
    found, message = refusal(acm.request_certificate, **ASKED | change)

    assert (found, named in message) == (code, True), message
    assert acm.list_certificates()["CertificateSummaryList"] == []


def test_a_certificate_that_was_issued_is_shown_and_not_imported_upon(
    acm: Any, cloudfront: Any, config: dict[str, Any], refused: Callable[..., str]
) -> None:
    told = described(acm, **ASKED)
    arn = told["CertificateArn"]
    certificate = {"ACMCertificateArn": arn, "SSLSupportMethod": "sni-only"}
    aliases = {"Quantity": 2, "Items": ["www.example.com", "cart.shop.test"]}

    made = cloudfront.create_distribution(
        DistributionConfig=config | {"Aliases": aliases, "ViewerCertificate": certificate}
    )

    assert made["Distribution"]["Status"] == "Deployed"
    assert told["RenewalEligibility"] == "INELIGIBLE"
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["RenewalEligibility"] == "ELIGIBLE"
    answer = acm.get_certificate(CertificateArn=arn)
    imported = {"Certificate": answer["Certificate"], "PrivateKey": "", "CertificateChain": answer["CertificateChain"]}
    assert refused(acm.import_certificate, **imported, CertificateArn=arn) == "ValidationException"


def test_policies_may_say_what_is_asked_for(as_user: Callable[..., Any], refusal: Refusal) -> None:
    client = as_user(
        allow("acm:RequestCertificate", StringEquals={"acm:ValidationMethod": "DNS", "acm:KeyAlgorithm": "RSA_2048"}),
        deny("acm:*") | {"Condition": {"ForAnyValue:StringLike": {"acm:DomainNames": "*.secret.test"}}},
    )

    assert client.request_certificate(**ASKED)["CertificateArn"]
    assert refusal(client.request_certificate, **ASKED, ValidationMethod="HTTP")[0] == "AccessDeniedException"
    assert refusal(client.request_certificate, **ASKED, KeyAlgorithm="EC_secp384r1")[0] == "AccessDeniedException"
    secret = {"SubjectAlternativeNames": ["A.secret.test"]}
    assert refusal(client.request_certificate, **ASKED | secret)[0] == "AccessDeniedException"
