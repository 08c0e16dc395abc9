"""Trust stores: their bundles are fetched, and a change of one reaches the edges."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from edgeward.scenario.viewer_certificates import authority_pem

BUNDLE = {"CaCertificatesBundleS3Location": {"Bucket": "ca", "Key": "bundle.pem", "Region": "us-east-1"}}
ONE, TWO = authority_pem("clients"), authority_pem("clients") + authority_pem("strangers")


@pytest.fixture(autouse=True)
def stored(buckets: Any) -> dict[tuple[str, str], bytes]:
    """Objects of the S3 server."""
    buckets.objects[("ca", "bundle.pem")] = ONE.encode()
    objects: dict[tuple[str, str], bytes] = buckets.objects
    return objects


@pytest.fixture
def store(cloudfront: Any) -> Any:
    return cloudfront.create_trust_store(Name="viewers", CaCertificatesBundleSource=BUNDLE)


@pytest.fixture
def asking(config: dict[str, Any], store: Any) -> dict[str, Any]:
    """A distribution that asks its viewers for certificates of the store."""
    config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] = "https-only"
    trust = {"TrustStoreId": store["TrustStore"]["Id"], "AdvertiseTrustStoreCaNames": True}
    return config | {"ViewerMtlsConfig": {"Mode": "required", "TrustStoreConfig": trust}}


def live(edge: Any, id: str) -> Any:
    """What the edge was told last that viewers of the distribution are asked for."""
    return json.loads(edge.plans[-1])["distributions"][id]["viewer_mtls"]


def test_a_store_is_active_once_its_bundle_is_fetched(cloudfront: Any, store: Any) -> None:
    for found in (store, cloudfront.get_trust_store(Identifier="viewers")):
        described = found["TrustStore"]
        assert (described["Status"], described["NumberOfCaCertificates"]) == ("active", 1)
        assert "Reason" not in described
    (summary,) = cloudfront.list_trust_stores()["TrustStoreList"]
    assert (summary["Status"], summary["NumberOfCaCertificates"], summary["ETag"]) == ("active", 1, store["ETag"])


@pytest.mark.parametrize(
    ("content", "named"),
    [(None, "cannot be fetched: there is no such object"), (b"nonsense", "line 1"), (b"#" * 70_000, "at most 65536")],
)
def test_a_bundle_that_cannot_be_taken_makes_no_store(
    cloudfront: Any, stored: dict[tuple[str, str], bytes], content: bytes | None, named: str
) -> None:
    stored.pop(("ca", "bundle.pem"))
    if content is not None:
        stored["ca", "bundle.pem"] = content

    with pytest.raises(cloudfront.exceptions.InvalidArgument, match=named):
        cloudfront.create_trust_store(Name="viewers", CaCertificatesBundleSource=BUNDLE)

    assert not cloudfront.list_trust_stores()["TrustStoreList"]


def test_asking_about_revocation_is_refused_by_name(cloudfront: Any, store: Any) -> None:
    create = {"Name": "other", "CaCertificatesBundleSource": BUNDLE, "UseClientCertificateOCSPEndpoint": True}
    with pytest.raises(cloudfront.exceptions.InvalidArgument, match="UseClientCertificateOCSPEndpoint"):
        cloudfront.create_trust_store(**create)


def test_an_update_goes_live_and_what_cannot_be_taken_changes_nothing(
    cloudfront: Any, store: Any, asking: Any, edge: Any, stored: dict[tuple[str, str], bytes]
) -> None:
    user = cloudfront.create_distribution(DistributionConfig=asking)["Distribution"]["Id"]
    told = {"authorities_pem": ONE, "advertise_names": True, "ignore_expiry": False}
    assert live(edge, user) == {"mode": "required", "trust_store": told}
    change = {"Id": store["TrustStore"]["Id"], "CaCertificatesBundleSource": BUNDLE}

    stored["ca", "bundle.pem"] = b"nonsense"
    with pytest.raises(cloudfront.exceptions.InvalidArgument):
        cloudfront.update_trust_store(**change, IfMatch=store["ETag"])
    assert cloudfront.get_trust_store(Identifier="viewers")["ETag"] == store["ETag"]

    stored["ca", "bundle.pem"] = TWO.encode()
    updated = cloudfront.update_trust_store(**change, IfMatch=store["ETag"])
    assert updated["TrustStore"]["NumberOfCaCertificates"] == 2
    assert updated["ETag"] != store["ETag"]
    assert live(edge, user)["trust_store"]["authorities_pem"] == TWO
    with pytest.raises(cloudfront.exceptions.PreconditionFailed):
        cloudfront.update_trust_store(**change, IfMatch=store["ETag"])


def test_a_store_in_use_is_found_and_kept(
    cloudfront: Any, store: Any, asking: Any, edge: Any, refused: Callable[..., str]
) -> None:
    made = cloudfront.create_distribution(DistributionConfig=asking)
    user, delete = made["Distribution"]["Id"], {"Id": store["TrustStore"]["Id"], "IfMatch": store["ETag"]}

    found = cloudfront.list_distributions_by_trust_store(TrustStoreIdentifier="viewers")["DistributionList"]
    assert [item["Id"] for item in found["Items"]] == [user]
    assert found["Items"][0]["ViewerMtlsConfig"] == made["Distribution"]["DistributionConfig"]["ViewerMtlsConfig"]
    assert refused(cloudfront.delete_trust_store, **delete) == "CannotDeleteEntityWhileInUse"

    without = {member: value for member, value in asking.items() if member != "ViewerMtlsConfig"}
    cloudfront.update_distribution(Id=user, IfMatch=made["ETag"], DistributionConfig=without)
    assert live(edge, user) is None
    cloudfront.delete_trust_store(**delete)
    assert refused(cloudfront.get_trust_store, Identifier="viewers") == "EntityNotFound"
