"""Certificates of one's own through boto3: imported, told of, imported again, deleted."""

import json
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from authorities import SERVER, SIGNATURES, Signed, authority, key, signed
from edgeward.control_plane import ControlPlane
from unit.services.conftest import ACCESS_KEY, SECRET_KEY, SESSION, Clock, InProcessEndpoint

ROOT = authority()
BETWEEN = authority("Example CA 2", ROOT, number=1)
NAMES = ["www.example.com", "*.example.org"]


def imported(acm: Any, certificate: Signed, **members: Any) -> str:
    return str(acm.import_certificate(**certificate.members, **members)["CertificateArn"])


def test_a_certificate_is_imported_and_told_of(acm: Any) -> None:
    certificate = signed(NAMES, issuer=BETWEEN, kind="RSA_2048", extensions=[SERVER, SIGNATURES])

    arn = imported(acm, certificate)

    told = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    serial = f"{certificate.certificate.serial_number:x}"
    assert arn.startswith("arn:aws:acm:us-east-1:123456789012:certificate/")
    assert told.pop("Serial").replace(":", "") == serial.zfill(len(serial) + len(serial) % 2)
    assert told.pop("NotBefore") == certificate.certificate.not_valid_before_utc
    assert told.pop("NotAfter") == certificate.certificate.not_valid_after_utc
    assert told.pop("CreatedAt") == told.pop("ImportedAt")
    assert told == {
        "CertificateArn": arn,
        "DomainName": "www.example.com",
        "SubjectAlternativeNames": NAMES,
        "Subject": "CN=www.example.com",
        "Issuer": "Example CA 2",
        "Status": "ISSUED",
        "Type": "IMPORTED",
        "KeyAlgorithm": "RSA_2048",
        "SignatureAlgorithm": "SHA256WITHECDSA",
        "InUseBy": [],
        "KeyUsages": [{"Name": "DIGITAL_SIGNATURE"}],
        "ExtendedKeyUsages": [{"Name": "TLS_WEB_SERVER_AUTHENTICATION", "OID": "1.3.6.1.5.5.7.3.1"}],
        "RenewalEligibility": "INELIGIBLE",
        "Options": {"CertificateTransparencyLoggingPreference": "DISABLED", "Export": "DISABLED"},
        "CertificateKeyPairOrigin": "CUSTOMER_PROVIDED",
    }


def test_the_certificate_and_its_chain_come_back_and_the_key_does_not(acm: Any) -> None:
    certificate = signed(NAMES, issuer=BETWEEN)

    answer = acm.get_certificate(CertificateArn=imported(acm, certificate))

    del answer["ResponseMetadata"]
    assert answer == {"Certificate": certificate.pem.decode(), "CertificateChain": certificate.chain_pem.decode()}


def test_a_certificate_is_of_the_region_that_the_call_was_signed_for(control_plane: ControlPlane) -> None:
    client = SESSION.client(
        "acm",
        region_name="eu-west-1",
        endpoint_url="http://127.0.0.1:4566",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    endpoint: Any = InProcessEndpoint(control_plane.app)
    client.meta.events.register("before-send.acm.*", endpoint)

    arn = imported(client, signed(NAMES))

    assert arn.startswith("arn:aws:acm:eu-west-1:123456789012:certificate/")
    assert client.describe_certificate(CertificateArn=arn)["Certificate"]["CertificateArn"] == arn


@pytest.mark.parametrize("kind", ["RSA_2048", "RSA_4096", "EC_prime256v1", "EC_secp384r1"])
def test_the_keys_that_the_edge_serves_are_taken(acm: Any, kind: str) -> None:
    arn = imported(acm, signed(NAMES, issuer=ROOT, kind=kind))

    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["KeyAlgorithm"] == kind


def test_a_private_key_in_a_form_of_openssls_own_is_taken(acm: Any) -> None:
    certificate = signed(NAMES, kind="RSA_2048")
    form = serialization.PrivateFormat.TraditionalOpenSSL
    traditional = certificate.private_key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())

    assert acm.import_certificate(Certificate=certificate.pem, PrivateKey=traditional)["CertificateArn"]


def encrypted() -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key().private_bytes(serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(b"word"))


GOOD = signed(NAMES, issuer=BETWEEN)
STRANGER = authority("Example CA", number=2)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("no PEM", {"Certificate": b"certificate"}, "Certificate is not in PEM"),
    ("a damaged certificate", {"Certificate": GOOD.pem[:200] + GOOD.pem[260:]}, "Certificate is not in PEM"),
    ("two certificates", {"Certificate": GOOD.pem + ROOT.pem}, "Certificate holds 2 certificates"),
    ("a key of another certificate", {"PrivateKey": STRANGER.key_pem}, "not that of the certificate"),
    ("an encrypted key", {"PrivateKey": encrypted()}, "unencrypted"),
    ("no key", {"PrivateKey": GOOD.pem}, "The private key is not one"),
    ("a large key", {"PrivateKey": GOOD.key_pem + b"\n" * 5_120}, "more than 5120 bytes"),
    ("a chain out of order", {"CertificateChain": ROOT.pem + BETWEEN.pem}, "certificate 1 of the chain did not sign"),
    ("a gap in the chain", {"CertificateChain": BETWEEN.pem + STRANGER.pem}, "certificate 2 of the chain did not sign"),
    ("the certificate in its chain", {"CertificateChain": GOOD.pem + GOOD.chain_pem}, "certificate 1 of the chain"),
    ("a long chain", {"CertificateChain": BETWEEN.pem * 11}, "it has at most 10"),
    ("a chain that is none", {"CertificateChain": b"-----BEGIN CERTIFICATE-----"}, "CertificateChain is not in PEM"),
    ("an expired one", signed(NAMES, issuer=ROOT, days=(-9, -1)).members, "has expired"),
    ("one of tomorrow", signed(NAMES, issuer=ROOT, days=(1, 9)).members, "not valid yet"),
    (
        "an extension that nobody knows and everybody has to",
        signed(NAMES, extensions=[UNKNOWN], is_critical=True).members,
        "the critical extension 1.3.6.1.4.1.99999.1",
    ),
    ("a small RSA key", signed(NAMES, kind="RSA_1024").members, "RSA_1024"),
    ("a curve that edges lack", signed(NAMES, kind="EC_secp521r1").members, "EC_secp521r1"),
]


@pytest.mark.parametrize(("change", "named"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_does_not_hold_together_is_refused(
    acm: Any, refusal: Callable[..., tuple[str, str]], change: dict[str, Any], named: str
) -> None:
    code, message = refusal(acm.import_certificate, **GOOD.members | change)

    assert (code, named in message) == ("ValidationException", True), message
    assert acm.list_certificates()["CertificateSummaryList"] == []


def test_a_certificate_that_others_signed_needs_its_chain(acm: Any, refusal: Callable[..., tuple[str, str]]) -> None:
    code, message = refusal(acm.import_certificate, Certificate=GOOD.pem, PrivateKey=GOOD.key_pem)

    assert code == "ValidationException"
    assert message.startswith("Provided certificate is not a valid self signed.")


def test_no_private_key_is_stored_in_clear_or_noted(acm: Any, tmp_path: Path) -> None:
    arn = imported(acm, signed(NAMES))
    imported(acm, signed(NAMES, number=1), CertificateArn=arn)
    acm.describe_certificate(CertificateArn=arn)
    acm.delete_certificate(CertificateArn=arn)

    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    [first, *_] = [json.loads(line) for line in written_audit(tmp_path) if b"ImportCertificate" in line]
    for number in (0, 1):
        lines = signed(NAMES, number=number).key_pem.splitlines()
        assert not any(line in written for line in lines[1:-1])
    assert first["requestParameters"]["privateKey"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert first["responseElements"] == {"certificateArn": arn}


def written_audit(folder: Path) -> list[bytes]:
    [trail] = (folder / "audit").iterdir()
    return trail.read_bytes().splitlines()


def test_a_certificate_imported_again_takes_the_place_of_the_first(acm: Any) -> None:
    arn = imported(acm, signed(NAMES), Tags=[{"Key": "team", "Value": "web"}])
    again = signed(["www.example.com"], issuer=ROOT, number=1)

    assert imported(acm, again, CertificateArn=arn) == arn

    told = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert (told["SubjectAlternativeNames"], told["Issuer"]) == (["www.example.com"], "Example CA")
    assert told["ImportedAt"] >= told["CreatedAt"]
    assert acm.get_certificate(CertificateArn=arn)["Certificate"] == again.pem.decode()
    assert acm.list_tags_for_certificate(CertificateArn=arn)["Tags"] == [{"Key": "team", "Value": "web"}]


@pytest.mark.parametrize(
    ("again", "more"),
    [
        (signed(NAMES, kind="RSA_2048", extensions=[SERVER]), {}),
        (signed(NAMES), {}),
        (signed([], common_name="nobody", extensions=[SERVER]), {}),
        (signed(NAMES, extensions=[SERVER]), {"Tags": [{"Key": "team"}]}),
    ],
    ids=["another kind of key", "fewer usages", "no names", "tags"],
)
def test_what_may_not_change_is_refused(acm: Any, refused: Callable[..., str], again: Signed, more: Any) -> None:
    arn = imported(acm, signed(NAMES, extensions=[SERVER]))

    assert refused(acm.import_certificate, **again.members, **more, CertificateArn=arn) == "ValidationException"


def test_a_certificate_expires(acm: Any, clock: Clock) -> None:
    arn = imported(acm, signed(NAMES, days=(-1, 1 / 1_440)))

    clock.later = timedelta(minutes=2)

    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "EXPIRED"


def test_a_deleted_certificate_is_gone(acm: Any, refused: Callable[..., str]) -> None:
    arn = imported(acm, signed(NAMES))

    acm.delete_certificate(CertificateArn=arn)

    for operation in (acm.describe_certificate, acm.get_certificate, acm.delete_certificate):
        assert refused(operation, CertificateArn=arn) == "ResourceNotFoundException"
    assert refused(acm.import_certificate, **GOOD.members, CertificateArn=arn) == "ResourceNotFoundException"


def test_an_arn_counts_in_every_part(acm: Any, refused: Callable[..., str]) -> None:
    arn = imported(acm, signed(NAMES))

    for other in (arn.replace("us-east-1", "us-west-2"), arn.replace("123456789012", "210987654321"), f"{arn}0"):
        assert refused(acm.describe_certificate, CertificateArn=other) == "ResourceNotFoundException"
    assert refused(acm.describe_certificate, CertificateArn="arn:aws:iam::1:user/ada") == "ValidationException"


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("revoke_certificate", {"RevocationReason": "SUPERSEDED"}),
        ("list_certificate_domain_validations", {}),
    ],
)
def test_what_is_not_served_says_so(
    acm: Any, refusal: Callable[..., tuple[str, str]], operation: str, members: dict[str, Any]
) -> None:
    arn = imported(acm, signed(NAMES))

    code, message = refusal(getattr(acm, operation), CertificateArn=arn, **members)

    assert code == "NotImplemented"
    assert operation.replace("_", "") in message.lower()


def test_what_is_imported_is_what_tls_takes(acm: Any, tmp_path: Path) -> None:
    answer = acm.get_certificate(CertificateArn=imported(acm, GOOD))
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(GOOD.key_pem.decode() + answer["Certificate"] + answer["CertificateChain"])

    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(bundle)
