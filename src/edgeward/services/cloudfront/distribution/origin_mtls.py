"""The rules of the certificate that an edge shows to an origin (origin mutual TLS).

Sources: API reference (OriginMtlsConfig), Developer Guide ("Origin mutual TLS with CloudFront", "Certificate management
with AWS Certificate Manager"). Called by `rules` with a config that `fill_defaults` has filled. Differs from
CloudFront: a certificate of any region will do, and an origin that is asked without TLS is refused here, because it
would never be shown anything.
"""

from collections.abc import Iterator

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.fields import Field, behaviors, items_of, origins, shown
from edgeward.services.cloudfront.distribution.references import References


def client_certificate_arn(origin: Shape) -> str | None:
    """The ARN of the certificate that is shown to an origin; None where nothing is."""
    return origin.get("CustomOriginConfig", {}).get("OriginMtlsConfig", {}).get("ClientCertificateArn") or None


def client_certificate_arns(config: Shape) -> Iterator[str]:
    """The ARNs of all origins of a distribution."""
    for _, origin in origins(config):
        arn = client_certificate_arn(origin)
        if arn is not None:
            yield arn


def check_client_certificates(config: Shape, references: References) -> None:
    """Each certificate that is shown to an origin is there, is issued, and is one for clients."""
    for at, origin in origins(config):
        arn = client_certificate_arn(origin)
        if arn is not None:
            _check_protocol(at.member("CustomOriginConfig.OriginProtocolPolicy"), origin["CustomOriginConfig"])
            place = at.member("CustomOriginConfig.OriginMtlsConfig.ClientCertificateArn")
            _check_certificate(place, arn, references)
    _check_no_grpc(config)


def _check_no_grpc(config: Shape) -> None:
    """Of gRPC the guide says that it does not go together with a certificate for the origin."""
    showing = {origin["Id"] for _, origin in origins(config) if client_certificate_arn(origin)}
    for group in items_of(config["OriginGroups"]):
        if showing.intersection(member["OriginId"] for member in items_of(group["Members"])):
            showing.add(group["Id"])
    for at, behavior in behaviors(config):
        if behavior.get("GrpcConfig", {}).get("Enabled") and behavior["TargetOriginId"] in showing:
            message = "gRPC does not go together with the OriginMtlsConfig of its origin; leave one of them out"
            raise at.member("GrpcConfig.Enabled").refused(message)


def _check_protocol(at: Field, custom: Shape) -> None:
    if custom["OriginProtocolPolicy"] != "https-only":
        message = f"{custom['OriginProtocolPolicy']} does not always show the certificate to the origin; use https-only"
        raise at.refused(message)


def _check_certificate(at: Field, arn: str, references: References) -> None:
    certificate = references.own_certificate(arn)
    if certificate is None:
        raise at.refused(f"there is no certificate {shown(arn)!r}; import it by ACM's API")
    if certificate.status != "ISSUED":
        raise at.refused(f"the certificate's status is {certificate.status}; only one that is ISSUED can be shown")
    if not certificate.is_for_clients:
        message = "the certificate's extended key usage lacks TLS Web Client Authentication; import one that has it"
        raise at.refused(message)
