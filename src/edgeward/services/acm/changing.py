"""What may be changed of a certificate that was asked for: renewed now, its options; and what is not there, by name.

Rules: API reference, RenewCertificate, UpdateCertificateOptions, ResendValidationEmail, ExportCertificate.
"""

from functools import partial

from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource
from edgeward.services.acm import certificates
from edgeward.services.acm.certificates import Status, Type
from edgeward.services.acm.issuing import Issuer
from edgeward.services.acm.operations import replace_unchanged
from edgeward.services.acm.renewing import renew_now
from edgeward.services.acm.requesting import why_not_by
from edgeward.vault import Vault


def changing_handlers(environment: Environment, vault: Vault, issuer: Issuer) -> dict[str, Handler]:
    """The operations."""
    return {
        "RenewCertificate": partial(renew, environment, vault, issuer),
        "UpdateCertificateOptions": partial(update_options, environment),
        "ResendValidationEmail": partial(resend_email, environment),
        "ExportCertificate": partial(export, environment),
    }


def renew(environment: Environment, vault: Vault, issuer: Issuer, call: Call) -> Shape:
    """RenewCertificate: begins now what managed renewal does in time; its RenewalSummary tells what came of it.

    A certificate of the local authority's is renewed when the call returns; a CA is asked at the next look.
    """
    with environment.store.read() as transaction:
        certificate = certificates.find(transaction, call.members["CertificateArn"])
        is_shown = bool(certificates.holders(transaction, environment.account_id, certificate))
    _check_renewable(certificate, call, is_shown=is_shown)
    renew_now(environment, vault, issuer, certificate, call.now)
    return {}


def _check_renewable(certificate: Resource, call: Call, *, is_shown: bool) -> None:
    _refuse_unfinished(certificate, call)
    if certificate.config["Type"] != Type.ISSUED:
        raise _invalid(certificate, "is not eligible for renewal: it was imported. Import a new one in its place")
    if certificate.config.get("Issuance", {}).get("Order") is not None:
        message = "Its renewal is under way: DescribeCertificate tells what is waited for."
        raise ApiError("RequestInProgressException", message)
    if not is_shown:
        raise _invalid(certificate, "is not eligible for renewal: nothing uses it. Have a distribution show it first")


def update_options(environment: Environment, call: Call) -> Shape:
    """UpdateCertificateOptions: how its names are validated from now on, and preferences that are kept."""
    wanted = call.members["Options"]
    with environment.store.read() as transaction:
        certificate = certificates.find(transaction, call.members["CertificateArn"])
    if certificate.config["Type"] != Type.ISSUED:
        raise ApiError("InvalidStateException", "The certificate was imported: it has no options that could change.")
    if wanted.get("Export") == "ENABLED":
        raise _invalid(certificate, "cannot be exported: its private key is for edges alone. Use DISABLED")
    kept = {name: value for name, value in wanted.items() if name != "ValidationMethod"}
    notes: Shape = {"Options": certificate.config["Options"] | kept}
    if "ValidationMethod" in wanted:
        notes |= _by_method(certificate, wanted["ValidationMethod"])
    replace_unchanged(environment, certificate, certificates.noted(environment, certificate, notes))
    return {}


def _by_method(certificate: Resource, method: str) -> Shape:
    """Another method; an order that waits for proofs of the one before is left for a new one."""
    against = why_not_by(method, certificates.names(certificate))
    if against is not None:
        raise ApiError("ValidationException", f"{against}.")
    notes: Shape = {"ValidationMethod": method}
    if method != certificate.config["ValidationMethod"] and certificates.is_of_ca(certificate):
        notes["Issuance"] = {**certificate.config["Issuance"], "Order": None}
    return notes


def resend_email(environment: Environment, call: Call) -> Shape:
    """ResendValidationEmail: always refused, because no names are validated by email."""
    with environment.store.read() as transaction:
        certificate = certificates.find(transaction, call.members["CertificateArn"])
    method = certificate.config.get("ValidationMethod")
    how = f"its names are validated by {method}" if method is not None else "it was imported"
    raise ApiError("InvalidStateException", f"No emails are sent about this certificate: {how}.")


def export(environment: Environment, call: Call) -> Shape:
    """ExportCertificate: always refused, because private keys leave the store for edges alone."""
    with environment.store.read() as transaction:
        certificate = certificates.find(transaction, call.members["CertificateArn"])
    _refuse_unfinished(certificate, call)
    raise _invalid(certificate, "cannot be exported: its private key is for edges alone. GetCertificate tells the rest")


def _refuse_unfinished(certificate: Resource, call: Call) -> None:
    status = certificates.status(certificate, call.now)
    if status is Status.PENDING_VALIDATION:
        raise ApiError("RequestInProgressException", f"The certificate is not there: its status is {status}.")
    if not certificates.is_issued(certificate):
        raise _invalid(certificate, f"was never issued: its status is {status}. Ask for a new one")


def _invalid(certificate: Resource, message: str) -> ApiError:
    return ApiError("ValidationException", f"The certificate {certificate.config['Arn']} {message}.")
