"""What the rules and the compiler need to know of the resources that a distribution names.

The distribution family answers from the store; tests answer from dictionaries. The rules never see a store.
"""

from dataclasses import dataclass
from typing import Protocol

from edgeward.aws.model import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCertificate:
    """What the rules need to know of a certificate of one's own."""

    status: str
    """As ACM tells it: `ISSUED`, `EXPIRED`."""
    names: tuple[str, ...]
    """The DNS names that viewers take it for, lower case; none unless it is issued."""
    is_for_clients: bool = False
    """Whether its extended key usage allows to prove to a server who one is."""
    path: str | None = None
    """Of a certificate of IAM's: `/cloudfront/`. ACM's have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTrustStore:
    """What the rules need to know of a trust store."""

    is_active: bool
    """Whether it has authorities."""


class AttachedResources(Protocol):
    """The resources that are attached to a distribution by their id."""

    def cache_policy(self, policy_id: str, /) -> Shape | None:
        """The CachePolicyConfig of a managed or custom policy; None when there is none."""

    def origin_request_policy(self, policy_id: str, /) -> Shape | None:
        """The OriginRequestPolicyConfig of a managed or custom policy; None when there is none."""

    def response_headers_policy(self, policy_id: str, /) -> Shape | None:
        """The ResponseHeadersPolicyConfig of a managed or custom policy; None when there is none."""

    def origin_access_control(self, control_id: str, /) -> Shape | None:
        """The OriginAccessControlConfig; None when there is none."""

    def trusted_authorities(self, store_id: str, /) -> str | None:
        """The certificates of a trust store, PEM; None when there are none."""


class References(AttachedResources, Protocol):
    """What is attached to a distribution, and its fellow distributions."""

    def own_certificate(self, name: str, /) -> OwnCertificate | None:
        """The certificate of ACM that has the ARN, or that of IAM that has the id; None when there is none."""

    def trust_store(self, store_id: str, /) -> NamedTrustStore | None:
        """The trust store that has the id; None when there is none."""

    def alias_owner(self, alias: str, /) -> str | None:
        """The id of the other distribution that has exactly this alias; None when it is free."""
