"""Certificates that are issued anew before they expire, by a clock that the tests move."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edgeward.authority import LocalAuthority
from edgeward.aws.engine import Environment
from edgeward.aws.resources import Reference, Resource
from edgeward.control_plane import ControlPlane
from edgeward.services.acm import certificates
from edgeward.services.acm.renewing import is_due, renew_due
from edgeward.store.database import Store
from edgeward.vault import Vault
from unit.services.conftest import Clock, ObedientEdge

START = datetime(2026, 11, 25, tzinfo=UTC)
LIFE = timedelta(days=397)


@dataclass
class Time:
    """A clock that stands."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    """The clock of the authority and of the renewals."""
    return Time()


@pytest.fixture
def authority(tmp_path: Path, time: Time) -> LocalAuthority:
    """An authority that lives by the tests' clock."""
    return LocalAuthority(tmp_path / "ca", time)


@pytest.fixture
def arn(request_at: Callable[..., str]) -> str:
    """Of a certificate issued at START."""
    return request_at(START, DomainName="www.example.com", KeyAlgorithm="EC_prime256v1")


@pytest.fixture
def shown(environment: Environment, arn: str) -> str:
    """The same, shown by a distribution."""
    distribution = Resource(family="distribution", id="E1", etag="E", config={}, created=START, modified=START)
    with environment.store.write() as transaction:
        transaction.insert(distribution, [Reference(kind=certificates.FAMILY, target=arn)])
    return arn


@pytest.fixture
def renew(environment: Environment, vault: Vault, authority: LocalAuthority, time: Time) -> Callable[[timedelta], None]:
    """Looks for what is due some time after START."""

    def renew(after: timedelta) -> None:
        time.now = START + after
        renew_due(environment, vault, authority, time.now)

    return renew


@pytest.fixture
def told(environment: Environment, time: Time) -> Callable[[str], dict[str, Any]]:
    """Gives what DescribeCertificate tells."""

    def told(arn: str) -> dict[str, Any]:
        with environment.store.read() as transaction:
            found = certificates.find(transaction, arn)
            return certificates.described(transaction, environment.account_id, found, time.now)

    return told


def test_a_certificate_is_renewed_sixty_days_ahead(
    shown: str, renew: Callable[..., None], told: Callable[..., Any]
) -> None:
    first = told(shown)
    renew(LIFE - timedelta(days=61))
    assert told(shown) == first

    renew(LIFE - timedelta(days=59))

    second = told(shown)
    assert second["Serial"] != first["Serial"]
    assert second["NotAfter"] > first["NotAfter"]
    assert second["RenewalSummary"]["RenewalStatus"] == "SUCCESS"
    assert second["RenewalSummary"]["DomainValidationOptions"] == second["DomainValidationOptions"]
    assert (second["CertificateArn"], second["CreatedAt"]) == (shown, first["CreatedAt"])
    renew(LIFE - timedelta(days=58))
    assert told(shown) == second


def test_the_edges_have_what_was_renewed(
    own_store: Store, vault: Vault, settled: list[int], shown: str, renew: Callable[..., None]
) -> None:
    renew(LIFE - timedelta(days=59))

    with own_store.read() as transaction:
        assert [(each.family, each.id, each.position) for each in transaction.pending()] == [
            ("distribution", "E1", settled[0])
        ]
        assert certificates.servable(vault, transaction, shown) is not None


def test_what_nobody_shows_is_not_renewed(arn: str, renew: Callable[..., None], told: Callable[..., Any]) -> None:
    first = told(arn)

    renew(LIFE - timedelta(days=1))

    assert told(arn)["Serial"] == first["Serial"]


def test_a_renewal_that_fails_is_told_and_made_again_later(
    monkeypatch: pytest.MonkeyPatch, shown: str, renew: Callable[..., None], told: Callable[..., Any]
) -> None:
    first = told(shown)
    with monkeypatch.context() as without:
        without.setattr(LocalAuthority, "covers", lambda *_: False)
        renew(LIFE - timedelta(days=30))
        summary = told(shown)["RenewalSummary"]
        assert (summary["RenewalStatus"], summary["RenewalStatusReason"]) == (
            "PENDING_AUTO_RENEWAL",
            "DOMAIN_NOT_ALLOWED",
        )
        renew(LIFE - timedelta(days=30) + timedelta(minutes=59))
        assert told(shown)["RenewalSummary"] == summary
        renew(LIFE - timedelta(days=30) + timedelta(minutes=61))
        assert told(shown)["RenewalSummary"]["UpdatedAt"] > summary["UpdatedAt"]
        renew(LIFE + timedelta(days=1))
        assert told(shown)["RenewalSummary"]["RenewalStatus"] == "FAILED"
        assert told(shown)["Status"] == "EXPIRED"
        assert told(shown)["Serial"] == first["Serial"]

    renew(LIFE + timedelta(days=3))

    assert told(shown)["Status"] == "ISSUED"
    assert told(shown)["RenewalSummary"]["RenewalStatus"] == "SUCCESS"


def test_pauses_double_up_to_a_day(environment: Environment, shown: str) -> None:
    with environment.store.read() as transaction:
        certificate = certificates.find(transaction, shown)
    moment = START + LIFE - timedelta(days=10)

    def is_due_after(pause: timedelta, failures: int) -> bool:
        notes = {"Renewal": {"Failures": failures, "UpdatedAt": moment.isoformat()}}
        return is_due(certificates.noted(environment, certificate, notes), moment + pause)

    for failures, hours in ((1, 1), (2, 2), (3, 4), (5, 16), (6, 24), (60, 24)):
        assert not is_due_after(timedelta(hours=hours) - timedelta(seconds=1), failures)
        assert is_due_after(timedelta(hours=hours), failures)


def test_one_that_changed_meanwhile_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, own_store: Store, authority: LocalAuthority, shown: str, renew: Callable[..., None]
) -> None:
    """Between the look and the signature, somebody else changes it."""
    sign = authority.sign

    def sign_late(*arguments: Any) -> str:
        with own_store.write() as transaction:
            transaction.update(replace(certificates.find(transaction, shown), etag="CHANGED"), ())
        return sign(*arguments)

    monkeypatch.setattr(authority, "sign", sign_late)
    renew(LIFE - timedelta(days=10))

    with own_store.read() as transaction:
        assert certificates.find(transaction, shown).etag == "CHANGED"


def test_the_control_plane_renews_at_its_start(
    build_control_plane: Callable[..., ControlPlane],
    connect: Callable[..., Any],
    clock: Clock,
    time: Time,
    config: dict[str, Any],
) -> None:
    time.now = datetime.now(UTC)
    plane = build_control_plane()
    plane.start()
    arn = connect(plane, service="acm").request_certificate(DomainName="www.example.com")["CertificateArn"]
    certificate = {"ACMCertificateArn": arn, "SSLSupportMethod": "sni-only"}
    made = connect(plane).create_distribution(DistributionConfig=config | {"ViewerCertificate": certificate})
    plane.stop()
    edge = ObedientEdge()
    again = build_control_plane(edge)

    clock.later = LIFE - timedelta(days=30)
    again.start()
    again.stop()

    first, *_, last = (json.loads(plan)["distributions"][made["Distribution"]["Id"]] for plan in edge.plans)
    assert first["certificate"] != last["certificate"]
