"""Temporary credentials: all that is known of them travels in the token, sealed, so that nothing is stored.

Invariant: only this control plane's key opens a token, and what it says is what was sealed. Pure but for the nonce.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from edgeward.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Temporary credentials and whose they are."""

    access_key: str
    """`ASIA...`."""
    secret: str = field(repr=False)
    issued: int
    """Seconds since 1970, as is `expires`."""
    expires: int
    owner_id: str | None = None
    """Of the user or role; None for the root of the account."""
    name: str = ""
    """That the caller gave to a session of a role."""
    policies: tuple[str, ...] = ()
    """Documents that bound it."""
    policy_arns: tuple[str, ...] = ()
    """Managed policies that bound it, as they are when it is used."""

    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: tuple[str, ...] = ()
    """The keys of the tags that sessions of further roles inherit."""

    @property
    def is_bounded(self) -> bool:
        """Whether it may do less than its owner."""
        return bool(self.policies or self.policy_arns)

    @property
    def issued_at(self) -> datetime:
        """When it was issued."""
        return datetime.fromtimestamp(self.issued, UTC)

    @property
    def expires_at(self) -> datetime:
        """When it ends."""
        return datetime.fromtimestamp(self.expires, UTC)


def token_of(session: Session, vault: Vault) -> str:
    """The session token that carries it."""
    return vault.seal(json.dumps(asdict(session), separators=(",", ":")), PURPOSE)


def session_of(token: str, vault: Vault) -> Session | None:
    """The session that a token carries; None when it is none of ours."""
    text = vault.open(token, PURPOSE) if len(token) <= LONGEST_TOKEN else None
    if text is None:
        return None
    members = json.loads(text)
    # Tokens of before there were tags have none.
    lists = {name: tuple(members.get(name, ())) for name in ("policies", "policy_arns", "transitive")}
    return Session(**{**members, **lists})


PURPOSE = "session"
LONGEST_TOKEN = 32_768
"""Characters; far above what a session policy and tags at their limits make."""
