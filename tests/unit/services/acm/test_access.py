"""What users may do with certificates, by policies; and which service answers on the path `/`."""

from collections.abc import Callable
from typing import Any

import pytest

from authorities import signed
from edgeward.control_plane import ControlPlane
from policies import ACCOUNT, allow, deny

Refusal = Callable[..., tuple[str, str]]
ALL = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/*"
CERTIFICATE = signed(["www.example.com"])


def test_a_policy_is_about_the_arn_of_a_certificate(acm: Any, as_user: Callable[..., Any], refusal: Refusal) -> None:
    one, other = (acm.import_certificate(**CERTIFICATE.members)["CertificateArn"] for _ in range(2))
    client = as_user(allow("acm:DescribeCertificate", one))

    assert client.describe_certificate(CertificateArn=one)["Certificate"]["CertificateArn"] == one
    for operation, members in (
        (client.describe_certificate, {"CertificateArn": other}),
        (client.delete_certificate, {"CertificateArn": one}),
        (client.import_certificate, CERTIFICATE.members),
        (client.import_certificate, {**CERTIFICATE.members, "CertificateArn": one}),
        (client.list_certificates, {}),
    ):
        assert refusal(operation, **members)[0] == "AccessDeniedException"


def test_importing_is_about_all_certificates_of_the_region(as_user: Callable[..., Any], refusal: Refusal) -> None:
    client = as_user(allow("acm:ImportCertificate", ALL))

    arn = client.import_certificate(**CERTIFICATE.members)["CertificateArn"]

    assert client.import_certificate(**CERTIFICATE.members, CertificateArn=arn)["CertificateArn"] == arn
    code, message = refusal(client.describe_certificate, CertificateArn=arn)
    assert code == "AccessDeniedException"
    assert f":user/ada is not authorized to perform: acm:DescribeCertificate on resource: {arn} " in message


def test_tags_count_those_there_and_those_to_come(acm: Any, as_user: Callable[..., Any], refusal: Refusal) -> None:
    web, api = (
        acm.import_certificate(**CERTIFICATE.members, Tags=[{"Key": "team", "Value": team}])["CertificateArn"]
        for team in ("web", "api")
    )
    client = as_user(
        allow("acm:*", StringEquals={"aws:ResourceTag/team": "web"}),
        deny("acm:AddTagsToCertificate", StringEquals={"aws:RequestTag/team": "api"}),
        deny("acm:RemoveTagsFromCertificate") | {"Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}},
    )

    assert client.get_certificate(CertificateArn=web)["Certificate"]
    assert refusal(client.get_certificate, CertificateArn=api)[0] == "AccessDeniedException"
    client.add_tags_to_certificate(CertificateArn=web, Tags=[{"Key": "stage"}])
    for operation, value in ((client.add_tags_to_certificate, "api"), (client.remove_tags_from_certificate, "web")):
        members = {"CertificateArn": web, "Tags": [{"Key": "team", "Value": value}]}
        assert refusal(operation, **members)[0] == "AccessDeniedException"


def test_who_is_unknown_is_told_so_in_json(
    control_plane: ControlPlane, connect: Callable[..., Any], refusal: Refusal
) -> None:
    nobody = connect(control_plane, "AKIDNOBODY", service="acm")
    forger = connect(control_plane, secret_key="wrong", service="acm")

    assert refusal(nobody.list_certificates)[0] == "UnrecognizedClientException"
    assert refusal(forger.list_certificates)[0] == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("target", "words"),
    [("CertificateManager.Nothing", b"UnknownOperationException"), ("DynamoDB_20120810.ListTables", b"Unknown")],
)
def test_a_target_of_nobody_is_refused_in_json(
    target: str, words: bytes, ask: Callable[[dict[str, str]], tuple[int, bytes]]
) -> None:
    status, body = ask({"x-amz-target": target})

    assert (status, body.startswith(b'{"__type": "' + words)) == (404, True)


def test_without_a_target_the_query_services_answer(ask: Callable[[dict[str, str]], tuple[int, bytes]]) -> None:
    status, body = ask({})

    assert (status, b"InvalidAction" in body) == (400, True)
