"""The header fields in which CloudFront tells about the viewer, and those of them that this edge can write.

A policy may name any of them; attaching it to a cache behavior is refused when the edge would have to make a value
up. Where data about a place are missing, the edge leaves the header out, as CloudFront does for addresses it does not
know. Source: Developer Guide, "Add CloudFront request headers".
"""

from collections.abc import Iterable

from edgeward.aws.engine import Proposal
from edgeward.aws.errors import ApiError

_DEVICE = """
    cloudfront-is-android-viewer cloudfront-is-desktop-viewer cloudfront-is-ios-viewer cloudfront-is-mobile-viewer
    cloudfront-is-smarttv-viewer cloudfront-is-tablet-viewer
"""
_PLACE = """
    cloudfront-viewer-asn cloudfront-viewer-city cloudfront-viewer-country cloudfront-viewer-country-name
    cloudfront-viewer-country-region cloudfront-viewer-country-region-name cloudfront-viewer-latitude
    cloudfront-viewer-longitude cloudfront-viewer-metro-code cloudfront-viewer-postal-code
    cloudfront-viewer-time-zone
"""
_TRANSPORT = """
    cloudfront-forwarded-proto cloudfront-viewer-address cloudfront-viewer-header-count
    cloudfront-viewer-header-order cloudfront-viewer-http-version cloudfront-viewer-ja3-fingerprint
    cloudfront-viewer-ja4-fingerprint cloudfront-viewer-tls
"""
_CERTIFICATE = """
    cloudfront-viewer-cert-issuer cloudfront-viewer-cert-pem cloudfront-viewer-cert-present
    cloudfront-viewer-cert-serial-number cloudfront-viewer-cert-sha256 cloudfront-viewer-cert-subject
    cloudfront-viewer-cert-validity
"""
WRITTEN = frozenset((_DEVICE + _PLACE + _TRANSPORT + _CERTIFICATE).split())
"""What the edge writes: from the User-Agent, from data about addresses, from connection and request alone, and from the
certificates that viewers show."""

NOT_IN_CACHE_KEY = frozenset(
    {
        "cloudfront-viewer-address",
        "cloudfront-viewer-asn",
        "cloudfront-viewer-cert-pem",
        "cloudfront-viewer-cert-validity",
        "cloudfront-viewer-ja3-fingerprint",
        "cloudfront-viewer-ja4-fingerprint",
        "cloudfront-viewer-tls",
    }
)
"""For origin request policies only (Developer Guide, the same page, and "Viewer mTLS headers")."""


def unwritten(names: Iterable[str]) -> list[str]:
    """Those of `names` (lower case) that the edge cannot write, in order."""
    return sorted({name for name in names if name.startswith("cloudfront-")} - WRITTEN)


def refuse_unwritten_while_attached(proposal: Proposal, names: Iterable[str]) -> None:
    """A policy that distributions use cannot be changed to name what the edge cannot write.

    Raises ApiError `InvalidArgument`.
    """
    before, missing = proposal.before, unwritten(names)
    if missing and before is not None and proposal.transaction.referrers(before.family, before.id):
        raise ApiError(
            "InvalidArgument",
            f"This edge cannot write {', '.join(missing)} yet, and the policy is attached to distributions. "
            "Leave these headers out, or detach the policy first.",
        )
