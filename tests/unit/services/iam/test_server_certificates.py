"""Server certificates: kept by IAM, shown by distributions."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from authorities import authority, signed
from policies import ACCOUNT, allow
from unit.services.conftest import ObedientEdge
from unit.services.iam.conftest import Account

ROOT = authority()
WEB, OTHER = (signed(["www.example.com"], issuer=ROOT, number=number) for number in (1, 2))
Refusal = Callable[..., tuple[str, str]]


def members(name: str = "web", path: str = "/cloudfront/", **changes: Any) -> dict[str, Any]:
    """An upload."""
    return {
        "ServerCertificateName": name,
        "Path": path,
        "CertificateBody": WEB.pem.decode(),
        "CertificateChain": WEB.chain_pem.decode(),
        "PrivateKey": WEB.key_pem.decode(),
        **changes,
    }


def naming(config: dict[str, Any], id: str, alias: str = "www.example.com") -> dict[str, Any]:
    """A DistributionConfig that shows a certificate of IAM's."""
    certificate = {"IAMCertificateId": id, "SSLSupportMethod": "sni-only"}
    return config | {"Aliases": {"Quantity": 1, "Items": [alias]}, "ViewerCertificate": certificate}


def test_a_certificate_is_kept_renamed_and_deleted(iam: Any, refusal: Refusal) -> None:
    made = iam.upload_server_certificate(**members(), Tags=[{"Key": "team", "Value": "web"}])
    metadata = made["ServerCertificateMetadata"]
    assert metadata["Arn"] == f"arn:aws:iam::{ACCOUNT}:server-certificate/cloudfront/web"
    assert metadata["ServerCertificateId"].startswith("ASCA")
    found = iam.get_server_certificate(ServerCertificateName="web")["ServerCertificate"]
    assert (found["ServerCertificateMetadata"], found["CertificateBody"]) == (metadata, WEB.pem.decode())
    assert WEB.key_pem.decode().splitlines()[1] not in str(found)
    assert refusal(iam.upload_server_certificate, **members("WEB"))[0] == "EntityAlreadyExists"

    iam.update_server_certificate(ServerCertificateName="web", NewServerCertificateName="new", NewPath="/other/")
    (listed,) = iam.list_server_certificates(PathPrefix="/other/")["ServerCertificateMetadataList"]
    assert (listed["ServerCertificateName"], listed["ServerCertificateId"]) == ("new", metadata["ServerCertificateId"])
    iam.tag_server_certificate(ServerCertificateName="new", Tags=[{"Key": "stage", "Value": "test"}])
    iam.untag_server_certificate(ServerCertificateName="new", TagKeys=["team"])
    assert iam.list_server_certificate_tags(ServerCertificateName="new")["Tags"] == [{"Key": "stage", "Value": "test"}]

    iam.delete_server_certificate(ServerCertificateName="new")
    assert refusal(iam.get_server_certificate, ServerCertificateName="new")[0] == "NoSuchEntity"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"PrivateKey": OTHER.key_pem.decode()}, "KeyPairMismatch"),
        ({"CertificateBody": "nonsense"}, "MalformedCertificate"),
        ({"CertificateChain": OTHER.pem.decode()}, "MalformedCertificate"),
    ],
)
def test_what_does_not_hold_together_is_refused(iam: Any, refusal: Refusal, changes: Any, code: str) -> None:
    assert refusal(iam.upload_server_certificate, **members(**changes))[0] == code


def test_a_distribution_shows_one_and_holds_it(
    iam: Any, cloudfront: Any, edge: ObedientEdge, config: dict[str, Any], refusal: Refusal
) -> None:
    named = iam.upload_server_certificate(**members())["ServerCertificateMetadata"]["ServerCertificateId"]
    made = cloudfront.create_distribution(DistributionConfig=naming(config, named))["Distribution"]

    shown = json.loads(edge.plans[-1])["distributions"][made["Id"]]["certificate"]
    chain = (WEB.pem + WEB.chain_pem).decode()
    assert shown == {"chain_pem": chain, "key_pem": WEB.key_pem.decode()}
    code, message = refusal(iam.delete_server_certificate, ServerCertificateName="web")
    assert (code, made["Id"] in message) == ("DeleteConflict", True)


def test_what_cloudfront_cannot_show_is_refused(
    iam: Any, cloudfront: Any, config: dict[str, Any], refusal: Refusal
) -> None:
    elsewhere = iam.upload_server_certificate(**members("a", "/"))["ServerCertificateMetadata"]["ServerCertificateId"]
    there = iam.upload_server_certificate(**members("b"))["ServerCertificateMetadata"]["ServerCertificateId"]

    for named, words in (
        (naming(config, elsewhere), "begins /cloudfront/"),
        (naming(config, there, "example.com"), "not for the alias"),
        (naming(config, "ASCAMISSING"), "there is no certificate"),
    ):
        code, message = refusal(cloudfront.create_distribution, DistributionConfig=named)
        assert (code, words in message) == ("InvalidViewerCertificate", True)


def test_moving_one_needs_both_places(iam: Any, account: Account, refusal: Refusal) -> None:
    iam.upload_server_certificate(**members())
    place = f"arn:aws:iam::{ACCOUNT}:server-certificate/cloudfront"
    client = account.add_user("ada", allow("iam:*ServerCertificate*", f"{place}/*")).client("iam")

    client.update_server_certificate(ServerCertificateName="web", NewServerCertificateName="new")
    code, _ = refusal(client.update_server_certificate, ServerCertificateName="new", NewPath="/other/")
    assert code == "AccessDenied"
