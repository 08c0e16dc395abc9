"""Certificates that a CA issues once DNS shows whose the names are: a real one, and one that does what a test says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from acme_server import AcmeServer
from authorities import authority, signed
from edgeward.acme.authority import AcmeAuthority
from edgeward.acme.orders import AcmeRefusalError, AcmeUnavailableError, DnsChallenge, HttpChallenge, Method, Order
from edgeward.authority import LocalAuthority
from edgeward.aws.access import root
from edgeward.aws.engine import Call, Environment
from edgeward.aws.errors import ApiError
from edgeward.aws.resources import Reference, Resource
from edgeward.aws.wire import WireRequest
from edgeward.services.acm import certificates
from edgeward.services.acm.challenges import Places, challenges_of
from edgeward.services.acm.changing import changing_handlers
from edgeward.services.acm.operations import delete, get
from edgeward.services.acm.requesting import request_certificate
from edgeward.services.acm.validating import Validations
from edgeward.store.database import Store
from edgeward.vault import Vault
from policies import ACCOUNT

NOW = datetime.now(UTC)
NAME = "www.shop.dev"
PLACES = Places(host="validation.cloudfront.localhost")


@dataclass
class ObedientCa:
    """A CA whose next answers are a test's."""

    published: bool = False
    error: Exception | None = None
    names: list[str] = field(default_factory=lambda: [NAME])
    orders: int = 0

    def begin(self, names: Any, key_pem: str, method: Method) -> Order:
        self._raise()
        self.orders += 1
        if method == "HTTP":
            asked = HttpChallenge(identifier=NAME, token=f"token-{self.orders}", answer=f"token-{self.orders}.key")
            return Order(url=f"https://ca/{self.orders}", challenges=(asked,))
        challenge = DnsChallenge(identifier=NAME, record=f"_acme-challenge.{NAME}", value=f"value {self.orders}")
        return Order(url=f"https://ca/{self.orders}", challenges=(challenge,))

    def is_published(self, order: Order) -> bool:
        return self.published

    def finish(self, order: Order, names: Any, key_pem: str) -> str:
        self._raise()
        issuer = authority("Example CA")
        made = signed(self.names, issuer=issuer, key_pem=key_pem)
        return (made.pem + made.chain_pem).decode()

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where certificates are asked for and told of, at any time."""

    environment: Environment
    vault: Vault
    issuer: LocalAuthority
    has_ca: bool = True

    def call(self, now: datetime, **members: Any) -> Call:
        request = WireRequest(method="POST", raw_path="/", raw_query="", headers=(), body=b"")
        return Call(members=members, request=request, now=now, caller=root(ACCOUNT, "AKID"))

    def ask(self, *names: str, **members: Any) -> str:
        """Asks for a certificate; returns its ARN."""
        members = {"DomainName": names[0], "SubjectAlternativeNames": list(names), **members}
        call = self.call(NOW, **{"KeyAlgorithm": "EC_prime256v1", **members})
        answer = request_certificate(self.environment, self.vault, self.issuer, call, has_ca=self.has_ca)
        return str(answer["CertificateArn"])

    def told(self, arn: str, after: timedelta = timedelta()) -> dict[str, Any]:
        """What DescribeCertificate tells."""
        with self.environment.store.read() as transaction:
            found = certificates.find(transaction, arn)
            return certificates.described(transaction, ACCOUNT, found, NOW + after)

    def record(self, arn: str) -> dict[str, str]:
        """The first record that has to be in DNS."""
        found: dict[str, str] = self.told(arn)["DomainValidationOptions"][0]["ResourceRecord"]
        return found


@pytest.fixture
def desk(environment: Environment, vault: Vault, authority: LocalAuthority) -> Desk:
    """Over a store of its own, where there is a CA."""
    return Desk(environment=environment, vault=vault, issuer=authority)


@pytest.fixture
def ca() -> ObedientCa:
    """The CA."""
    return ObedientCa()


@pytest.fixture
def look(environment: Environment, vault: Vault, ca: ObedientCa) -> Callable[..., None]:
    """Looks at what waits for the CA, some time after NOW."""
    validations = Validations(environment=environment, vault=vault, ca=ca, places=PLACES)
    return lambda after=timedelta(): validations.look(NOW + after)


@pytest.fixture
def issued(desk: Desk, ca: ObedientCa, look: Callable[..., None], own_store: Store) -> str:
    """The ARN of a certificate that the CA issued for 90 days, and that a distribution shows."""
    arn = desk.ask(NAME)
    ca.published = True
    look()
    look()
    ca.published = False
    distribution = Resource(family="distribution", id="E1", etag="E", config={}, created=NOW, modified=NOW)
    with own_store.write() as transaction:
        transaction.insert(distribution, [Reference(kind=certificates.FAMILY, target=arn)])
    return arn


def test_a_real_ca_issues_once_dns_has_the_records(desk: Desk, acme_server: AcmeServer, tmp_path: Path) -> None:
    ca = AcmeAuthority(acme_server.settings, tmp_path / "acme")
    validations = Validations(environment=desk.environment, vault=desk.vault, ca=ca, places=PLACES)
    arn = desk.ask("real.shop.dev", "*.real.shop.dev", KeyAlgorithm="RSA_2048")
    waiting = desk.told(arn)
    assert (waiting["Status"], waiting["Type"], waiting["KeyAlgorithm"]) == (
        "PENDING_VALIDATION",
        "AMAZON_ISSUED",
        "RSA_2048",
    )
    assert "ResourceRecord" not in waiting["DomainValidationOptions"][0]

    validations.look(datetime.now(UTC))
    options = desk.told(arn)["DomainValidationOptions"]
    assert {option["ResourceRecord"]["Name"] for option in options} == {"_acme-challenge.real.shop.dev."}
    assert len({option["ResourceRecord"]["Value"] for option in options}) == 2
    validations.look(datetime.now(UTC))
    assert desk.told(arn)["Status"] == "PENDING_VALIDATION"

    for option in options:
        acme_server.publish(option["ResourceRecord"]["Name"], option["ResourceRecord"]["Value"])
    validations.look(datetime.now(UTC))

    told = desk.told(arn)
    assert (told["Status"], told["SubjectAlternativeNames"]) == ("ISSUED", ["real.shop.dev", "*.real.shop.dev"])
    assert "Pebble" in told["Issuer"]
    assert {option["ValidationStatus"] for option in told["DomainValidationOptions"]} == {"SUCCESS"}
    with desk.environment.store.read() as transaction:
        servable = certificates.servable(desk.vault, transaction, arn)
    assert servable is not None
    assert servable.chain_pem.count("BEGIN CERTIFICATE") >= 2


def test_without_a_ca_public_names_are_refused(
    environment: Environment, vault: Vault, authority: LocalAuthority
) -> None:
    desk = Desk(environment=environment, vault=vault, issuer=authority, has_ca=False)

    with pytest.raises(ApiError, match=r"may not sign 'www\.shop\.dev'.*ACME CA"):
        desk.ask(NAME)


def answers(desk: Desk) -> Any:
    """What edges answer to the CA."""
    with desk.environment.store.read() as transaction:
        return challenges_of(transaction)


def test_by_http_the_edges_answer_until_the_certificate_is_issued(
    desk: Desk, ca: ObedientCa, look: Callable[..., None], settled: list[int]
) -> None:
    arn = desk.ask(NAME, ValidationMethod="HTTP")
    assert answers(desk) == {}
    look()

    (option,) = desk.told(arn)["DomainValidationOptions"]
    path = "/.well-known/acme-challenge/token-1"
    assert option == {
        "DomainName": NAME,
        "ValidationDomain": NAME,
        "ValidationStatus": "PENDING_VALIDATION",
        "ValidationMethod": "HTTP",
        "HttpRedirect": {
            "RedirectFrom": f"http://{NAME}{path}",
            "RedirectTo": f"http://validation.cloudfront.localhost{path}",
        },
    }
    answer = {"token-1": "token-1.key"}
    assert answers(desk) == {NAME: answer, "validation.cloudfront.localhost": answer}
    assert len(settled) == 1

    ca.published = True
    look()
    assert desk.told(arn)["Status"] == "ISSUED"
    assert answers(desk) == {}
    assert len(settled) == 2


def test_by_http_one_look_will_do_where_the_name_leads_to_the_edge(
    desk: Desk, ca: ObedientCa, look: Callable[..., None]
) -> None:
    arn = desk.ask(NAME, ValidationMethod="HTTP")
    ca.published = True
    look()

    told = desk.told(arn)
    assert (told["Status"], told["DomainValidationOptions"][0]["ValidationMethod"]) == ("ISSUED", "HTTP")


def test_edges_answer_no_more_for_what_was_refused_or_deleted(
    desk: Desk, ca: ObedientCa, look: Callable[..., None], settled: list[int]
) -> None:
    refused, deleted = desk.ask(NAME, ValidationMethod="HTTP"), desk.ask(NAME, ValidationMethod="HTTP")
    look()
    assert set(answers(desk)[NAME]) == {"token-1", "token-2"}
    delete(desk.environment, desk.call(NOW, CertificateArn=deleted))
    assert len(answers(desk)[NAME]) == 1

    ca.published, ca.error = True, AcmeRefusalError("DOMAIN_VALIDATION_DENIED", "no")
    look()
    assert desk.told(refused)["Status"] == "FAILED"
    assert answers(desk) == {}
    assert len(settled) == 4


def test_names_of_private_use_are_issued_at_once_all_the_same(desk: Desk) -> None:
    assert desk.told(desk.ask("www.example.com"))["Status"] == "ISSUED"


def test_what_is_not_issued_cannot_be_read_or_served(desk: Desk, look: Callable[..., None]) -> None:
    arn = desk.ask(NAME)
    look()

    with pytest.raises(ApiError, match="RequestInProgressException"):
        get(desk.environment, desk.call(NOW, CertificateArn=arn))
    with desk.environment.store.read() as transaction:
        assert certificates.servable(desk.vault, transaction, arn) is None


def test_no_key_lies_in_clear(desk: Desk, issued: str, own_store: Store, tmp_path: Path) -> None:
    with own_store.read() as transaction:
        servable = certificates.servable(desk.vault, transaction, issued)

    assert servable is not None
    written = b"".join(path.read_bytes() for path in tmp_path.glob("own.db*"))
    assert not any(line.encode() in written for line in servable.key_pem.splitlines()[1:-1])


@pytest.mark.parametrize("reason", ["DOMAIN_VALIDATION_DENIED", "CAA_ERROR"])
def test_a_refusal_is_final_and_told(desk: Desk, ca: ObedientCa, look: Callable[..., None], reason: str) -> None:
    arn = desk.ask(NAME)
    look()
    ca.published, ca.error = True, AcmeRefusalError(reason, "no")
    look()

    told = desk.told(arn)
    assert (told["Status"], told["FailureReason"]) == ("FAILED", reason)
    assert told["DomainValidationOptions"][0]["ValidationStatus"] == "FAILED"
    ca.error = None
    look(timedelta(days=2))
    assert (desk.told(arn)["Status"], ca.orders) == ("FAILED", 1)


def test_a_ca_that_is_away_is_asked_again_after_growing_pauses(
    desk: Desk, ca: ObedientCa, look: Callable[..., None]
) -> None:
    arn = desk.ask(NAME)
    ca.error = AcmeUnavailableError("away")
    look()
    ca.error = None

    look(timedelta(seconds=59))
    assert ca.orders == 0
    look(timedelta(seconds=60))
    assert ca.orders == 1
    ca.published, ca.error = True, AcmeUnavailableError("away")
    look(timedelta(seconds=61))
    ca.error = None
    look(timedelta(seconds=61 + 119))
    assert desk.told(arn)["Status"] == "PENDING_VALIDATION"
    look(timedelta(seconds=61 + 120))
    assert (desk.told(arn)["Status"], ca.orders) == ("ISSUED", 1)


def test_a_ca_that_answers_nonsense_holds_up_nobody_else(
    desk: Desk, ca: ObedientCa, look: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    arns = sorted((desk.ask(NAME), desk.ask(NAME)), key=lambda arn: arn.rpartition("/")[2])
    begin, answers = ca.begin, iter(["nonsense", "an order"])

    def begin_second(*given: Any) -> Order:
        if next(answers) == "nonsense":
            raise KeyError("newNonce")
        return begin(*given)

    monkeypatch.setattr(ca, "begin", begin_second)

    look()

    assert ["ResourceRecord" in desk.told(arn)["DomainValidationOptions"][0] for arn in arns] == [False, True]


def test_records_that_never_come_are_not_waited_for_for_ever(desk: Desk, look: Callable[..., None]) -> None:
    arn = desk.ask(NAME)
    look()

    look(timedelta(hours=71))
    assert desk.told(arn)["Status"] == "PENDING_VALIDATION"
    look(timedelta(hours=72))
    assert desk.told(arn)["Status"] == "VALIDATION_TIMED_OUT"


def test_what_the_ca_sends_has_to_be_what_was_asked_for(desk: Desk, ca: ObedientCa, look: Callable[..., None]) -> None:
    arn = desk.ask(NAME)
    ca.published, ca.names = True, ["other.shop.dev"]
    look()
    look()

    assert (desk.told(arn)["Status"], desk.told(arn)["FailureReason"]) == ("FAILED", "OTHER")


def test_a_certificate_of_a_ca_is_renewed_by_new_records(
    desk: Desk, ca: ObedientCa, look: Callable[..., None], settled: list[int], issued: str
) -> None:
    first = desk.told(issued)
    look(timedelta(days=59))
    assert desk.told(issued) == first

    look(timedelta(days=61))
    waiting = desk.told(issued)
    assert waiting["RenewalSummary"]["RenewalStatus"] == "PENDING_VALIDATION"
    assert waiting["RenewalSummary"]["DomainValidationOptions"][0]["ResourceRecord"]["Value"] == "value 2"
    assert (waiting["Status"], waiting["Serial"]) == ("ISSUED", first["Serial"])

    ca.published = True
    look(timedelta(days=61, minutes=1))
    renewed = desk.told(issued)
    assert renewed["Serial"] != first["Serial"]
    assert renewed["RenewalSummary"]["RenewalStatus"] == "SUCCESS"
    assert settled


def test_a_renewal_that_is_refused_is_tried_again(
    desk: Desk, ca: ObedientCa, look: Callable[..., None], issued: str
) -> None:
    look(timedelta(days=61))
    ca.published, ca.error = True, AcmeRefusalError("CAA_ERROR", "no")
    look(timedelta(days=62))
    summary = desk.told(issued)["RenewalSummary"]
    assert (summary["RenewalStatus"], summary["RenewalStatusReason"]) == ("PENDING_AUTO_RENEWAL", "CAA_ERROR")
    assert desk.told(issued)["Status"] == "ISSUED"

    ca.error = None
    look(timedelta(days=62, minutes=1))
    look(timedelta(days=62, minutes=2))
    assert desk.told(issued)["RenewalSummary"]["RenewalStatus"] == "SUCCESS"


@pytest.fixture
def renew_now(desk: Desk) -> Callable[..., Any]:
    """Asks for the renewal of a certificate some time after NOW."""
    handlers = changing_handlers(desk.environment, desk.vault, desk.issuer)
    return lambda arn, after: handlers["RenewCertificate"](desk.call(NOW + after, CertificateArn=arn))


def test_a_renewal_that_is_asked_for_begins_at_the_next_look(
    desk: Desk, ca: ObedientCa, look: Callable[..., None], renew_now: Callable[..., None], issued: str
) -> None:
    first, day = desk.told(issued), timedelta(days=1)
    look(day)
    assert desk.told(issued) == first

    renew_now(issued, day)
    assert desk.told(issued)["RenewalSummary"]["RenewalStatus"] == "PENDING_AUTO_RENEWAL"
    look(day)
    assert desk.told(issued)["RenewalSummary"]["RenewalStatus"] == "PENDING_VALIDATION"
    with pytest.raises(ApiError, match=r"RequestInProgressException.*under way"):
        renew_now(issued, day)

    ca.published = True
    look(day)
    renewed = desk.told(issued)
    assert renewed["RenewalSummary"]["RenewalStatus"] == "SUCCESS"
    assert renewed["Serial"] != first["Serial"]
    look(2 * day)
    assert desk.told(issued) == renewed


def test_what_is_not_issued_yet_cannot_be_renewed(desk: Desk, renew_now: Callable[..., None]) -> None:
    with pytest.raises(ApiError, match="RequestInProgressException"):
        renew_now(desk.ask(NAME), timedelta())


def test_another_method_means_another_order(desk: Desk, ca: ObedientCa, look: Callable[..., None]) -> None:
    arn = desk.ask(NAME)
    look()
    handlers = changing_handlers(desk.environment, desk.vault, desk.issuer)

    call = desk.call(NOW, CertificateArn=arn, Options={"ValidationMethod": "HTTP"})
    handlers["UpdateCertificateOptions"](call)
    look()

    (option,) = desk.told(arn)["DomainValidationOptions"]
    assert (option["ValidationMethod"], "HttpRedirect" in option, ca.orders) == ("HTTP", True, 2)
