"""Managed renewal: a certificate that was issued, and that a distribution shows, is issued anew before it expires.

What came of the last attempt stands in the certificate's RenewalSummary; one that failed is made again after a while
that doubles. The ARN stays, the key is a new one. Rules: User Guide, "Managed certificate renewal". Called by the
control plane that publishes, so that no two do it at once.
"""

import logging
from datetime import datetime, timedelta

from edgeward.authority import AuthorityError
from edgeward.aws.engine import Environment
from edgeward.aws.listing import every
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource
from edgeward.periodic import Backoff
from edgeward.services.acm import certificates
from edgeward.services.acm.attempts import next_attempt
from edgeward.services.acm.certificates import FAMILY, Type
from edgeward.services.acm.issuing import Issuer, issue
from edgeward.services.acm.operations import replace_unchanged
from edgeward.vault import Vault

logger = logging.getLogger(__name__)


def renew_due(environment: Environment, vault: Vault, issuer: Issuer, now: datetime) -> None:
    """Renews every certificate that is due; returns when the edges have them."""
    with environment.store.read() as transaction:
        found = [each for each in every(transaction, FAMILY) if is_due(each, now)]
        due = [each for each in found if transaction.referrers(FAMILY, each.config["Arn"])]
    for certificate in due:
        _renew(environment, vault, issuer, certificate, now)


def renew_now(environment: Environment, vault: Vault, issuer: Issuer, certificate: Resource, now: datetime) -> None:
    """Renews a certificate of the local authority's, or notes that its CA is to be asked at the next look."""
    if not certificates.is_of_ca(certificate):
        _renew(environment, vault, issuer, certificate, now)
        return
    issuance = {**certificate.config["Issuance"], "IsAsked": True, "Failures": 0}
    renewal = {"Status": "PENDING_AUTO_RENEWAL", "UpdatedAt": now.isoformat()}
    asked = certificates.noted(environment, certificate, {"Issuance": issuance, "Renewal": renewal})
    replace_unchanged(environment, certificate, asked)


def is_due(certificate: Resource, now: datetime) -> bool:
    """Whether the local authority has to renew a certificate, by its age and by how the last attempts went. Pure."""
    if certificate.config["Type"] != Type.ISSUED or certificates.is_of_ca(certificate):
        return False
    return is_near_its_end(certificate, now) and now >= next_attempt(BACKOFF, certificate.config.get("Renewal", {}))


def is_near_its_end(certificate: Resource, now: datetime) -> bool:
    """Whether it is time to renew a certificate, by its age alone."""
    known = certificates.facts(certificate)
    ahead = min(RENEWED_AHEAD, (known.not_after - known.not_before) / 3)
    return known.not_after - now <= ahead


def _renew(environment: Environment, vault: Vault, issuer: Issuer, certificate: Resource, now: datetime) -> None:
    names = certificates.names(certificate)
    try:
        material = issue(issuer, names, certificate.config["KeyAlgorithm"])
    except AuthorityError as error:
        logger.warning("certificate %s could not be renewed: %s", certificate.config["Arn"], error)
        is_covered = all(issuer.covers(name) for name in names)
        notes = _failure(certificate, now, "OTHER" if is_covered else "DOMAIN_NOT_ALLOWED")
        replace_unchanged(environment, certificate, certificates.noted(environment, certificate, notes))
        return
    renewed = certificates.renewed(environment, vault, now, certificate, material)
    replace_unchanged(environment, certificate, certificates.noted(environment, renewed, _success(now)))


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
BACKOFF = Backoff(first=timedelta(hours=1), longest=timedelta(days=1))
LOOK_EVERY = timedelta(hours=1)
