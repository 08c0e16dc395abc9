"""Session tokens: nothing of them can be read or changed."""

from edgeward.services.iam.sessions import Session, session_of, token_of
from edgeward.vault import Vault

KEY = "0" * 64


def test_every_bit_of_a_token_counts() -> None:
    vault = Vault(KEY)
    session = Session(access_key="ASIA", secret="s", issued=1, expires=2, policies=("{}",))
    token = token_of(session, vault)

    assert session_of(token, vault) == session
    for place in range(0, len(token) - 4, 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert session_of(changed, vault) is None


def test_secrets_are_not_shown() -> None:
    assert "hidden" not in repr(Session(access_key="ASIA", secret="hidden", issued=1, expires=2))
