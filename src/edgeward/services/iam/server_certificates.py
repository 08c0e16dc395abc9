"""Server certificates: kept by IAM, and shown by the distributions that name them by id.

The configuration of one has certificate and chain; the sealed private key is among its attributes, of which no version
is kept. Invariant: a private key leaves the store for the plan alone. Rules: IAM API reference,
UploadServerCertificate; IAM User Guide, "Manage server certificates in IAM".
"""

from dataclasses import replace
from functools import partial

from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.acm.certificates import Servable
from edgeward.services.acm.facts import facts_of
from edgeward.services.acm.material import Material, OtherKeyError, read_material
from edgeward.services.iam import entities
from edgeward.services.iam.entities import SERVER_CERTIFICATE
from edgeward.vault import Vault


def server_certificate_handlers(environment: Environment, vault: Vault) -> dict[str, Handler]:
    """The operations."""
    return {
        "UploadServerCertificate": partial(upload, environment, vault),
        "GetServerCertificate": partial(get, environment),
        "ListServerCertificates": lambda call: entities.listed(
            environment, SERVER_CERTIFICATE.family, "ServerCertificateMetadataList", call, partial(_shown, environment)
        ),
        "UpdateServerCertificate": partial(update, environment),
        "DeleteServerCertificate": partial(delete, environment),
        "TagServerCertificate": partial(entities.tagged, environment, SERVER_CERTIFICATE),
        "UntagServerCertificate": partial(entities.untagged, environment, SERVER_CERTIFICATE),
        "ListServerCertificateTags": partial(entities.list_tags, environment, SERVER_CERTIFICATE),
    }


def servable(vault: Vault, transaction: Transaction, id: str) -> Servable | None:
    """What the edge serves for an id; None when there is no such certificate, or the vault has another key."""
    certificate = transaction.find(SERVER_CERTIFICATE.family, id)
    if certificate is None:
        return None
    key = vault.open(certificate.attributes["PrivateKey"], _purpose(id))
    chain = certificate.config["Certificate"] + (certificate.config["CertificateChain"] or "")
    return Servable(chain_pem=chain, key_pem=key) if key is not None else None


def upload(environment: Environment, vault: Vault, call: Call) -> Shape:
    """UploadServerCertificate."""
    material = _material(call)
    members = {"Certificate": material.certificate, "CertificateChain": material.chain}

    def sealed(id: str) -> Shape:
        return {"PrivateKey": vault.seal(material.private_key, _purpose(id))}

    certificate = entities.create(environment, SERVER_CERTIFICATE, call, members, attributes_of=sealed)
    tags = certificate.config["Tags"] or None
    return {"ServerCertificateMetadata": _shown(environment, certificate), "Tags": tags}


def get(environment: Environment, call: Call) -> Shape:
    """GetServerCertificate: never the private key."""
    with environment.store.read() as transaction:
        certificate = _named(transaction, call)
    return {
        "ServerCertificate": {
            "ServerCertificateMetadata": _shown(environment, certificate),
            "CertificateBody": certificate.config["Certificate"],
            "CertificateChain": certificate.config["CertificateChain"],
            "Tags": certificate.config["Tags"] or None,
        }
    }


def update(environment: Environment, call: Call) -> Shape:
    """UpdateServerCertificate: another name, another path. The id stays, and with it what distributions show."""
    with environment.store.write() as transaction:
        before = _named(transaction, call)
        name = str(call.members.get("NewServerCertificateName", before.config["Name"]))
        found = transaction.find_by_name(SERVER_CERTIFICATE.family, name.lower())
        if found is not None and found.id != before.id:
            raise ApiError("EntityAlreadyExists", f"ServerCertificate with name {name} already exists.")
        renamed = replace(before, name=name.lower())
        path = call.members.get("NewPath", before.config["Path"])
        entities.update(environment, transaction, renamed, call.now, Name=name, Path=path)
    return {}


def delete(environment: Environment, call: Call) -> Shape:
    """DeleteServerCertificate: of one that no distribution shows."""
    with environment.store.write() as transaction:
        certificate = _named(transaction, call)
        users = transaction.referrers(SERVER_CERTIFICATE.family, certificate.id)
        if users:
            message = f"Certificate: {certificate.id} is in use by {', '.join(users)}. Take it off there first."
            raise ApiError("DeleteConflict", message)
        keyless = replace(certificate, etag=environment.identifiers.capital("E"), attributes={})
        transaction.update(keyless, ())
        transaction.delete(SERVER_CERTIFICATE.family, certificate.id, call.now)
    return {}


def _material(call: Call) -> Material:
    sent = call.members
    chain = sent["CertificateChain"].encode() if "CertificateChain" in sent else None
    try:
        return read_material(
            sent["CertificateBody"].encode(), chain, sent["PrivateKey"].encode(), call.now, needs_issuers=False
        )
    except OtherKeyError as error:
        raise ApiError("KeyPairMismatch", error.message) from error
    except ApiError as error:
        raise ApiError("MalformedCertificate", error.message) from error


def _named(transaction: Transaction, call: Call) -> Resource:
    return entities.find(transaction, SERVER_CERTIFICATE, call.members[SERVER_CERTIFICATE.name_member])


def _shown(environment: Environment, certificate: Resource) -> Shape:
    """The metadata, as answers have it."""
    return {
        "Path": certificate.config["Path"],
        "ServerCertificateName": certificate.config["Name"],
        "ServerCertificateId": certificate.id,
        "Arn": entities.arn_of(environment.account_id, SERVER_CERTIFICATE, certificate),
        "UploadDate": certificate.created,
        "Expiration": facts_of(certificate.config["Certificate"]).not_after,
    }


def _purpose(id: str) -> str:
    """What the private key of a certificate is sealed for."""
    return f"server certificate {id}"
