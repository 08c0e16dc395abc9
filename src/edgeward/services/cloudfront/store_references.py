"""What the rules and the compiler ask about other resources, answered from a transaction of the store."""

from dataclasses import dataclass
from datetime import datetime

from edgeward.aws.engine import ResourceSpec
from edgeward.aws.model import Shape
from edgeward.aws.resources import Transaction
from edgeward.services.cloudfront import cache_policy, origin_request_policy, response_headers_policy, trust_store
from edgeward.services.cloudfront.distribution.references import NamedTrustStore, OwnCertificate
from edgeward.services.cloudfront.own_certificates import own_certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAttachments:
    """Implements `distribution.references.AttachedResources`."""

    transaction: Transaction

    def cache_policy(self, policy_id: str, /) -> Shape | None:
        """The CachePolicyConfig of a managed or custom policy; None when there is none."""
        return self._policy(cache_policy.SPEC, policy_id)

    def origin_request_policy(self, policy_id: str, /) -> Shape | None:
        """The OriginRequestPolicyConfig of a managed or custom policy; None when there is none."""
        return self._policy(origin_request_policy.SPEC, policy_id)

    def response_headers_policy(self, policy_id: str, /) -> Shape | None:
        """The ResponseHeadersPolicyConfig of a managed or custom policy; None when there is none."""
        return self._policy(response_headers_policy.SPEC, policy_id)

    def origin_access_control(self, control_id: str, /) -> Shape | None:
        """The OriginAccessControlConfig; None when there is none."""
        control = self.transaction.find("origin-access-control", control_id)
        return control.config if control is not None else None

    def trusted_authorities(self, store_id: str, /) -> str | None:
        """The certificates of a trust store, PEM; None when there are none."""
        store = self.transaction.find(trust_store.FAMILY, store_id)
        return trust_store.authorities(store.config) if store is not None else None

    def _policy(self, spec: ResourceSpec, policy_id: str) -> Shape | None:
        policy = spec.managed.get(policy_id) or self.transaction.find(spec.family, policy_id)
        return policy.config if policy is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReferences(StoreAttachments):
    """Implements `distribution.references.References`."""

    now: datetime
    distribution_id: str | None = None
    """The distribution being checked; None for a new one."""

    def own_certificate(self, name: str, /) -> OwnCertificate | None:
        """The certificate of ACM that has the ARN, or that of IAM that has the id; None when there is none."""
        return own_certificate(self.transaction, name, self.now)

    def trust_store(self, store_id: str, /) -> NamedTrustStore | None:
        """The trust store that has the id; None when there is none."""
        store = self.transaction.find(trust_store.FAMILY, store_id)
        if store is None:
            return None
        return NamedTrustStore(is_active=trust_store.authorities(store.config) is not None)

    def alias_owner(self, alias: str, /) -> str | None:
        """The id of the other distribution that has exactly this alias; None when it is free."""
        owners = self.transaction.referrers("alias", alias)
        return next((owner for owner in owners if owner != self.distribution_id), None)
