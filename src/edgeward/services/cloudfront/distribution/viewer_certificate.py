"""The rules of the certificate that a distribution shows to viewers, and of its security policy.

Sources: API reference (ViewerCertificate), Developer Guide ("Supported protocols and ciphers between viewers and
CloudFront", "Use custom URLs by adding alternate domain names"). Called by `rules` with a config that `fill_defaults`
has filled. Differs from CloudFront: a certificate of any region will do.
"""

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.fields import Field, items_of, shown
from edgeward.services.cloudfront.distribution.references import References

DEFAULT_SECURITY_POLICY = "TLSv1"
"""Of a distribution without a certificate of its own, whatever it says (API reference, ViewerCertificate)."""


def own_certificate_name(config: Shape) -> str | None:
    """The ARN of ACM's certificate, or the id of IAM's, that the distribution names; None where it has CloudFront's."""
    certificate = config.get("ViewerCertificate", {})
    return certificate.get("ACMCertificateArn") or certificate.get("IAMCertificateId") or None


def security_policy(config: Shape) -> str:
    """The policy that counts, as MinimumProtocolVersion spells it. `config` is filled with defaults."""
    if own_certificate_name(config) is None:
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
    if "SSLSupportMethod" not in certificate:
        message = "is missing; a certificate of your own needs sni-only, vip or static-ip"
        raise at.member("SSLSupportMethod").refused(message, "InvalidViewerCertificate")
    _check_security_policy(at.member("MinimumProtocolVersion"), certificate)


def check_own_certificate(config: Shape, references: References) -> None:
    """The certificate that the distribution names is there, is issued, and covers its aliases."""
    name = own_certificate_name(config)
    if name is None:
        return
    member = "ACMCertificateArn" if config["ViewerCertificate"].get("ACMCertificateArn") else "IAMCertificateId"
    at, certificate = Field().member(f"ViewerCertificate.{member}"), references.own_certificate(name)
    if certificate is None:
        how = _BY_API[member]
        raise at.refused(f"there is no certificate {shown(name)!r}; {how}", "InvalidViewerCertificate")
    if certificate.path is not None and not certificate.path.startswith(CLOUDFRONT_PATH):
        message = f"the certificate's path is {shown(certificate.path)}; move it to one that begins {CLOUDFRONT_PATH}"
        raise at.refused(message, "InvalidViewerCertificate")
    if certificate.status != "ISSUED":
        message = f"the certificate's status is {certificate.status}; only one that is ISSUED can be shown"
        raise at.refused(message, "InvalidViewerCertificate")
    for alias in items_of(config["Aliases"]):
        if not _is_covered(alias, certificate.names):
            message = f"the certificate is not for the alias {alias}; it is for {shown(', '.join(certificate.names))}"
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


CLOUDFRONT_PATH = "/cloudfront/"
"""How the paths of IAM's certificates begin that CloudFront may use (IAM User Guide, "Manage server certificates")."""
_BY_API = {
    "ACMCertificateArn": "import it by ACM's API",
    "IAMCertificateId": "upload it by IAM's API, and name it by its ServerCertificateId",
}
_SOURCES = ("CloudFrontDefaultCertificate", "ACMCertificateArn", "IAMCertificateId")
