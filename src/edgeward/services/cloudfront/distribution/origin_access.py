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
    is_for_s3 = control["OriginAccessControlOriginType"] == "s3"
    if is_for_s3 != ("S3OriginConfig" in origin):
        kind = "an origin with S3OriginConfig" if is_for_s3 else "an origin with CustomOriginConfig"
        message = f"this origin access control is of origin type {control['OriginAccessControlOriginType']}"
        raise at.refused(f"{message}, which needs {kind}", "InvalidOriginAccessControl")
    if is_for_s3 and control["SigningBehavior"] not in _S3_SIGNING_BEHAVIORS:
        message = f"an S3 origin is not signed {control['SigningBehavior']!r}; choose one of"
        raise at.refused(f"{message} {', '.join(_S3_SIGNING_BEHAVIORS)}", "InvalidOriginAccessControl")


def _check_signable_name(at: Field, origin: Shape) -> None:
    if "S3OriginConfig" not in origin:
        return
    bucket = parse_bucket_name(origin["DomainName"])
    if bucket is None or bucket.is_website:
        message = f"{shown(origin['DomainName'])!r} cannot check signatures; use bucket.s3.<region>.amazonaws.com"
        raise at.refused(message, "InvalidDomainNameForOriginAccessControl")


_S3_SIGNING_BEHAVIORS = ("always", "never", "no-override")
