"""Field-level encryption: profiles (which fields, to which key) and configurations (which profile, when).

A configuration refers to profiles, a profile to a public key, and a cache behavior to a configuration. Rules: API
reference, FieldLevelEncryptionConfig and FieldLevelEncryptionProfileConfig; Developer Guide, "Use field-level
encryption to help protect sensitive data" and "Quotas".
"""

import re
from collections.abc import Iterator

from edgeward.aws.engine import Proposal, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape, copy_of
from edgeward.aws.resources import Reference, Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.distribution.fields import items_of
from edgeward.services.cloudfront.policy_selections import LONGEST_COMMENT, check_text
from edgeward.services.cloudfront.republishing import republish_users


def check_profile(proposal: Proposal) -> None:
    """The rules of a profile. Raises ApiError."""
    config = proposal.config
    check_text(config, "profile")
    entities = items_of(config["EncryptionEntities"])
    if not entities:
        raise ApiError("InvalidArgument", "EncryptionEntities is empty. Name the key and the fields to encrypt.")
    if len(entities) > MOST_ENTITIES:
        raise ApiError(
            "TooManyFieldLevelEncryptionEncryptionEntities",
            f"EncryptionEntities has {len(entities)} items; a profile has {MOST_ENTITIES}.",
        )
    for entity in entities:
        _check_entity(proposal, entity)


def profile_references(config: Shape) -> Iterator[Reference]:
    """The public keys of a profile."""
    entities = items_of(config["EncryptionEntities"])
    return (Reference(kind="public-key", target=entity["PublicKeyId"]) for entity in entities)


def fill_defaults(config: Shape) -> Shape:
    """CloudFront answers with empty lists where a configuration names no profiles."""
    filled: Shape = copy_of(config)
    for part, profiles in _LISTS:
        if profiles in filled.get(part, {}):
            filled[part][profiles].setdefault("Items", [])
    return filled


def check_config(proposal: Proposal) -> None:
    """The rules of a configuration. Raises ApiError."""
    if len(proposal.config.get("Comment", "")) > LONGEST_COMMENT:
        raise ApiError("InvalidArgument", f"Comment is longer than {LONGEST_COMMENT} characters.")
    _check_query_arguments(_query_arguments(proposal.config), proposal.quotas[quotas.QUERY_ARGUMENT_PROFILES])
    _check_content_types(_content_types(proposal.config))
    for reference in config_references(proposal.config):
        if proposal.transaction.find(PROFILE.family, reference.target) is None:
            raise ApiError(
                "NoSuchFieldLevelEncryptionProfile",
                f"There is no field-level encryption profile with the id '{reference.target}'. Create it first.",
            )


def config_references(config: Shape) -> Iterator[Reference]:
    """The profiles of a configuration."""
    for item in [*_query_arguments(config), *_content_types(config)]:
        if item.get("ProfileId"):
            yield Reference(kind=PROFILE.family, target=item["ProfileId"])


def _check_entity(proposal: Proposal, entity: Shape) -> None:
    if proposal.transaction.find("public-key", entity["PublicKeyId"]) is None:
        raise ApiError("NoSuchPublicKey", f"There is no public key with the id '{entity['PublicKeyId']}'.")
    if not re.fullmatch(PROVIDER_PATTERN, entity["ProviderId"]):
        raise ApiError("InvalidArgument", "ProviderId has 1 to 128 letters, digits and the characters : . _ -.")
    patterns = items_of(entity["FieldPatterns"])
    most = proposal.quotas[quotas.ENCRYPTED_FIELDS]
    if len(patterns) > most:
        raise ApiError(
            quotas.ENCRYPTED_FIELDS.error, f"FieldPatterns has {len(patterns)} items; a profile has at most {most}."
        )
    _check_patterns(patterns)


def _check_patterns(patterns: list[str]) -> None:
    if not patterns:
        raise ApiError("InvalidArgument", "FieldPatterns is empty. Name at least one field.")
    for pattern in patterns:
        if not re.fullmatch(FIELD_PATTERN, pattern):
            raise ApiError(
                "InvalidArgument",
                f"'{pattern[:80]}' is no name of a field: letters, digits and the characters [ ] . _ -, with * as the "
                "last one at most.",
            )
    for pattern in patterns:
        others = (other for other in patterns if other is not pattern)
        if any(_covers(other, pattern) for other in others):
            raise ApiError("InvalidArgument", f"The field '{pattern}' is covered by another pattern. Leave one out.")


def _covers(pattern: str, name: str) -> bool:
    """Whether every field that `name` stands for is one of `pattern`'s."""
    return pattern == name or (pattern.endswith("*") and name.startswith(pattern[:-1]))


def _check_query_arguments(profiles: list[Shape], most: int) -> None:
    if len(profiles) > most:
        raise ApiError(
            quotas.QUERY_ARGUMENT_PROFILES.error,
            f"QueryArgProfiles has {len(profiles)} items; a configuration has at most {most}.",
        )
    seen = set()
    for profile in profiles:
        if not profile["ProfileId"]:
            raise ApiError("QueryArgProfileEmpty", f"The query argument '{profile['QueryArg']}' has no profile.")
        if not profile["QueryArg"] or profile["QueryArg"] in seen:
            raise ApiError("InvalidArgument", "QueryArgProfiles has an empty or repeated QueryArg.")
        seen.add(profile["QueryArg"])


def _check_content_types(profiles: list[Shape]) -> None:
    if len(profiles) > MOST_CONTENT_TYPES:
        raise ApiError(
            "TooManyFieldLevelEncryptionContentTypeProfiles",
            f"ContentTypeProfiles has {len(profiles)} items; a configuration has at most {MOST_CONTENT_TYPES}.",
        )
    for profile in profiles:
        if profile["ContentType"] != CONTENT_TYPE:
            raise ApiError("InvalidArgument", f"ContentType has to be {CONTENT_TYPE}, the one that can be encrypted.")


def _query_arguments(config: Shape) -> list[Shape]:
    part, profiles = _LISTS[0]
    return items_of(config.get(part, {}).get(profiles))


def _content_types(config: Shape) -> list[Shape]:
    part, profiles = _LISTS[1]
    return items_of(config.get(part, {}).get(profiles))


_LISTS = (("QueryArgProfileConfig", "QueryArgProfiles"), ("ContentTypeProfileConfig", "ContentTypeProfiles"))


def _describe_profile(_transaction: Transaction, profile: Resource) -> Shape:
    return {
        "Id": profile.id,
        "LastModifiedTime": profile.modified,
        "FieldLevelEncryptionProfileConfig": profile.config,
    }


def _describe_config(_transaction: Transaction, config: Resource) -> Shape:
    return {"Id": config.id, "LastModifiedTime": config.modified, "FieldLevelEncryptionConfig": config.config}


def _summarize(_transaction: Transaction, resource: Resource) -> Shape:
    return {"Id": resource.id, "LastModifiedTime": resource.modified, **resource.config}


MOST_ENTITIES = 1
MOST_CONTENT_TYPES = 1
CONTENT_TYPE = "application/x-www-form-urlencoded"
PROVIDER_PATTERN = r"[A-Za-z0-9:._-]{1,128}"
FIELD_PATTERN = r"[A-Za-z0-9\[\]._-]{0,127}[A-Za-z0-9\[\]._*-]"
"""The guide names letters, digits, brackets and a last asterisk; dot, hyphen and underscore are common in forms."""

PROFILE = ResourceSpec(
    family="field-level-encryption-profile",
    noun="FieldLevelEncryptionProfile",
    plural="FieldLevelEncryptionProfiles",
    no_such="NoSuchFieldLevelEncryptionProfile",
    already_exists="FieldLevelEncryptionProfileAlreadyExists",
    in_use="FieldLevelEncryptionProfileInUse",
    name_member="Name",
    immutable=("CallerReference",),
    quota=quotas.ENCRYPTION_PROFILES,
    new_id=lambda identifiers: identifiers.capital("P"),
    check=check_profile,
    references=profile_references,
    describe=_describe_profile,
    summarize=_summarize,
)

CONFIG = ResourceSpec(
    family="field-level-encryption-config",
    noun="FieldLevelEncryptionConfig",
    plural="FieldLevelEncryptionConfigs",
    no_such="NoSuchFieldLevelEncryptionConfig",
    already_exists="FieldLevelEncryptionConfigAlreadyExists",
    in_use="FieldLevelEncryptionConfigInUse",
    renamed={"get": "GetFieldLevelEncryption", "get_config": "GetFieldLevelEncryptionConfig"},
    immutable=("CallerReference",),
    quota=quotas.ENCRYPTION_CONFIGS,
    new_id=lambda identifiers: identifiers.capital("C"),
    fill_defaults=fill_defaults,
    check=check_config,
    references=config_references,
    describe=_describe_config,
    summarize=_summarize,
    on_change=republish_users,
)
