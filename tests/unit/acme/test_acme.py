"""Orders at a real ACME CA, their names validated by DNS."""

import stat
from pathlib import Path

import pytest
from cryptography import x509

from acme_server import AcmeServer
from authorities import signed
from edgeward.acme.authority import AcmeAuthority
from edgeward.acme.orders import AcmeRefusalError, AcmeSettings, AcmeUnavailableError, Order

KEY = signed(["own"]).key_pem.decode()


@pytest.fixture
def ca(acme_server: AcmeServer, tmp_path: Path) -> AcmeAuthority:
    return AcmeAuthority(acme_server.settings, tmp_path)


def publish(acme_server: AcmeServer, order: Order) -> None:
    for challenge in order.challenges:
        acme_server.publish(challenge.record, challenge.value)


def test_a_certificate_for_a_name_and_a_wildcard_is_issued(
    acme_server: AcmeServer, ca: AcmeAuthority, tmp_path: Path
) -> None:
    names = ["www.shop.dev", "*.site.dev"]
    order = ca.begin(names, KEY)
    assert {each.record for each in order.challenges} == {"_acme-challenge.www.shop.dev", "_acme-challenge.site.dev"}
    assert not ca.is_published(order)

    publish(acme_server, order)

    assert ca.is_published(order)
    # As after a restart: the account is found again, and the order by its URL.
    chain = AcmeAuthority(acme_server.settings, tmp_path).finish(order, names, KEY)
    leaf, *issuers = x509.load_pem_x509_certificates(chain.encode())
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(found.get_values_for_type(x509.DNSName)) == sorted(names)
    leaf.verify_directly_issued_by(issuers[0])
    [account] = tmp_path.iterdir()
    assert stat.S_IMODE(account.stat().st_mode) == 0o600


def test_a_name_that_is_not_shown_to_be_ours_is_refused(acme_server: AcmeServer, ca: AcmeAuthority) -> None:
    order = ca.begin(["denied.shop.dev"], KEY)
    acme_server.publish("_acme-challenge.denied.shop.dev", "something else")

    assert not ca.is_published(order)
    with pytest.raises(AcmeRefusalError) as refusal:
        ca.finish(order, ["denied.shop.dev"], KEY)
    assert refusal.value.reason == "DOMAIN_VALIDATION_DENIED"


def test_a_ca_that_cannot_be_reached_may_be_later(tmp_path: Path, acme_server: AcmeServer) -> None:
    away = AcmeSettings(directory_url="https://localhost:1/dir")

    with pytest.raises(AcmeUnavailableError):
        AcmeAuthority(away, tmp_path).begin(["www.shop.dev"], KEY)
    untrusted = AcmeSettings(directory_url=acme_server.settings.directory_url)
    with pytest.raises(AcmeUnavailableError):
        AcmeAuthority(untrusted, tmp_path).begin(["www.shop.dev"], KEY)
