"""Public keys, key groups and field-level encryption: what their rules refuse, and what holds on to what."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from unit.services.cloudfront.generated.samples import (
    encryption_config,
    listed,
    profile_config,
    public_key,
    public_key_config,
    unique,
)


def pem(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


@pytest.mark.parametrize(
    "encoded",
    [
        pem(rsa.generate_private_key(65_537, 1_024)),
        pem(ec.generate_private_key(ec.SECP384R1())),
        "-----BEGIN PUBLIC KEY-----\nMAAA\n-----END PUBLIC KEY-----\n",
        "ssh-rsa AAAA",
        "",
    ],
)
def test_a_key_of_another_kind_is_refused(cloudfront: Any, refused: Callable[..., str], encoded: str) -> None:
    config = public_key_config() | {"EncodedKey": encoded}

    assert refused(cloudfront.create_public_key, PublicKeyConfig=config) == "InvalidArgument"


def test_an_rsa_key_of_2048_bits_is_taken(cloudfront: Any) -> None:
    config = public_key_config() | {"EncodedKey": pem(rsa.generate_private_key(65_537, 2_048))}

    made = cloudfront.create_public_key(PublicKeyConfig=config)["PublicKey"]

    assert made["PublicKeyConfig"] == config
    assert made["Id"].startswith("K")


@pytest.mark.parametrize("member", ["Name", "CallerReference", "EncodedKey"])
def test_only_the_comment_of_a_key_can_change(cloudfront: Any, refused: Callable[..., str], member: str) -> None:
    config = public_key_config()
    made = cloudfront.create_public_key(PublicKeyConfig=config)
    other = pem(ec.generate_private_key(ec.SECP256R1())) if member == "EncodedKey" else "other"
    update = {"Id": made["PublicKey"]["Id"], "IfMatch": made["ETag"], "PublicKeyConfig": config | {member: other}}

    assert refused(cloudfront.update_public_key, **update) == "CannotChangeImmutablePublicKeyFields"


def test_a_key_in_use_cannot_be_deleted(cloudfront: Any, refused: Callable[..., str]) -> None:
    made = cloudfront.create_public_key(PublicKeyConfig=public_key_config())
    key = made["PublicKey"]["Id"]
    group = cloudfront.create_key_group(KeyGroupConfig={"Name": unique("g"), "Items": [key]})
    target = {"Id": key, "IfMatch": made["ETag"]}

    assert refused(cloudfront.delete_public_key, **target) == "PublicKeyInUse"
    cloudfront.delete_key_group(Id=group["KeyGroup"]["Id"], IfMatch=group["ETag"])
    cloudfront.delete_public_key(**target)


def test_an_account_has_ten_keys(cloudfront: Any, refused: Callable[..., str]) -> None:
    for _ in range(10):
        public_key(cloudfront)

    assert refused(cloudfront.create_public_key, PublicKeyConfig=public_key_config()) == "TooManyPublicKeys"


def test_a_group_names_one_to_five_keys_that_exist(cloudfront: Any, refused: Callable[..., str]) -> None:
    keys = [public_key(cloudfront) for _ in range(6)]
    wrong = {
        "InvalidArgument": [[], [keys[0], keys[0]], ["K0000000000000"]],
        "TooManyPublicKeysInKeyGroup": [keys],
    }

    for code, cases in wrong.items():
        for items in cases:
            config = {"Name": unique("g"), "Items": items}
            assert refused(cloudfront.create_key_group, KeyGroupConfig=config) == code
    cloudfront.create_key_group(KeyGroupConfig={"Name": "full", "Items": keys[:5]})
    again = {"Name": "full", "Items": keys[:1]}
    assert refused(cloudfront.create_key_group, KeyGroupConfig=again) == "KeyGroupAlreadyExists"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"PublicKeyId": "K0"}, "NoSuchPublicKey"),
        ({"ProviderId": "two words"}, "InvalidArgument"),
        ({"FieldPatterns": {"Quantity": 0}}, "InvalidArgument"),
        ({"FieldPatterns": listed("a*b")}, "InvalidArgument"),
        ({"FieldPatterns": listed("card", "ca*")}, "InvalidArgument"),
        ({"FieldPatterns": listed("card", "card")}, "InvalidArgument"),
        ({"FieldPatterns": listed(*(f"f{n}" for n in range(11)))}, "TooManyFieldLevelEncryptionFieldPatterns"),
    ],
)
def test_a_profile_that_breaks_a_rule_is_refused(
    cloudfront: Any, refused: Callable[..., str], change: dict[str, Any], code: str
) -> None:
    config = profile_config(cloudfront)
    config["EncryptionEntities"]["Items"][0] |= change

    create = cloudfront.create_field_level_encryption_profile
    assert refused(create, FieldLevelEncryptionProfileConfig=config) == code


def test_a_profile_has_one_entity(cloudfront: Any, refused: Callable[..., str]) -> None:
    config = profile_config(cloudfront)
    (entity,) = config["EncryptionEntities"]["Items"]
    config["EncryptionEntities"] = listed(entity, entity)

    code = refused(cloudfront.create_field_level_encryption_profile, FieldLevelEncryptionProfileConfig=config)
    assert code == "TooManyFieldLevelEncryptionEncryptionEntities"


def test_a_configuration_names_profiles_that_exist_and_holds_them(cloudfront: Any, refused: Callable[..., str]) -> None:
    create = cloudfront.create_field_level_encryption_config
    config = encryption_config(cloudfront)
    (argument,) = config["QueryArgProfileConfig"]["QueryArgProfiles"]["Items"]

    def refusal(*arguments: Any) -> str:
        config["QueryArgProfileConfig"]["QueryArgProfiles"] = listed(*arguments)
        return refused(create, FieldLevelEncryptionConfig=config)

    assert refusal(argument | {"ProfileId": "P0"}) == "NoSuchFieldLevelEncryptionProfile"
    assert refusal(argument | {"ProfileId": ""}) == "QueryArgProfileEmpty"
    assert refusal(argument, argument) == "InvalidArgument"
    six = (argument | {"QueryArg": str(number)} for number in range(6))
    assert refusal(*six) == "TooManyFieldLevelEncryptionQueryArgProfiles"
    config["QueryArgProfileConfig"]["QueryArgProfiles"] = listed(argument)
    create(FieldLevelEncryptionConfig=config)
    profile = cloudfront.get_field_level_encryption_profile(Id=argument["ProfileId"])
    target = {"Id": argument["ProfileId"], "IfMatch": profile["ETag"]}
    assert refused(cloudfront.delete_field_level_encryption_profile, **target) == "FieldLevelEncryptionProfileInUse"
