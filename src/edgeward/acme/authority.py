"""Certificates for public names by an ACME CA (RFC 8555), their names validated by DNS or by HTTP (section 8).

One account for each directory, its key a file of mode 0600, made at first use. What is known of an order between two
calls is an `Order`, which the caller keeps: the CA may take days, and a process may end. Needs the packages of the
extra `acme`. Used by one thread at a time; knows no certificate of ACM's.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import requests
from acme import challenges, errors, messages
from acme.client import ClientNetwork, ClientV2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from josepy.errors import Error as JoseError
from josepy.jwa import ES256
from josepy.jwk import JWK, JWKEC

from edgeward.acme.orders import (
    AcmeRefusalError,
    AcmeSettings,
    AcmeUnavailableError,
    DnsChallenge,
    HttpChallenge,
    Method,
    Order,
)
from edgeward.acme.proofs import TIMEOUT_SECONDS, Proofs


class AcmeAuthority:
    """The CA of `settings`, by the account whose key is in `directory`."""

    def __init__(self, settings: AcmeSettings, directory: Path) -> None:
        self._settings = settings
        self._directory = directory
        self._client: ClientV2 | None = None
        self._proofs = Proofs(settings)

    def begin(self, names: Sequence[str], key_pem: str, method: Method) -> Order:
        """Asks for a certificate for names and a key. Raises `AcmeRefusalError` or `AcmeUnavailableError`."""
        with _explained():
            client, key = self._connected()
            order = client.new_order(_signing_request(names, key_pem))
            pending = [each for each in order.authorizations if each.body.status == messages.STATUS_PENDING]
            if method == "HTTP":
                return Order(url=str(order.uri), challenges=tuple(_http_challenge(each, key) for each in pending))
            return Order(url=str(order.uri), challenges=tuple(_dns_challenge(each, key) for each in pending))

    def is_published(self, order: Order) -> bool:
        """Whether everything is there that the CA will look for."""
        return all(self._proofs.is_there(each) for each in order.challenges)

    def finish(self, order: Order, names: Sequence[str], key_pem: str) -> str:
        """Has the CA look and issue the certificate; returns its chain, PEM, leaf first.

        Raises `AcmeRefusalError` or `AcmeUnavailableError`.
        """
        with _explained():
            client, key = self._connected()
            found = _order_at(client, order.url, _signing_request(names, key_pem))
            is_http = any(isinstance(each, HttpChallenge) for each in order.challenges)
            for authorization in found.authorizations:
                if authorization.body.status == messages.STATUS_PENDING:
                    body = _body(authorization, challenges.HTTP01 if is_http else challenges.DNS01)
                    client.answer_challenge(body, body.chall.response(key))
            # The library compares with local time.
            deadline = datetime.now() + PATIENCE  # noqa: DTZ005
            validated = client.poll_authorizations(found, deadline)
            return str(client.finalize_order(validated, deadline).fullchain_pem)

    def _connected(self) -> tuple[ClientV2, JWK]:
        key = self._account_key()
        if self._client is None:
            trusted = self._settings.trusted_authorities
            network = ClientNetwork(key, alg=ES256, user_agent="edgeward", timeout=TIMEOUT_SECONDS)
            # The library hands this to `requests`, which takes a file too.
            network.verify_ssl = True if trusted is None else str(trusted)  # type: ignore[assignment]
            client = ClientV2(ClientV2.get_directory(self._settings.directory_url, network), network)
            _register(client, self._settings.email)
            self._client = client
        return self._client, key

    def _account_key(self) -> JWK:
        word = hashlib.sha256(self._settings.directory_url.encode()).hexdigest()[:16]
        path = self._directory / f"account-{word}.pem"
        if not path.exists():
            _write_key(path)
        return JWKEC(key=serialization.load_pem_private_key(path.read_bytes(), password=None))


def _register(client: ClientV2, email: str | None) -> None:
    account = messages.NewRegistration.from_data(email=email, terms_of_service_agreed=True)
    try:
        client.new_account(account)
    except errors.ConflictError as known:
        client.net.account = messages.RegistrationResource(uri=known.location, body=messages.Registration())


def _order_at(client: ClientV2, url: str, request_pem: bytes) -> messages.OrderResource:
    def get(place: str) -> requests.Response:
        return client.net.post(place, None, new_nonce_url=client.directory["newNonce"])

    body = messages.Order.from_json(get(url).json())
    authorizations = [
        messages.AuthorizationResource(body=messages.Authorization.from_json(get(place).json()), uri=place)
        for place in body.authorizations
    ]
    return messages.OrderResource(body=body, uri=url, authorizations=authorizations, csr_pem=request_pem)


def _http_challenge(authorization: messages.AuthorizationResource, key: JWK) -> HttpChallenge:
    challenge = _body(authorization, challenges.HTTP01).chall
    return HttpChallenge(
        identifier=authorization.body.identifier.value,
        token=challenge.encode("token"),
        answer=challenge.validation(key),
    )


def _dns_challenge(authorization: messages.AuthorizationResource, key: JWK) -> DnsChallenge:
    name, challenge = authorization.body.identifier.value, _body(authorization, challenges.DNS01).chall
    return DnsChallenge(
        identifier=f"*.{name}" if authorization.body.wildcard else name,
        record=challenge.validation_domain_name(name),
        value=challenge.validation(key),
    )


def _body(
    authorization: messages.AuthorizationResource, kind: type[challenges.HTTP01 | challenges.DNS01]
) -> messages.ChallengeBody:
    for body in authorization.body.challenges:
        if isinstance(body.chall, kind):
            return body
    raise AcmeRefusalError("OTHER", f"the CA does not validate {authorization.body.identifier.value} by {kind.typ}")


def _signing_request(names: Sequence[str], key_pem: str) -> bytes:
    key = serialization.load_pem_private_key(key_pem.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    request = builder.add_extension(alternatives, critical=False).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


def _write_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    form = serialization.PrivateFormat.PKCS8
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    )
    fresh = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    fresh.replace(path)


@contextmanager
def _explained() -> Iterator[None]:
    """Turns what the library raises into the two errors of this module."""
    try:
        yield
    except errors.ValidationError as error:
        found = [challenge.error for each in error.failed_authzrs for challenge in each.body.challenges]
        codes = {problem.code for problem in found if problem is not None}
        reason = "CAA_ERROR" if "caa" in codes else "DOMAIN_VALIDATION_DENIED"
        raise AcmeRefusalError(reason, str(error)) from error
    except errors.IssuanceError as error:
        raise _refusal(error.error) from error
    except messages.Error as error:
        raise _refusal(error) from error
    except (errors.Error, requests.RequestException, JoseError, ValueError) as error:
        raise AcmeUnavailableError(str(error) or type(error).__name__) from error


def _refusal(error: messages.Error) -> Exception:
    if error.code in TRANSIENT:
        return AcmeUnavailableError(str(error))
    return AcmeRefusalError(REASONS.get(error.code or "", "OTHER"), str(error))


TRANSIENT = frozenset({"badNonce", "orderNotReady", "rateLimited", "serverInternal"})
REASONS = {
    "caa": "CAA_ERROR",
    "rejectedIdentifier": "DOMAIN_NOT_ALLOWED",
    "unsupportedIdentifier": "DOMAIN_NOT_ALLOWED",
    "dns": "DOMAIN_VALIDATION_DENIED",
    "unauthorized": "DOMAIN_VALIDATION_DENIED",
}
"""ACM's words for the problem types of RFC 8555 section 6.7; all others are OTHER."""
PATIENCE = timedelta(seconds=60)
"""How long a CA may take to look at the records and to issue, before it is asked again later."""
