"""What the rules and the compiler need to know of the resources that a distribution names.

The distribution family answers from the store; tests answer from dictionaries. The rules never see a store.
"""

from typing import Protocol

from edgeward.aws.model import Shape


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


class References(AttachedResources, Protocol):
    """What is attached to a distribution, and its fellow distributions."""

    @property
    def distribution_count(self) -> int:
        """How many distributions the account has besides the one being checked."""

    def certificate_names(self, id: str, /) -> tuple[str, ...] | None:
        """The DNS names of the certificate of one's own with this id, lower case; None when there is none.

        Raises `edgeward.certificates.CertificateError` for one that cannot be used.
        """

    def alias_owner(self, alias: str, /) -> str | None:
        """The id of the other distribution that has exactly this alias; None when it is free."""
