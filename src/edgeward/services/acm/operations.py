"""What can be done with certificates that are there, and importing them. Rules: ACM API reference."""

from functools import partial

from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.acm import certificates, quotas
from edgeward.services.acm.certificates import FAMILY, Type
from edgeward.services.acm.challenges import open_challenges
from edgeward.services.acm.facts import facts_of
from edgeward.services.acm.material import Material, read_material
from edgeward.services.acm.tagging import read_tags
from edgeward.services.cloudfront.republishing import republish_holders
from edgeward.vault import Vault


def certificate_handlers(environment: Environment, vault: Vault) -> dict[str, Handler]:
    """The operations."""
    return {
        "ImportCertificate": partial(import_certificate, environment, vault),
        "DescribeCertificate": partial(describe, environment),
        "GetCertificate": partial(get, environment),
        "DeleteCertificate": partial(delete, environment),
    }


def import_certificate(environment: Environment, vault: Vault, call: Call) -> Shape:
    """ImportCertificate: a new one, or another in place of one that was imported before.

    Distributions that show it show the new one when the call returns.
    """
    sent = call.members
    material = read_material(sent["Certificate"], sent.get("CertificateChain"), sent["PrivateKey"], call.now)
    if "CertificateArn" in sent:
        return _import_again(environment, vault, call, material)
    tags = read_tags(sent.get("Tags", []))
    certificate = certificates.new(environment, vault, call, material)
    with environment.store.write() as transaction:
        add(environment, transaction, certificate, tags)
    return {"CertificateArn": certificate.config["Arn"]}


def add(environment: Environment, transaction: Transaction, certificate: Resource, tags: dict[str, str]) -> None:
    """Stores a new certificate. Raises ApiError `LimitExceededException`."""
    most = environment.quotas[quotas.CERTIFICATES]
    if transaction.count(FAMILY) >= most:
        raise ApiError(quotas.CERTIFICATES.error, f"An account has at most {most} certificates.")
    transaction.insert(certificate, ())
    transaction.put_tags(FAMILY, certificate.id, tags)


def put_in_place(transaction: Transaction, certificate: Resource) -> None:
    """Stores a further version of a certificate, and has the edges show it."""
    transaction.update(certificate, ())
    republish_holders(transaction, FAMILY, certificate.config["Arn"])


def replace_unchanged(environment: Environment, before: Resource, after: Resource) -> None:
    """Puts a version in place of another and waits for the edges, unless that one has changed or gone meanwhile.

    Then the next look at the certificate will see what it is now.
    """
    with environment.store.write() as transaction:
        current = transaction.find(FAMILY, before.id)
        if current is None or current.etag != before.etag:
            return
        put_in_place(transaction, after)
        if open_challenges(before) != open_challenges(after):
            transaction.enqueue(FAMILY, after.id)
    settle(environment, transaction)


def describe(environment: Environment, call: Call) -> Shape:
    """DescribeCertificate."""
    with environment.store.read() as transaction:
        certificate = certificates.find(transaction, call.members["CertificateArn"])
        return {"Certificate": certificates.described(transaction, environment.account_id, certificate, call.now)}


def get(environment: Environment, call: Call) -> Shape:
    """GetCertificate: never the private key."""
    with environment.store.read() as transaction:
        certificate = certificates.find(transaction, call.members["CertificateArn"])
    if not certificates.is_issued(certificate):
        message = f"The certificate is not there: its status is {certificates.status(certificate, call.now)}."
        raise ApiError("RequestInProgressException", message)
    return {member: certificate.config[member] for member in ("Certificate", "CertificateChain")}


def delete(environment: Environment, call: Call) -> Shape:
    """DeleteCertificate: of one that no distribution shows."""
    with environment.store.write() as transaction:
        certificate = certificates.find(transaction, call.members["CertificateArn"])
        users = certificates.holders(transaction, environment.account_id, certificate)
        if users:
            message = f"Certificate {certificate.config['Arn']} in account {environment.account_id} is in use by"
            raise ApiError("ResourceInUseException", f"{message} {', '.join(users)}. Take it off there first.")
        certificates.forget(transaction, environment, certificate, call.now)
        if open_challenges(certificate):
            transaction.enqueue(FAMILY, certificate.id)
    settle(environment, transaction)
    return {}


def _import_again(environment: Environment, vault: Vault, call: Call, material: Material) -> Shape:
    if "Tags" in call.members:
        raise ApiError(
            "ValidationException", "Tags cannot be set when a certificate is imported again. Leave them out."
        )
    with environment.store.write() as transaction:
        before = certificates.find(transaction, call.members["CertificateArn"])
        _check_again(before, material)
        after = certificates.renewed(environment, vault, call.now, before, material)
        put_in_place(transaction, after)
    settle(environment, transaction)
    return {"CertificateArn": after.config["Arn"]}


def settle(environment: Environment, written: Transaction) -> None:
    """Waits until the edges have what a transaction changed."""
    if written.last_position is not None:
        environment.deployment.settle(written.last_position)


def _check_again(before: Resource, material: Material) -> None:
    """User Guide, "Reimport a certificate"."""
    if before.config["Type"] != Type.IMPORTED:
        raise ApiError("ValidationException", "The certificate was not imported. Import this one without an ARN.")
    was, will_be = certificates.facts(before), facts_of(material.certificate)
    if was.key_algorithm != will_be.key_algorithm:
        message = f"The key's kind and size cannot change from {was.key_algorithm} to {will_be.key_algorithm}."
        raise ApiError("ValidationException", f"{message} Import it as a new certificate.")
    if was.names and not will_be.names:
        raise ApiError("ValidationException", "Not all of the certificate's domain names can go.")
    kept, usages = ({*facts.key_usages, *(oid for _, oid in facts.extended_key_usages)} for facts in (was, will_be))
    if kept - usages:
        missing = ", ".join(sorted(kept - usages))
        raise ApiError("ValidationException", f"The certificate lacks key usages of the one before: {missing}.")
