"""RequestCertificate: issued at once by an authority of one's own, or left to a CA that validates names.

Rules: API reference, RequestCertificate. Differs from ACM: without a ValidationMethod it is DNS, because validation by
email is not there.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from edgeward.aws.engine import Call, Environment
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.acm import certificates, quotas
from edgeward.services.acm.certificates import FAMILY
from edgeward.services.acm.issuing import KEYS, Issuer, issue
from edgeward.services.acm.operations import add
from edgeward.services.acm.tagging import read_tags
from edgeward.vault import Vault


def request_certificate(
    environment: Environment, vault: Vault, issuer: Issuer, call: Call, *, has_ca: bool = False
) -> Shape:
    """RequestCertificate. The same token within an hour is answered with the certificate it was first sent for.

    `has_ca`: what the issuer may not sign is left to a CA that validates names.
    """
    request, token = read_request(call.members, environment.quotas[quotas.NAMES]), call.members.get("IdempotencyToken")
    tags = read_tags(call.members.get("Tags", []))
    is_local = all(issuer.covers(name) for name in request["SubjectAlternativeNames"])
    if not is_local and not has_ca:
        raise _without_ca(issuer, request)
    with environment.store.read() as transaction:
        known = _requested_before(transaction, token, call)
    if known is not None:
        return _again(known, request)
    if is_local:
        material = issue(issuer, request["SubjectAlternativeNames"], request["KeyAlgorithm"])
        made = certificates.new(environment, vault, call, material, request)
    else:
        made = certificates.awaited(environment, call, request)
    certificate = replace(made, caller_reference=token)
    with environment.store.write() as transaction:
        # Somebody else may have sent the token while the key was made.
        known = _requested_before(transaction, token, call)
        if known is not None:
            return _again(known, request)
        _free_token(environment, transaction, token)
        add(environment, transaction, certificate, tags)
    return {"CertificateArn": certificate.config["Arn"]}


def read_request(members: Shape, most_names: int) -> Shape:
    """What is kept of an input. Raises ApiError for what is not served, and for more names than one may ask for."""
    _refuse_unserved(members)
    domain = members["DomainName"].lower()
    if len(domain) > quotas.COMMON_NAME_CHARACTERS:
        most = quotas.COMMON_NAME_CHARACTERS
        raise _invalid(
            f"DomainName has more than {most} characters. Ask for it as an alternative name of a shorter one"
        )
    others = [name.lower() for name in members.get("SubjectAlternativeNames", [])]
    names = list(dict.fromkeys([domain, *others]))
    if len(names) > most_names:
        raise ApiError(quotas.NAMES.error, f"A certificate has at most {most_names} names, not {len(names)}.")
    method = members.get("ValidationMethod", "DNS")
    against = why_not_by(method, names)
    if against is not None:
        raise _invalid(against)
    return {
        "SubjectAlternativeNames": names,
        "KeyAlgorithm": members.get("KeyAlgorithm", "RSA_2048"),
        "ValidationMethod": method,
        "Options": members.get("Options", {}),
    }


def why_not_by(method: str, names: Sequence[str]) -> str | None:
    """Why names cannot be validated by a method; None when they can."""
    if method == "EMAIL":
        return "ValidationMethod EMAIL is not there. Use DNS or HTTP"
    if method == "HTTP" and any(name.startswith("*.") for name in names):
        return "ValidationMethod HTTP is not for wildcards. Use DNS"
    return None


def _refuse_unserved(members: Shape) -> None:
    options = members.get("Options", {})
    if "DomainValidationOptions" in members:
        message = "DomainValidationOptions says where emails go, and validation by email is not there. Leave it out."
        raise ApiError("InvalidDomainValidationOptionsException", message)
    for is_asked_for, message in (
        (members.get("KeyAlgorithm", "RSA_2048") not in KEYS, f"KeyAlgorithm has to be one of {', '.join(KEYS)}"),
        ("CertificateAuthorityArn" in members, "There are no private authorities of ACM. Leave out the ARN"),
        ("ManagedBy" in members, "ManagedBy is not there: CloudFront asks for no certificates itself. Leave it out"),
        (options.get("Export") == "ENABLED", "Options.Export: certificates cannot be exported. Use DISABLED"),
        ("ValidationMethod" in options, "Options.ValidationMethod is not there. Set ValidationMethod"),
    ):
        if is_asked_for:
            raise _invalid(message)


def _without_ca(issuer: Issuer, request: Shape) -> ApiError:
    """A certificate that the local authority may not sign needs a CA."""
    foreign = next(name for name in request["SubjectAlternativeNames"] if not issuer.covers(name))
    return _invalid(
        f"The local authority may not sign {foreign!r}: it signs names of private use, such as those below test, "
        "internal, localhost and example.com. Import a certificate for this one, or start with an ACME CA"
    )


def _requested_before(transaction: Transaction, token: str | None, call: Call) -> Resource | None:
    found = transaction.find_by_caller_reference(FAMILY, token) if token is not None else None
    return found if found is not None and call.now - found.created < TOKEN_LIFETIME else None


def _again(known: Resource, request: Shape) -> Shape:
    if any(known.config[member] != value for member, value in request.items()):
        raise _invalid("The IdempotencyToken was sent with another request within the hour. Use a new one")
    return {"CertificateArn": known.config["Arn"]}


def _free_token(environment: Environment, transaction: Transaction, token: str | None) -> None:
    """Takes a token that is over from the certificate that it made."""
    before = transaction.find_by_caller_reference(FAMILY, token) if token is not None else None
    if before is not None:
        transaction.update(certificates.without_token(environment, before), ())


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterException", f"{message}.")


TOKEN_LIFETIME = timedelta(hours=1)
