"""What is sealed: opened with its key and for its purpose alone, never changed unnoticed."""

import pytest

from edgeward.vault import Vault

KEY, OTHER_KEY = "0" * 64, "1" * 64


def test_what_was_sealed_is_opened() -> None:
    vault = Vault(KEY)

    assert vault.open(vault.seal("the secret", "a key"), "a key") == "the secret"


def test_the_same_text_is_never_sealed_the_same() -> None:
    assert Vault(KEY).seal("the secret", "a key") != Vault(KEY).seal("the secret", "a key")


def test_another_key_or_purpose_opens_nothing() -> None:
    sealed = Vault(KEY).seal("the secret", "a key")

    assert Vault(OTHER_KEY).open(sealed, "a key") is None
    assert Vault(KEY).open(sealed, "another key") is None


@pytest.mark.parametrize("text", ["", "A", "AAAA", "not base64!", "\u00e9", "A" * 64])
def test_what_was_not_sealed_opens_nothing(text: str) -> None:
    assert Vault(KEY).open(text, "a key") is None
