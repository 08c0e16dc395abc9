"""The header fields in which CloudFront tells about the viewer, and those of them that this edge can write.

A policy may name any of them; attaching it to a cache behavior is refused when the edge would have to make a value
up. Source: Developer Guide, "Add CloudFront request headers".
"""

from collections.abc import Iterable

from edgeward.aws.engine import Proposal
from edgeward.aws.errors import ApiError

WRITTEN = frozenset(
    {
        "cloudfront-forwarded-proto",
        "cloudfront-viewer-address",
        "cloudfront-viewer-http-version",
        "cloudfront-viewer-tls",
    }
)
"""What the edge writes: it follows from the connection alone, without data about devices or places."""


def unwritten(names: Iterable[str]) -> list[str]:
    """Those of `names` (lower case) that only CloudFront could write, in order."""
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
