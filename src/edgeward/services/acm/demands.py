"""What calls of ACM need to be allowed, on the ARN of the certificate that they are about.

Rules: Service Authorization Reference, "Actions, resources, and condition keys for AWS Certificate Manager"; User
Guide, "ACM API permissions".
"""

from edgeward.aws.access import Caller, Demand, Demands
from edgeward.aws.model import Operation, Shape
from edgeward.services.acm.certificates import arn_of


def acm_demands(account_id: str) -> Demands:
    """The demands of an account's ACM."""

    def demands(caller: Caller, operation: Operation, members: Shape) -> list[Demand]:
        given = [tag for tag in members.get("Tags", []) if "Key" in tag]
        tags = {tag["Key"]: tag.get("Value", "") for tag in given} if operation.name in _TAGGING else None
        return [
            Demand(
                action=f"acm:{operation.name}",
                resource=_resource(account_id, caller, operation.name, members),
                tags=tags or None,
                tag_keys=[tag["Key"] for tag in given],
                keys=_keys(members) if operation.name == "RequestCertificate" else {},
            )
        ]

    return demands


def _resource(account_id: str, caller: Caller, operation: str, members: Shape) -> str:
    if "CertificateArn" in members:
        return str(members["CertificateArn"])
    return arn_of(account_id, caller.region, "*") if operation in _CREATING else "*"


def _keys(members: Shape) -> dict[str, list[str]]:
    """What a policy may say of a certificate that is asked for; what is not sent is what it will be."""
    names = [members.get("DomainName", ""), *members.get("SubjectAlternativeNames", [])]
    options = members.get("Options", {})
    keys = {
        "acm:domainnames": [name.lower() for name in names],
        "acm:validationmethod": [members.get("ValidationMethod", "DNS")],
        "acm:keyalgorithm": [members.get("KeyAlgorithm", "RSA_2048")],
        "acm:export": [options.get("Export", "DISABLED")],
        "acm:certificatetransparencylogging": [options.get("CertificateTransparencyLoggingPreference", "DISABLED")],
    }
    authority = members.get("CertificateAuthorityArn")
    return keys | ({"acm:certificateauthority": [authority]} if authority else {})


_CREATING = frozenset({"ImportCertificate", "RequestCertificate"})
_TAGGING = frozenset({"AddTagsToCertificate", *_CREATING})
"""The operations that set the tags of their input."""
