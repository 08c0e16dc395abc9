"""Rules about the way from viewers to the edge: certificates, TLS, who signs URLs.

What CloudFront allows and this edge does not, or the other way round, is told too. Called through `rules.findings`.
"""

from collections.abc import Iterator

from edgeward.lint.rules.subject import Finding, Subject, items


def alias_without_certificate(subject: Subject) -> Iterator[Finding]:
    """Guide, "Use custom URLs by adding alternate domain names": a certificate has to cover them."""
    aliases = items(subject.config.get("Aliases"))
    if aliases and subject.config.get("ViewerCertificate", {}).get("CloudFrontDefaultCertificate", True):
        yield Finding(
            "alias-without-certificate",
            "warning",
            "ViewerCertificate",
            f"no certificate covers {aliases[0]}: CloudFront refuses this, and here the local authority steps in",
            "name a certificate for all aliases before it serves the public",
        )


def certificate_of_other_region(subject: Subject) -> Iterator[Finding]:
    """Guide, "Requirements for using SSL/TLS certificates with CloudFront": the region is us-east-1."""
    arn = subject.config.get("ViewerCertificate", {}).get("ACMCertificateArn") or ""
    region = arn.split(":")[3] if arn.count(":") > 3 else CERTIFICATE_REGION
    if region != CERTIFICATE_REGION:
        yield Finding(
            "certificate-of-other-region",
            "warning",
            "ViewerCertificate",
            f"the certificate is of {region}: CloudFront itself takes only {CERTIFICATE_REGION}'s",
            f"request or import it in {CERTIFICATE_REGION}",
        )


def viewers_in_clear(subject: Subject) -> Iterator[Finding]:
    """Guide, "Require HTTPS for communication between viewers and CloudFront"."""
    for where, behavior in subject.behaviors():
        if behavior.get("ViewerProtocolPolicy") == "allow-all":
            yield Finding(
                "viewers-in-clear",
                "hint",
                where,
                "viewers are served over http as well",
                "set ViewerProtocolPolicy to redirect-to-https",
            )


def old_tls_to_viewers(subject: Subject) -> Iterator[Finding]:
    """Guide, "Supported protocols and ciphers between viewers and CloudFront"."""
    certificate = subject.config.get("ViewerCertificate", {})
    policy = certificate.get("MinimumProtocolVersion", "TLSv1")
    is_own = certificate.get("ACMCertificateArn") or certificate.get("IAMCertificateId")
    if is_own and policy in _OLD_POLICIES:
        yield Finding(
            "old-tls-to-viewers",
            "warning",
            "ViewerCertificate",
            f"{policy} allows ciphers that are broken or not forward secret at CloudFront, and none of them here: "
            "viewers who have nothing else are turned away",
            "set MinimumProtocolVersion to TLSv1.2_2021 or newer",
        )


def signers_by_account(subject: Subject) -> Iterator[Finding]:
    """Guide, "Specify signers": key groups are recommended over accounts."""
    for where, behavior in subject.behaviors():
        if behavior.get("TrustedSigners", {}).get("Enabled"):
            yield Finding(
                "signers-by-account",
                "warning",
                where,
                "signed URLs are checked against key pairs of an account, which need its root user",
                "use a trusted key group",
            )


_OLD_POLICIES = ("SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016", "TLSv1.2_2018", "TLSv1.2_2019")
CERTIFICATE_REGION = "us-east-1"
