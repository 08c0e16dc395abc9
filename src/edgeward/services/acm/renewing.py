"""Managed renewal: a certificate that was issued, and that a distribution shows, is issued anew before it expires.

What came of the last attempt stands in the certificate's RenewalSummary; one that failed is made again after a while
that doubles. The ARN stays, the key is a new one. Rules: User Guide, "Managed certificate renewal". Called by the
control plane that publishes, so that no two do it at once.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from edgeward.authority import AuthorityError
from edgeward.aws.engine import Environment
from edgeward.aws.listing import every
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource
from edgeward.services.acm import certificates
from edgeward.services.acm.certificates import FAMILY, Type
from edgeward.services.acm.issuing import Issuer, issue
from edgeward.services.acm.operations import put_in_place, settle
from edgeward.vault import Vault

logger = logging.getLogger(__name__)


class Renewals:
    """Renews what is due, for as long as it runs."""

    def __init__(self, environment: Environment, vault: Vault, issuer: Issuer, clock: Callable[[], datetime]) -> None:
        self._environment = environment
        self._vault = vault
        self._issuer = issuer
        self._clock = clock
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="renewals", daemon=True)

    def start(self) -> None:
        """Looks for the first time at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the certificate that is being renewed."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        is_running = True
        while is_running:
            try:
                renew_due(self._environment, self._vault, self._issuer, self._clock())
            except Exception:
                # The database may be away; nobody waits for this, and the next look comes.
                logger.exception("certificates could not be renewed; there is another look in %s", LOOK_EVERY)
            is_running = not self._end.wait(LOOK_EVERY.total_seconds())


def renew_due(environment: Environment, vault: Vault, issuer: Issuer, now: datetime) -> None:
    """Renews every certificate that is due; returns when the edges have them."""
    with environment.store.read() as transaction:
        found = [each for each in every(transaction, FAMILY) if is_due(each, now)]
        due = [each for each in found if transaction.referrers(FAMILY, each.config["Arn"])]
    for certificate in due:
        _renew(environment, vault, issuer, certificate, now)


def is_due(certificate: Resource, now: datetime) -> bool:
    """Whether it is time to renew a certificate, by its age and by how the last attempts went. Pure."""
    if certificate.config["Type"] != Type.ISSUED:
        return False
    known = certificates.facts(certificate)
    ahead = min(RENEWED_AHEAD, (known.not_after - known.not_before) / 3)
    return known.not_after - now <= ahead and now >= _next_attempt(certificate.config.get("Renewal"))


def _next_attempt(last: Shape | None) -> datetime:
    failures: int = last["Failures"] if last is not None else 0
    if last is None or failures == 0:
        return datetime.min.replace(tzinfo=UTC)
    doublings = min(failures - 1, MOST_DOUBLINGS)
    pause = min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)
    return datetime.fromisoformat(last["UpdatedAt"]) + pause


def _renew(environment: Environment, vault: Vault, issuer: Issuer, certificate: Resource, now: datetime) -> None:
    names = certificates.names(certificate)
    try:
        material = issue(issuer, names, certificate.config["KeyAlgorithm"])
    except AuthorityError as error:
        logger.warning("certificate %s could not be renewed: %s", certificate.config["Arn"], error)
        is_covered = all(issuer.covers(name) for name in names)
        notes = _failure(certificate, now, "OTHER" if is_covered else "DOMAIN_NOT_ALLOWED")
        _replace(environment, certificate, certificates.noted(environment, certificate, notes))
        return
    renewed = certificates.renewed(environment, vault, now, certificate, material)
    _replace(environment, certificate, certificates.noted(environment, renewed, _success(now)))


def _replace(environment: Environment, before: Resource, after: Resource) -> None:
    """Puts a version in place of another, unless that has changed or gone meanwhile: then the next look will see."""
    with environment.store.write() as transaction:
        current = transaction.find(FAMILY, before.id)
        if current is None or current.etag != before.etag:
            return
        put_in_place(transaction, after)
    settle(environment, transaction)


def _success(now: datetime) -> Shape:
    return {"Renewal": {"Status": "SUCCESS", "UpdatedAt": now.isoformat(), "Failures": 0}}


def _failure(certificate: Resource, now: datetime, reason: str) -> Shape:
    """ACM calls a renewal failed once the certificate has expired; until then it is pending."""
    is_over = now >= certificates.facts(certificate).not_after
    return {
        "Renewal": {
            "Status": "FAILED" if is_over else "PENDING_AUTO_RENEWAL",
            "Reason": reason,
            "UpdatedAt": now.isoformat(),
            "Failures": certificate.config.get("Renewal", {}).get("Failures", 0) + 1,
        }
    }


RENEWED_AHEAD = timedelta(days=60)
"""Before a certificate expires, or a third of its life where that is less."""
FIRST_PAUSE = timedelta(hours=1)
MOST_DOUBLINGS = 5
LONGEST_PAUSE = timedelta(days=1)
LOOK_EVERY = timedelta(hours=1)
STOP_SECONDS = 5.0
