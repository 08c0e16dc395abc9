"""Certificates that a CA issues: asked for, their names validated by DNS, issued, and renewed in the same way.

One step at each look: an order is placed, and DescribeCertificate tells the records that the operator has to put into
DNS, or the edges get what the CA will ask them by HTTP; once all is there, the CA is asked to look and to issue. What
is known lies in the certificate, so that a process may end at any time. Rules: API reference, CertificateDetail; User
Guide, "DNS validation" and "HTTP validation". Called by the control plane that publishes.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from edgeward.acme.orders import AcmeRefusalError, AcmeUnavailableError, DnsChallenge, HttpChallenge, Order
from edgeward.aws.engine import Environment
from edgeward.aws.errors import ApiError
from edgeward.aws.listing import every
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource
from edgeward.periodic import Backoff
from edgeward.services.acm import certificates
from edgeward.services.acm.attempts import next_attempt
from edgeward.services.acm.certificates import FAMILY, Status
from edgeward.services.acm.challenges import Places, open_challenges, read_challenge
from edgeward.services.acm.facts import facts_of
from edgeward.services.acm.issuing import KEYS, Validating, material_of, pem_of_key
from edgeward.services.acm.material import Material, read_material
from edgeward.services.acm.operations import replace_unchanged
from edgeward.services.acm.renewing import is_near_its_end
from edgeward.vault import Vault

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validations:
    """Has a CA issue what is asked of it."""

    environment: Environment
    vault: Vault
    ca: Validating
    places: Places

    def look(self, now: datetime) -> None:
        """Brings every certificate that waits for the CA a step further."""
        with self.environment.store.read() as transaction:
            found = [each for each in every(transaction, FAMILY) if is_waiting(each, now)]
            waiting = [
                each
                for each in found
                if not certificates.is_issued(each) or transaction.referrers(FAMILY, each.config["Arn"])
            ]
        for certificate in waiting:
            self._bring_further(certificate, now)

    def _bring_further(self, certificate: Resource, now: datetime) -> None:
        after = self._advanced(certificate, now)
        if after is None:
            return
        replace_unchanged(self.environment, certificate, after)
        if open_challenges(after) and not open_challenges(certificate):
            # The edges have the answers by now: nobody has to do anything first.
            self._bring_further(after, now)

    def _advanced(self, certificate: Resource, now: datetime) -> Resource | None:
        """The certificate a step further; None while the CA would not find what it looks for."""
        try:
            return self._step(certificate, now)
        except AcmeUnavailableError as error:
            logger.warning("the CA cannot issue %s now: %s", certificate.config["Arn"], error)
            return self._noted(certificate, now, failed=True)
        except AcmeRefusalError as error:
            logger.warning("the CA does not issue %s: %s", certificate.config["Arn"], error)
            return self._ended(certificate, now, Status.FAILED, error.reason)
        except Exception:
            # What a CA answers is not ours to foresee; the certificates behind this one have their turn all the same.
            logger.exception("%s cannot be brought a step further", certificate.config["Arn"])
            return self._noted(certificate, now, failed=True)

    def _step(self, certificate: Resource, now: datetime) -> Resource | None:
        order, key = order_of(certificate), certificates.next_key(self.vault, certificate)
        if order is None or key is None:
            return self._begun(certificate, now)
        if self.ca.is_published(order):
            return self._finished(certificate, order, key, now)
        if now - datetime.fromisoformat(certificate.config["Issuance"]["Since"]) < VALIDATION_LIFETIME:
            return None
        return self._ended(certificate, now, Status.VALIDATION_TIMED_OUT, "DOMAIN_VALIDATION_DENIED")

    def _begun(self, certificate: Resource, now: datetime) -> Resource:
        key = pem_of_key(KEYS[certificate.config["KeyAlgorithm"]]())
        order = self.ca.begin(certificates.names(certificate), key, certificate.config["ValidationMethod"])
        renewal = _renewal("PENDING_VALIDATION", now) if certificates.is_issued(certificate) else {}
        asked = certificates.with_next_key(self.vault, certificate, key)
        return self._noted(asked, now, Order=self._kept(order), Since=now.isoformat(), **renewal)

    def _finished(self, certificate: Resource, order: Order, key: str, now: datetime) -> Resource:
        names = certificates.names(certificate)
        material = _checked(self.ca.finish(order, names, key), names, key, now)
        renewal = _renewal("SUCCESS", now) if certificates.is_issued(certificate) else {}
        issued = certificates.renewed(self.environment, self.vault, now, certificate, material)
        return self._noted(issued, now, State=str(Status.ISSUED), Order=None, Failures=0, IsAsked=False, **renewal)

    def _ended(self, certificate: Resource, now: datetime, status: Status, reason: str) -> Resource:
        """An order that came to nothing. A certificate that is there is tried again, as long as it is needed."""
        if not certificates.is_issued(certificate):
            return self._noted(certificate, now, State=str(status), Reason=reason, Order=None)
        is_over = now >= certificates.facts(certificate).not_after
        renewal = _renewal("FAILED" if is_over else "PENDING_AUTO_RENEWAL", now, reason)
        return self._noted(certificate, now, failed=True, Order=None, IsAsked=False, **renewal)

    def _kept(self, order: Order) -> Shape:
        challenges = [
            self.places.kept(each)
            if isinstance(each, HttpChallenge)
            else {"Identifier": each.identifier, "Record": each.record, "Value": each.value}
            for each in order.challenges
        ]
        return {"Url": order.url, "Challenges": challenges}

    def _noted(self, certificate: Resource, now: datetime, *, failed: bool = False, **notes: Any) -> Resource:
        """The certificate with notes on its issuance; `Renewal` among them is what is told of its renewal.

        `UpdatedAt` is the time of the last failure.
        """
        issuance = certificate.config["Issuance"]
        renewal = {"Renewal": notes.pop("Renewal")} if "Renewal" in notes else {}
        failure = {"Failures": issuance["Failures"] + 1, "UpdatedAt": now.isoformat()} if failed else {}
        told = {**issuance, **failure, **notes}
        return certificates.noted(self.environment, certificate, {"Issuance": told, **renewal})


def is_waiting(certificate: Resource, now: datetime) -> bool:
    """Whether the CA has something to do for a certificate, and it is time to ask. Pure."""
    if not certificates.is_of_ca(certificate):
        return False
    issuance = certificate.config["Issuance"]
    if certificates.is_issued(certificate):
        is_asked = issuance.get("Order") is not None or issuance.get("IsAsked", False)
        is_wanted = is_asked or is_near_its_end(certificate, now)
    else:
        is_wanted = issuance["State"] == Status.PENDING_VALIDATION
    return is_wanted and (now >= next_attempt(BACKOFF, issuance) or _has_new_order(issuance))


def _has_new_order(issuance: Shape) -> bool:
    """Whether an order was placed since the last failure: then DNS may have its records at any time."""
    return issuance.get("Order") is not None and issuance["Since"] > issuance["UpdatedAt"]


def order_of(certificate: Resource) -> Order | None:
    """The order that was placed for a certificate; None when there is none now."""
    kept = certificate.config["Issuance"].get("Order")
    if kept is None:
        return None
    by_http = tuple(read_challenge(each) for each in open_challenges(certificate))
    by_dns = tuple(
        DnsChallenge(identifier=each["Identifier"], record=each["Record"], value=each["Value"])
        for each in kept["Challenges"]
        if "Record" in each
    )
    return Order(url=kept["Url"], challenges=by_http or by_dns)


def _checked(chain_pem: str, names: Sequence[str], key: str, now: datetime) -> Material:
    """What the CA sent, if an edge can serve it for these names. Raises `AcmeRefusalError`."""
    try:
        sent = material_of(chain_pem, key)
        chain = sent.chain.encode() if sent.chain is not None else None
        material = read_material(sent.certificate.encode(), chain, key.encode(), now + ALLOWED_SKEW)
    except (ApiError, ValueError) as error:
        raise AcmeRefusalError("OTHER", f"the CA sent what cannot be served: {error}") from error
    if not set(names) <= set(facts_of(material.certificate).dns_names):
        raise AcmeRefusalError("OTHER", "the CA sent a certificate for other names")
    return material


def _renewal(status: str, now: datetime, reason: str | None = None) -> Shape:
    return {"Renewal": {"Status": status, "Reason": reason, "UpdatedAt": now.isoformat()}}


LOOK_EVERY = timedelta(seconds=10)
BACKOFF = Backoff(first=timedelta(minutes=1), longest=timedelta(hours=12))
ALLOWED_SKEW = timedelta(minutes=5)
"""How much the CA's clock may be before ours: its certificate begins now."""
VALIDATION_LIFETIME = timedelta(hours=72)
"""How long proofs are waited for."""
