"""Key groups: the public keys that the signers of a cache behavior's URLs and cookies hold.

A change republishes the distributions that trust the group. Rules: API reference, KeyGroupConfig; Developer Guide,
"Specify signers that can create signed URLs" and "Quotas".
"""

from collections.abc import Iterator

from edgeward.aws.engine import Proposal, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Reference, Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.policy_selections import check_text
from edgeward.services.cloudfront.republishing import republish_users


def check(proposal: Proposal) -> None:
    """At least one public key, all of which exist, each once. Raises ApiError."""
    check_text(proposal.config, "key group")
    keys: list[str] = proposal.config["Items"]
    if not keys:
        raise ApiError("InvalidArgument", "Items is empty. Name at least one public key.")
    most = proposal.quotas[quotas.KEYS_PER_GROUP]
    if len(keys) > most:
        raise ApiError(quotas.KEYS_PER_GROUP.error, f"A key group has at most {most} public keys.")
    if len(set(keys)) < len(keys):
        raise ApiError("InvalidArgument", "Items names a public key twice. Name each once.")
    for key in keys:
        if proposal.transaction.find("public-key", key) is None:
            raise ApiError("InvalidArgument", f"There is no public key with the id '{key}'. Create it first.")


def references(config: Shape) -> Iterator[Reference]:
    """The keys of the group."""
    return (Reference(kind="public-key", target=key) for key in config["Items"])


def describe(_transaction: Transaction, group: Resource) -> Shape:
    """The KeyGroup structure."""
    return {"Id": group.id, "LastModifiedTime": group.modified, "KeyGroupConfig": group.config}


def summarize(transaction: Transaction, group: Resource) -> Shape:
    """The KeyGroupSummary structure."""
    return {"KeyGroup": describe(transaction, group)}


SPEC = ResourceSpec(
    family="key-group",
    noun="KeyGroup",
    plural="KeyGroups",
    no_such="NoSuchResource",
    already_exists="KeyGroupAlreadyExists",
    in_use="ResourceInUse",
    name_member="Name",
    quota=quotas.KEY_GROUPS,
    new_id=lambda identifiers: identifiers.uuid(),
    check=check,
    references=references,
    describe=describe,
    summarize=summarize,
    on_change=republish_users,
)
