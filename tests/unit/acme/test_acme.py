"""Orders at a real ACME CA, their names validated by DNS and by HTTP."""

import http.server
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from acme_server import AcmeServer
from authorities import signed
from edgeward.acme.authority import AcmeAuthority
from edgeward.acme.orders import (
    AcmeRefusalError,
    AcmeSettings,
    AcmeUnavailableError,
    DnsChallenge,
    HttpChallenge,
    Order,
)

KEY = signed(["own"]).key_pem.decode()


@pytest.fixture
def ca(acme_server: AcmeServer, tmp_path: Path) -> AcmeAuthority:
    return AcmeAuthority(acme_server.settings, tmp_path)


def publish(acme_server: AcmeServer, order: Order) -> None:
    for challenge in order.challenges:
        assert isinstance(challenge, DnsChallenge)
        acme_server.publish(challenge.record, challenge.value)


def test_a_certificate_for_a_name_and_a_wildcard_is_issued(
    acme_server: AcmeServer, ca: AcmeAuthority, tmp_path: Path
) -> None:
    names = ["www.shop.dev", "*.site.dev"]
    order = ca.begin(names, KEY, "DNS")
    records = {each.record for each in order.challenges if isinstance(each, DnsChallenge)}
    assert records == {"_acme-challenge.www.shop.dev", "_acme-challenge.site.dev"}
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
    order = ca.begin(["denied.shop.dev"], KEY, "DNS")
    acme_server.publish("_acme-challenge.denied.shop.dev", "something else")

    assert not ca.is_published(order)
    with pytest.raises(AcmeRefusalError) as refusal:
        ca.finish(order, ["denied.shop.dev"], KEY)
    assert refusal.value.reason == "DOMAIN_VALIDATION_DENIED"


def test_a_ca_that_cannot_be_reached_may_be_later(tmp_path: Path, acme_server: AcmeServer) -> None:
    away = AcmeSettings(directory_url="https://localhost:1/dir")

    with pytest.raises(AcmeUnavailableError):
        AcmeAuthority(away, tmp_path).begin(["www.shop.dev"], KEY, "DNS")
    untrusted = AcmeSettings(directory_url=acme_server.settings.directory_url)
    with pytest.raises(AcmeUnavailableError):
        AcmeAuthority(untrusted, tmp_path).begin(["www.shop.dev"], KEY, "DNS")


class Site(http.server.ThreadingHTTPServer):
    """A web server for all names, where the CA asks; `answers` are contents by path, or URLs that it redirects to."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.answers: dict[str, str] = {}
        super().__init__(("127.0.0.1", port), Answering)


class Answering(http.server.BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        assert isinstance(self.server, Site)
        answer = self.server.answers.get(self.path)
        is_redirect = answer is not None and answer.startswith("http")
        self.send_response(404 if answer is None else 302 if is_redirect else 200)
        if is_redirect:
            self.send_header("Location", str(answer))
        self.end_headers()
        self.wfile.write((answer or "nothing here").encode())

    def log_message(self, *arguments: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def site(acme_server: AcmeServer) -> Iterator[Site]:
    with Site(acme_server.http_port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("is_redirected", [False, True])
def test_a_name_is_shown_to_be_ours_by_http(
    acme_server: AcmeServer, ca: AcmeAuthority, site: Site, *, is_redirected: bool
) -> None:
    names = [f"{'moved' if is_redirected else 'there'}.shop.dev"]
    order = ca.begin(names, KEY, "HTTP")
    (challenge,) = order.challenges
    assert isinstance(challenge, HttpChallenge)
    assert (challenge.identifier, challenge.answer.partition(".")[0]) == (names[0], challenge.token)
    assert not ca.is_published(order)
    site.answers[challenge.path] = "something else"
    assert not ca.is_published(order)

    site.answers[f"/new{challenge.path}"] = f"{challenge.answer}\n"
    site.answers[challenge.path] = (
        f"http://validation.dev:{acme_server.http_port}/new{challenge.path}" if is_redirected else challenge.answer
    )

    assert ca.is_published(order)
    chain = ca.finish(order, names, KEY)
    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == names


def test_redirects_lead_nowhere_for_ever(acme_server: AcmeServer, ca: AcmeAuthority, site: Site) -> None:
    challenge = HttpChallenge(identifier="loop.dev", token="token", answer="token.key")
    order = Order(url="https://ca/1", challenges=(challenge,))

    for target in (
        f"http://loop.dev:{acme_server.http_port}{challenge.path}",
        "ftp://loop.dev/",
        "http://[",
        "http:///",
    ):
        site.answers[challenge.path] = target
        assert not ca.is_published(order)


def test_a_ca_that_does_not_validate_by_http_is_no_help_there(acme_server: AcmeServer, ca: AcmeAuthority) -> None:
    with pytest.raises(AcmeRefusalError, match="by http-01"):
        ca.begin(["*.shop.dev"], KEY, "HTTP")
