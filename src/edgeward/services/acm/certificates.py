"""Certificates in the store: found by ARN, told of in ACM's words, opened for the edge.

The configuration of one has its ARN, its type and, once it is issued, certificate and chain; the sealed private key is
among its attributes, of which no version is kept. Invariant: a private key leaves the store for the plan alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from edgeward.aws.engine import Call, Environment
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.acm.facts import Facts, facts_of
from edgeward.services.acm.material import Material
from edgeward.services.acm.validation import shown_challenge, shown_validation
from edgeward.services.cloudfront import arns as cloudfront_arns
from edgeward.vault import Vault

FAMILY = "acm-certificate"
"""The family, and the kind of the references that hold a certificate, by its ARN."""


class Type(StrEnum):
    """Where a certificate is from."""

    IMPORTED = "IMPORTED"
    ISSUED = "AMAZON_ISSUED"


class Status(StrEnum):
    """What can be done with a certificate."""

    PENDING_VALIDATION = "PENDING_VALIDATION"
    ISSUED = "ISSUED"
    EXPIRED = "EXPIRED"
    VALIDATION_TIMED_OUT = "VALIDATION_TIMED_OUT"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Servable:
    """What a TLS server needs, PEM."""

    chain_pem: str
    """The certificate, then its issuers."""
    key_pem: str = field(repr=False)


def arn_of(account_id: str, region: str, id: str) -> str:
    """The ARN of a certificate."""
    return f"arn:aws:acm:{region}:{account_id}:certificate/{id}"


def find(transaction: Transaction, arn: str) -> Resource:
    """The certificate of an ARN. Raises ApiError `ResourceNotFoundException`."""
    found = find_or_none(transaction, arn)
    if found is None:
        raise ApiError("ResourceNotFoundException", f"Could not find certificate {arn[:256]}.")
    return found


def find_or_none(transaction: Transaction, arn: str) -> Resource | None:
    """The certificate of an ARN, every part of which has to be right."""
    found = transaction.find(FAMILY, arn.rpartition("/")[2])
    return found if found is not None and found.config["Arn"] == arn else None


def new(
    environment: Environment, vault: Vault, call: Call, material: Material, request: Shape | None = None
) -> Resource:
    """A certificate that is not stored yet, of the region that the call was signed for.

    `request` is what `requesting` keeps of one that was issued; None for one that was imported.
    """
    origin = Type.IMPORTED if request is None else Type.ISSUED
    blank = _blank(environment, call, {"Type": str(origin), **(request or {}), **_config_of(material)})
    return replace(blank, attributes=_sealed(vault, blank.id, material))


def awaited(environment: Environment, call: Call, request: Shape) -> Resource:
    """A certificate that is not stored yet, and that a CA has still to issue."""
    issuance = {"State": str(Status.PENDING_VALIDATION), "Failures": 0}
    return _blank(environment, call, {"Type": str(Type.ISSUED), **request, "Issuance": issuance})


def _blank(environment: Environment, call: Call, config: Shape) -> Resource:
    own_id = environment.identifiers.uuid()
    return Resource(
        family=FAMILY,
        id=own_id,
        etag=environment.identifiers.capital("E"),
        config={"Arn": arn_of(environment.account_id, call.caller.region, own_id), **config},
        created=call.now,
        modified=call.now,
    )


def renewed(environment: Environment, vault: Vault, now: datetime, before: Resource, material: Material) -> Resource:
    """The certificate with another certificate, chain and key."""
    changed = replace(before, modified=now, attributes=_sealed(vault, before.id, material))
    return noted(environment, changed, _config_of(material))


def with_next_key(vault: Vault, certificate: Resource, key_pem: str) -> Resource:
    """The certificate with the key of the one that a CA was asked for."""
    sealed = vault.seal(key_pem, _next_purpose(certificate.id))
    return replace(certificate, attributes={**certificate.attributes, "NextKey": sealed})


def next_key(vault: Vault, certificate: Resource) -> str | None:
    """The key of the certificate that a CA was asked for; None when there is none that can be opened."""
    sealed = certificate.attributes.get("NextKey")
    return vault.open(sealed, _next_purpose(certificate.id)) if sealed is not None else None


def without_token(environment: Environment, certificate: Resource) -> Resource:
    """A further version of a certificate, of which it is no longer known by which token it was asked for."""
    return replace(certificate, etag=environment.identifiers.capital("E"), caller_reference=None)


def noted(environment: Environment, certificate: Resource, notes: Shape) -> Resource:
    """A further version of a certificate, with other members in its configuration."""
    etag = environment.identifiers.capital("E")
    return replace(certificate, etag=etag, config={**certificate.config, **notes})


def forget(transaction: Transaction, environment: Environment, certificate: Resource, moment: datetime) -> None:
    """Ends a certificate, and the sealed key with it."""
    keyless = replace(certificate, etag=environment.identifiers.capital("E"), attributes={})
    transaction.update(keyless, ())
    transaction.delete(FAMILY, certificate.id, moment)


def is_issued(certificate: Resource) -> bool:
    """Whether there is one: a CA may have to issue it first, or may have refused."""
    return "Certificate" in certificate.config


def is_of_ca(certificate: Resource) -> bool:
    """Whether a CA issues it that validates names; else it is the local authority's, or was imported."""
    return "Issuance" in certificate.config


def facts(certificate: Resource) -> Facts:
    """What it says of itself, once it is issued."""
    return facts_of(certificate.config["Certificate"])


def key_algorithm(certificate: Resource) -> str:
    """The kind of its key, as ACM calls it."""
    return facts(certificate).key_algorithm if is_issued(certificate) else str(certificate.config["KeyAlgorithm"])


def names(certificate: Resource) -> Sequence[str]:
    """Its domain names: as they were asked for, else as it says itself; the main one first."""
    asked_for: Sequence[str] = certificate.config.get("SubjectAlternativeNames") or facts(certificate).names
    return asked_for


def status(certificate: Resource, now: datetime) -> Status:
    """What can be done with it now."""
    if not is_issued(certificate):
        return Status(certificate.config["Issuance"]["State"])
    return Status.EXPIRED if now >= facts(certificate).not_after else Status.ISSUED


def servable(vault: Vault, transaction: Transaction, arn: str) -> Servable | None:
    """What the edge serves for an ARN; None when there is no such certificate, or the vault has another key."""
    certificate = find_or_none(transaction, arn)
    if certificate is None or not is_issued(certificate):
        return None
    key = vault.open(certificate.attributes["PrivateKey"], _purpose(certificate.id))
    chain = certificate.config["Certificate"] + (certificate.config["CertificateChain"] or "")
    return Servable(chain_pem=chain, key_pem=key) if key is not None else None


def holders(transaction: Transaction, account_id: str, certificate: Resource) -> Sequence[str]:
    """The ARNs of the distributions that show it."""
    found = transaction.referrers(FAMILY, certificate.config["Arn"])
    return [cloudfront_arns.arn_of(account_id, "distribution", holder) for holder in found]


def tags_of_certificate(transaction: Transaction, arn: str) -> Mapping[str, str]:
    """The tags of the certificate of an ARN; one that is not there has none."""
    certificate = find_or_none(transaction, arn)
    return transaction.tags(FAMILY, certificate.id) if certificate is not None else {}


def described(transaction: Transaction, account_id: str, certificate: Resource, now: datetime) -> Shape:
    """A CertificateDetail."""
    in_use_by = holders(transaction, account_id, certificate)
    known = facts(certificate) if is_issued(certificate) else None
    return {
        **_shared(certificate, now, is_in_use=bool(in_use_by)),
        "SubjectAlternativeNames": list(names(certificate)) or None,
        "InUseBy": in_use_by,
        "Options": {"CertificateTransparencyLoggingPreference": "DISABLED", "Export": "DISABLED"}
        | certificate.config.get("Options", {}),
        **_validation(account_id, certificate),
        **(_described_facts(known) if known is not None else {}),
    }


def _described_facts(known: Facts) -> Shape:
    return {
        "Serial": known.serial,
        "Subject": known.subject,
        "Issuer": known.issuer,
        "SignatureAlgorithm": known.signature_algorithm,
        "KeyUsages": [{"Name": usage} for usage in known.key_usages],
        "ExtendedKeyUsages": [{"Name": name, "OID": oid} for name, oid in known.extended_key_usages],
    }


def summarized(transaction: Transaction, certificate: Resource, now: datetime, *, most_names: int) -> Shape:
    """A CertificateSummary."""
    own_names, known = names(certificate), facts(certificate) if is_issued(certificate) else None
    is_in_use = bool(transaction.referrers(FAMILY, certificate.config["Arn"]))
    return {
        **_shared(certificate, now, is_in_use=is_in_use),
        "SubjectAlternativeNameSummaries": list(own_names[:most_names]) or None,
        "HasAdditionalSubjectAlternativeNames": len(own_names) > most_names,
        "KeyUsages": list(known.key_usages) if known is not None else [],
        "ExtendedKeyUsages": [name for name, _ in known.extended_key_usages] if known is not None else [],
        "ExportOption": "DISABLED",
        "Exported": False,
        "InUse": is_in_use,
    }


def key_pair_origin(certificate: Resource) -> str:
    """Who made the key."""
    return _ORIGINS[certificate.config["Type"]]


def _shared(certificate: Resource, now: datetime, *, is_in_use: bool) -> Shape:
    origin, own_names = certificate.config["Type"], names(certificate)
    shared = {
        "CertificateArn": certificate.config["Arn"],
        "DomainName": own_names[0] if own_names else None,
        "Type": origin,
        "Status": str(status(certificate, now)),
        "CreatedAt": certificate.created,
        "KeyAlgorithm": key_algorithm(certificate),
        "RenewalEligibility": "ELIGIBLE" if origin == Type.ISSUED and is_in_use else "INELIGIBLE",
        "CertificateKeyPairOrigin": key_pair_origin(certificate),
    }
    if not is_issued(certificate):
        return shared
    known = facts(certificate)
    return {
        **shared,
        _SINCE[origin]: certificate.modified,
        "NotBefore": known.not_before,
        "NotAfter": known.not_after,
    }


def _validation(account_id: str, certificate: Resource) -> Shape:
    """How the names are validated, of a certificate that is asked for, and what came of issuing and renewing it."""
    config = certificate.config
    if config["Type"] != Type.ISSUED:
        return {}
    own_names, issuance, renewal = names(certificate), config.get("Issuance"), config.get("Renewal")
    if issuance is None:
        options = [shown_validation(account_id, name, config["ValidationMethod"]) for name in own_names]
    else:
        state = VALIDATION_STATES.get(issuance["State"], "FAILED")
        method = config["ValidationMethod"]
        options = [shown_challenge(name, method, state, issuance.get("Order")) for name in own_names]
    shown: Shape = {"DomainValidationOptions": options}
    if issuance is not None and issuance["State"] == Status.FAILED:
        shown["FailureReason"] = issuance["Reason"]
    if renewal is not None:
        shown["RenewalSummary"] = {
            "RenewalStatus": renewal["Status"],
            "RenewalStatusReason": renewal.get("Reason"),
            "UpdatedAt": datetime.fromisoformat(renewal["UpdatedAt"]),
            "DomainValidationOptions": options,
        }
    return shown


def _config_of(material: Material) -> Shape:
    return {"Certificate": material.certificate, "CertificateChain": material.chain}


def _sealed(vault: Vault, id: str, material: Material) -> Shape:
    return {"PrivateKey": vault.seal(material.private_key, _purpose(id))}


def _next_purpose(id: str) -> str:
    return f"next key of certificate {id}"


def _purpose(id: str) -> str:
    """What the private key of a certificate is sealed for."""
    return f"certificate {id}"


_ORIGINS = {Type.IMPORTED: "CUSTOMER_PROVIDED", Type.ISSUED: "AWS_MANAGED"}
_SINCE = {Type.IMPORTED: "ImportedAt", Type.ISSUED: "IssuedAt"}
VALIDATION_STATES = {Status.PENDING_VALIDATION: "PENDING_VALIDATION", Status.ISSUED: "SUCCESS"}
