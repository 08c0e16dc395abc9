"""The policies that cache behaviors attach: each exists, and asks for nothing that this edge would have to make up.

Called by `rules`, once the document itself is sound. Sources: API reference (CacheBehavior), Developer Guide ("Add
CloudFront request headers").
"""

from collections.abc import Iterator

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.fields import Field, behaviors, shown
from edgeward.services.cloudfront.distribution.references import References
from edgeward.services.cloudfront.policy_selections import header_names
from edgeward.services.cloudfront.viewer_headers import unwritten


def check_policies(config: Shape, references: References) -> None:
    """Every attached policy, in the order of the cache behaviors."""
    for at, behavior in behaviors(config):
        if policy_id := behavior.get("ResponseHeadersPolicyId"):
            place = at.member("ResponseHeadersPolicyId")
            _found(place, references.response_headers_policy(policy_id), behavior, "response headers policy")
        for place, parameters in _selecting_policies(at, behavior, references):
            missing = unwritten(header_names(parameters))
            if missing:
                message = f"the policy names headers that this edge cannot write yet: {', '.join(missing)}"
                raise place.refused(f"{message}; attach a policy without them")


def _selecting_policies(at: Field, behavior: Shape, references: References) -> Iterator[tuple[Field, Shape]]:
    """Where each policy that selects header fields is attached, and its selections."""
    if behavior.get("CachePolicyId"):
        place = at.member("CachePolicyId")
        policy = _found(place, references.cache_policy(behavior["CachePolicyId"]), behavior, "cache policy")
        if "ParametersInCacheKeyAndForwardedToOrigin" in policy:
            yield place, policy["ParametersInCacheKeyAndForwardedToOrigin"]
    if behavior.get("OriginRequestPolicyId"):
        place = at.member("OriginRequestPolicyId")
        found = references.origin_request_policy(behavior["OriginRequestPolicyId"])
        yield place, _found(place, found, behavior, "origin request policy")


def _found(at: Field, policy: Shape | None, behavior: Shape, noun: str) -> Shape:
    if policy is None:
        code = "NoSuch" + noun.title().replace(" ", "")
        member = at.path.rsplit(".", 1)[-1]
        message = f"there is no {noun} with the id {shown(behavior[member])!r}; create it, or use a managed one"
        raise at.refused(message, code)
    return policy
