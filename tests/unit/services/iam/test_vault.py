"""What is sealed: opened with its key and for its purpose alone, never changed unnoticed."""

import pytest

from edgeward.services.iam.sessions import Session, session_of, token_of
from edgeward.services.iam.vault import Vault

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


def test_every_bit_of_a_token_counts() -> None:
    vault = Vault(KEY)
    session = Session(access_key="ASIA", secret="s", kind="IAMUser", issued=1, expires=2, policies=("{}",))
    token = token_of(session, vault)

    assert session_of(token, vault) == session
    for place in range(0, len(token) - 4, 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert session_of(changed, vault) is None


def test_secrets_are_not_shown() -> None:
    assert "hidden" not in repr(Session(access_key="ASIA", secret="hidden", kind="Root", issued=1, expires=2))
