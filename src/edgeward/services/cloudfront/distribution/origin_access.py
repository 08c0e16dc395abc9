"""Which origins an origin access control (OAC) may sign for.

Sources: API reference (Origin, OriginAccessControlConfig), Developer Guide ("Restrict access to an Amazon
S3 origin"). CreateDistribution's errors hold no NoSuchOriginAccessControl: an unknown id is
InvalidOriginAccessControl. Called by `rules`, after every origin is sound in itself.
"""

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.fields import Field, origins, shown
from edgeward.services.cloudfront.distribution.references import References
from edgeward.services.cloudfront.distribution.s3_names import parse_bucket_name


def check_origin_access(config: Shape, references: References) -> None:
    """Each OriginAccessControlId exists and fits its origin."""
    for at, origin in origins(config):
        if origin["OriginAccessControlId"]:
            _check_alone(at, origin)
            _check_fit(at.member("OriginAccessControlId"), origin, references)
            _check_signable_name(at.member("DomainName"), origin)


def _check_alone(at: Field, origin: Shape) -> None:
    if origin.get("S3OriginConfig", {}).get("OriginAccessIdentity"):
        message = "has both an origin access control and an origin access identity; keep one of them"
        raise at.refused(message, "IllegalOriginAccessConfiguration")


def _check_fit(at: Field, origin: Shape, references: References) -> None:
    control = references.origin_access_control(origin["OriginAccessControlId"])
    if control is None:
        message = f"there is no origin access control with the id {shown(origin['OriginAccessControlId'])!r}"
        raise at.refused(f"{message}; create it first", "InvalidOriginAccessControl")
    mistake = _misfit(origin, control)
    if mistake is not None:
        raise at.refused(mistake, "InvalidOriginAccessControl")


def _misfit(origin: Shape, control: Shape) -> str | None:
    """Why this origin access control cannot sign for this origin."""
    origin_type, behavior = control["OriginAccessControlOriginType"], control["SigningBehavior"]
    if origin_type != "s3":
        return f"is of origin type {origin_type}, and this edge signs for s3 only yet; use one of type s3"
    if "S3OriginConfig" not in origin:
        return "is of origin type s3, and the origin is none; give the origin S3OriginConfig"
    if control["SigningProtocol"] != "sigv4":
        return f"signs by {control['SigningProtocol']}, and this edge signs by sigv4 only yet; use one that does"
    if behavior not in _S3_SIGNING_BEHAVIORS:
        return f"has SigningBehavior {behavior}; for S3 it is one of {', '.join(_S3_SIGNING_BEHAVIORS)}"
    return None


def _check_signable_name(at: Field, origin: Shape) -> None:
    if "S3OriginConfig" not in origin:
        return
    bucket = parse_bucket_name(origin["DomainName"])
    if bucket is None or bucket.is_website:
        message = f"{shown(origin['DomainName'])!r} cannot check signatures; use bucket.s3.<region>.amazonaws.com"
        raise at.refused(message, "InvalidDomainNameForOriginAccessControl")


_S3_SIGNING_BEHAVIORS = ("always", "never", "no-override")
