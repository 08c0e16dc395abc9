"""The rules of the certificate that a distribution shows to viewers, and of its security policy.

Sources: API reference (ViewerCertificate), Developer Guide ("Supported protocols and ciphers between viewers and
CloudFront", "Use custom URLs by adding alternate domain names"). Called by `rules` with a config that `fill_defaults`
has filled.
"""

from edgeward.aws.model import Shape
from edgeward.certificates import CertificateError
from edgeward.services.cloudfront.distribution.fields import Field, items_of, shown
from edgeward.services.cloudfront.distribution.references import References

DEFAULT_SECURITY_POLICY = "TLSv1"
"""Of a distribution without a certificate of its own, whatever it says (API reference, ViewerCertificate)."""


def own_certificate_id(config: Shape) -> str | None:
    """The id of the certificate that the distribution names: the last part of an ARN of ACM, or what IAM calls it.

    None where it has CloudFront's.
    """
    certificate = config.get("ViewerCertificate", {})
    arn = certificate.get("ACMCertificateArn") or ""
    return arn.rpartition("/")[2] or certificate.get("IAMCertificateId") or None


def security_policy(config: Shape) -> str:
    """The policy that counts, as MinimumProtocolVersion spells it. `config` is filled with defaults."""
    if own_certificate_id(config) is None:
        return DEFAULT_SECURITY_POLICY
    policy: str = config["ViewerCertificate"]["MinimumProtocolVersion"]
    return policy


def check_viewer_certificate(config: Shape) -> None:
    """Exactly one source of a certificate, and a security policy that goes with how viewers ask for it."""
    at, certificate = Field().member("ViewerCertificate"), config["ViewerCertificate"]
    chosen = [source for source in _SOURCES if certificate.get(source)]
    if len(chosen) != 1:
        choices = ", ".join(_SOURCES)
        message = f"set exactly one of {choices}; set are {' and '.join(chosen) or 'none'}"
        raise at.refused(message, "InvalidViewerCertificate")
    if "CloudFrontDefaultCertificate" in chosen:
        return  # The other members mean nothing with it (API reference, ViewerCertificate).
    arn = certificate.get("ACMCertificateArn", "")
    if arn and not arn.startswith(_ACM_ARNS):
        message = "CloudFront takes certificates of us-east-1 only; request the certificate there"
        raise at.member("ACMCertificateArn").refused(message, "InvalidViewerCertificate")
    if "SSLSupportMethod" not in certificate:
        message = "is missing; a certificate of your own needs sni-only, vip or static-ip"
        raise at.member("SSLSupportMethod").refused(message, "InvalidViewerCertificate")
    _check_security_policy(at.member("MinimumProtocolVersion"), certificate)


def check_own_certificate(config: Shape, references: References) -> None:
    """The certificate that the distribution names is there, and covers its aliases."""
    named = own_certificate_id(config)
    if named is None:
        return
    at = Field().member("ViewerCertificate")
    try:
        names = references.certificate_names(named)
    except CertificateError as error:
        raise at.refused(str(error), "InvalidViewerCertificate") from error
    if names is None:
        message = (
            f"there is no certificate {shown(named)!r}; put it into the folder of certificates, as {shown(named)}.pem"
        )
        raise at.refused(message, "InvalidViewerCertificate")
    for alias in items_of(config["Aliases"]):
        if not _is_covered(alias, names):
            message = f"the certificate {shown(named)!r} is not for the alias {alias}; it is for {', '.join(names)}"
            raise at.refused(message, "InvalidViewerCertificate")


def _is_covered(alias: str, names: tuple[str, ...]) -> bool:
    """A wildcard of a certificate stands for one label (RFC 9525 section 6.3)."""
    return alias in names or f"*.{alias.partition('.')[2]}" in names


def _check_security_policy(at: Field, certificate: Shape) -> None:
    method, policy = certificate["SSLSupportMethod"], certificate.get("MinimumProtocolVersion")
    if policy == "SSLv3" and method == "sni-only":
        message = "viewers that send a server name speak TLSv1 at least; choose another version"
        raise at.refused(message, "InvalidMinimumProtocolVersion")
    if method == "vip" and policy not in (None, "SSLv3", "TLSv1"):
        message = f"{policy} does not go with SSLSupportMethod vip; choose SSLv3 or TLSv1, or use sni-only"
        raise at.refused(message, "InvalidMinimumProtocolVersion")


_ACM_ARNS = ("arn:aws:acm:us-east-1:", "arn:aws-cn:acm:us-east-1:")
_SOURCES = ("CloudFrontDefaultCertificate", "ACMCertificateArn", "IAMCertificateId")
