"""Origin request policies: what goes to the origin without being in the cache key.

Managed policies are part of every account, cannot be changed, and are listed beside the custom ones. A change of a
policy republishes the distributions that use it. Rules: API reference, OriginRequestPolicyConfig; Developer Guide,
"Control origin requests with a policy" and "Quotas".
"""

from datetime import UTC, datetime

from edgeward.aws.engine import Proposal, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.managed_origin_request_policies import MANAGED_ORIGIN_REQUEST_POLICIES
from edgeward.services.cloudfront.managed_resources import managed_resources
from edgeward.services.cloudfront.policy_selections import (
    check_selection,
    check_text,
    check_total_length,
    header_names,
    selections,
)
from edgeward.services.cloudfront.republishing import republish_users
from edgeward.services.cloudfront.viewer_headers import refuse_unwritten_while_attached


def check(proposal: Proposal) -> None:
    """The rules of an origin request policy that its shape does not state. Raises ApiError with CloudFront's code."""
    config = proposal.config
    check_text(config, NOUN)
    for selection in SELECTIONS:
        check_selection(config, selection, NOUN, proposal.quotas)
    _check_headers(config)
    most = proposal.quotas[quotas.ORIGIN_REQUEST_POLICY_NAMES_LENGTH]
    check_total_length(config, "OriginRequestPolicy", NOUN, most)
    refuse_unwritten_while_attached(proposal, header_names(config))


def describe(_transaction: Transaction, policy: Resource) -> Shape:
    """The OriginRequestPolicy structure."""
    return {"Id": policy.id, "LastModifiedTime": policy.modified, "OriginRequestPolicyConfig": policy.config}


def summarize(transaction: Transaction, policy: Resource) -> Shape:
    """The OriginRequestPolicySummary structure."""
    kind = "managed" if policy.id in MANAGED else "custom"
    return {"Type": kind, "OriginRequestPolicy": describe(transaction, policy)}


def _check_headers(config: Shape) -> None:
    behavior, names = config["HeadersConfig"]["HeaderBehavior"], set(header_names(config))
    if behavior == "allViewerAndWhitelistCloudFront":
        foreign = sorted(name for name in names if not name.startswith("cloudfront-"))
        if foreign:
            raise ApiError(
                "InvalidArgument",
                f"With allViewerAndWhitelistCloudFront every viewer header is forwarded, and Headers lists those of "
                f"CloudFront alone. Leave out {', '.join(foreign)}.",
            )
    if behavior == "whitelist":
        refused = sorted(name for name in names if name in UNLISTED or name.startswith(UNLISTED_PREFIXES))
        if refused:
            raise ApiError(
                "InvalidArgument",
                f"These headers cannot be listed in an origin request policy: {', '.join(refused)}. "
                "Authorization goes into a cache policy, or goes with allViewer; cookies have CookiesConfig.",
            )


NOUN = "origin request policy"
SELECTIONS = selections("OriginRequestPolicy")
UNLISTED = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-forwarded-proto",
        "x-real-ip",
    }
)
"""Never forwarded by name (Developer Guide, "Configure CloudFront to forward the Authorization header" and
"Request and response behavior for custom origins")."""
UNLISTED_PREFIXES = ("proxy-", "x-edge-", "x-amz-cf-")

MANAGED = managed_resources("origin-request-policy", MANAGED_ORIGIN_REQUEST_POLICIES, datetime(2020, 7, 22, tzinfo=UTC))

SPEC = ResourceSpec(
    family="origin-request-policy",
    noun="OriginRequestPolicy",
    plural="OriginRequestPolicies",
    no_such="NoSuchOriginRequestPolicy",
    already_exists="OriginRequestPolicyAlreadyExists",
    in_use="OriginRequestPolicyInUse",
    name_member="Name",
    quota=quotas.ORIGIN_REQUEST_POLICIES,
    managed=MANAGED,
    new_id=lambda identifiers: identifiers.uuid(),
    check=check,
    describe=describe,
    summarize=summarize,
    on_change=republish_users,
)
