"""The certificates that distributions name: ACM's by their ARNs, IAM's by their ids. For rules and compiler alike."""

from datetime import datetime

from edgeward.aws.resources import Transaction
from edgeward.services.acm import certificates
from edgeward.services.acm.certificates import Servable, Status
from edgeward.services.acm.facts import facts_of
from edgeward.services.cloudfront.distribution.references import OwnCertificate
from edgeward.services.iam import server_certificates
from edgeward.services.iam.entities import SERVER_CERTIFICATE
from edgeward.vault import Vault


def servable(vault: Vault, transaction: Transaction, name: str) -> Servable | None:
    """What the edge serves for a name; None when there is no such certificate, or the vault has another key."""
    if _is_arn(name):
        return certificates.servable(vault, transaction, name)
    return server_certificates.servable(vault, transaction, name)


def own_certificate(transaction: Transaction, name: str, now: datetime) -> OwnCertificate | None:
    """What the rules need to know of the certificate of a name; None when there is none."""
    return _of_acm(transaction, name, now) if _is_arn(name) else _of_iam(transaction, name, now)


def _is_arn(name: str) -> bool:
    return name.startswith("arn:")


def _of_acm(transaction: Transaction, arn: str, now: datetime) -> OwnCertificate | None:
    found = certificates.find_or_none(transaction, arn)
    if found is None:
        return None
    status = certificates.status(found, now)
    if not certificates.is_issued(found):
        return OwnCertificate(status=status, names=())
    facts = certificates.facts(found)
    return OwnCertificate(status=status, names=facts.dns_names, is_for_clients=facts.is_for_clients)


def _of_iam(transaction: Transaction, id: str, now: datetime) -> OwnCertificate | None:
    found = transaction.find(SERVER_CERTIFICATE.family, id)
    if found is None:
        return None
    facts = facts_of(found.config["Certificate"])
    status = Status.EXPIRED if now >= facts.not_after else Status.ISSUED
    return OwnCertificate(status=status, names=facts.dns_names, path=found.config["Path"])
