"""What the rules and the compiler ask about other resources, answered from a transaction of the store."""

from dataclasses import dataclass
from datetime import datetime

from edgeward.aws.engine import ResourceSpec
from edgeward.aws.model import Shape
from edgeward.aws.resources import Transaction
from edgeward.services.acm import certificates
from edgeward.services.cloudfront import cache_policy, origin_request_policy, response_headers_policy, trust_store
from edgeward.services.cloudfront.distribution.references import NamedTrustStore, OwnCertificate


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

    def own_certificate(self, arn: str, /) -> OwnCertificate | None:
        """The certificate of ACM that has the ARN; None when there is none."""
        found = certificates.find_or_none(self.transaction, arn)
        if found is None:
            return None
        status = certificates.status(found, self.now)
        if not certificates.is_issued(found):
            return OwnCertificate(status=status, names=())
        facts = certificates.facts(found)
        return OwnCertificate(status=status, names=facts.dns_names, is_for_clients=facts.is_for_clients)

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
