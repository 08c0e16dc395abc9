"""Managed policies as resources, which listings show beside an account's own.

Nobody can change them, so their ETag and times are those of a day. Called by the families that have such policies.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from edgeward.aws.resources import Resource
from edgeward.services.cloudfront.managed_policies import ManagedPolicy


def managed_resources(family: str, policies: Iterable[ManagedPolicy], introduced: datetime) -> Mapping[str, Resource]:
    """The policies by id, dated to the day CloudFront introduced policies of their kind."""
    return {
        policy.id: Resource(
            family=family,
            id=policy.id,
            etag="E23ZP02F085DFQ",
            config=policy.config,
            created=introduced,
            modified=introduced,
            name=policy.config["Name"],
        )
        for policy in policies
    }
