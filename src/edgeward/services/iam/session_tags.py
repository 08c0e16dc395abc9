"""The tags of a session: those that AssumeRole asks for, and those that the caller's own session hands on.

Rules: IAM User Guide, "Pass session tags in AWS STS". Invariant: a tag that is handed on is what it was; nobody in the
chain can give it another value.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from edgeward.aws.access import Caller
from edgeward.aws.engine import Call
from edgeward.aws.errors import ApiError


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTags:
    """What a session will have."""

    requested: Mapping[str, str]
    inherited: Mapping[str, str]
    transitive: tuple[str, ...]
    """The keys of those that it hands on."""

    @property
    def all(self) -> Mapping[str, str]:
        """Its tags."""
        return {**self.requested, **self.inherited}

    @property
    def packed(self) -> int:
        """How much of the room for tags they take, in percent."""
        return sum(len(key) + len(value) for key, value in self.all.items()) * 100 // MOST_CHARACTERS


def session_tags(call: Call) -> SessionTags:
    """The tags of the session that a call of AssumeRole would make. Raises ApiError `ValidationError`."""
    requested = {tag["Key"]: tag["Value"] for tag in call.members.get("Tags", [])}
    inherited = _handed_on(call.caller)
    keys = [tag["Key"].lower() for tag in call.members.get("Tags", [])]
    if len(set(keys)) < len(keys):
        raise ApiError("ValidationError", "Tags has a key twice; keys differ in more than their case.")
    if any(key.startswith("aws:") for key in keys):
        raise ApiError("ValidationError", "A tag key may not begin with aws:, which AWS reserves.")
    if taken := sorted(set(keys) & {key.lower() for key in inherited}):
        raise ApiError("ValidationError", f"The tag '{taken[0]}' comes from the calling session and cannot be set.")
    asked = tuple(call.members.get("TransitiveTagKeys", ()))
    if any(key.lower() not in keys for key in asked):
        raise ApiError("ValidationError", "TransitiveTagKeys names a tag that is not among Tags.")
    tags = SessionTags(requested=requested, inherited=inherited, transitive=(*asked, *inherited))
    if tags.packed > 100:
        raise ApiError("PackedPolicyTooLarge", f"Session tags have at most {MOST_CHARACTERS} characters together.")
    return tags


def _handed_on(caller: Caller) -> Mapping[str, str]:
    keys = {key.lower() for key in caller.transitive_tag_keys}
    return {key: value for key, value in caller.session_tags.items() if key.lower() in keys}


MOST_CHARACTERS = 4_096
"""Of keys and values; AWS bounds a packed form that it does not describe."""
