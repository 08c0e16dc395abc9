"""The local CA: what it issues, what it refuses, and what it keeps on disk."""

import ipaddress
import ssl
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from edgeward.authority import AuthorityError, LocalAuthority

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_the_same_ca_comes_back_at_the_second_start(tmp_path: Path) -> None:
    assert LocalAuthority(tmp_path).root_pem == LocalAuthority(tmp_path).root_pem


def test_private_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    LocalAuthority(tmp_path).certificate_for(("a.localhost",))
    secret = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir() if path.name != "ca.pem"}
    assert len(secret) == 2
    assert set(secret.values()) == {0o600}


def test_a_certificate_is_good_for_exactly_the_names_asked_for(tmp_path: Path) -> None:
    certificate = LocalAuthority(tmp_path).certificate_for(("WWW.Example.com", "*.cloudfront.localhost", "127.0.0.1"))
    names = x509.load_pem_x509_certificate(certificate.chain_pem.encode()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert certificate.names == ("*.cloudfront.localhost", "127.0.0.1", "www.example.com")
    assert names.value.get_values_for_type(x509.DNSName) == ["*.cloudfront.localhost", "www.example.com"]
    assert names.value.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]


def test_a_tls_client_that_trusts_the_ca_accepts_its_certificates(tmp_path: Path) -> None:
    authority = LocalAuthority(tmp_path)
    certificate = authority.certificate_for(("*.cloudfront.localhost",))
    handshake(authority, certificate.key_pem + certificate.chain_pem, "d111.cloudfront.localhost", tmp_path)


def test_the_name_constraints_hold_even_for_a_certificate_signed_with_a_stolen_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = LocalAuthority(tmp_path)
    monkeypatch.setattr(LocalAuthority, "covers", lambda *_: True)
    forged = authority.certificate_for(("bank.org",))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(authority, forged.key_pem + forged.chain_pem, "bank.org", tmp_path)


def test_the_stored_certificate_is_used_until_a_third_of_its_life_is_left(tmp_path: Path) -> None:
    first = at(tmp_path, NOW).certificate_for(("a.localhost", "b.localhost"))
    assert at(tmp_path, NOW + timedelta(days=264)).certificate_for(("B.localhost", "a.localhost")) == first
    assert at(tmp_path, NOW + timedelta(days=266)).certificate_for(first.names) != first


def test_a_certificate_of_another_ca_is_not_used(tmp_path: Path) -> None:
    names = ("a.localhost",)
    stale = LocalAuthority(tmp_path).certificate_for(names)
    (tmp_path / "ca-key.pem").unlink()
    assert LocalAuthority(tmp_path).certificate_for(names).chain_pem != stale.chain_pem


@pytest.mark.parametrize("names", [(), ("amazon.com",), ("localhost.evil.org",), ("a.localhost", "10.0.0.1")])
def test_names_outside_the_permitted_domains_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(AuthorityError):
        LocalAuthority(tmp_path).certificate_for(names)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "ca.pem").unlink(),
        lambda folder: (folder / "ca-key.pem").write_text("not a key"),
        lambda folder: (folder / "ca.pem").write_text(LocalAuthority(folder / "other").root_pem),
    ],
    ids=["no certificate", "broken key", "certificate of another key"],
)
def test_a_damaged_ca_is_reported_with_what_to_do(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    LocalAuthority(tmp_path)
    damage(tmp_path)
    with pytest.raises(AuthorityError, match="remove"):
        LocalAuthority(tmp_path)


def test_an_expired_ca_is_reported(tmp_path: Path) -> None:
    at(tmp_path, NOW)
    with pytest.raises(AuthorityError, match="expired"):
        at(tmp_path, NOW + timedelta(days=3651))


def at(directory: Path, now: datetime) -> LocalAuthority:
    return LocalAuthority(directory, clock=lambda: now)


def handshake(authority: LocalAuthority, bundle: str, server_name: str, scratch: Path) -> None:
    """A TLS handshake in memory, with Python's own verification. Raises what the client raises."""
    (scratch / "bundle").write_text(bundle)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(scratch / "bundle")
    client_context = ssl.create_default_context(cadata=authority.root_pem)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=server_name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
