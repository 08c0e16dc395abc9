"""The real edge on a virtual clock, fed by the real compiler: what the steps of a scenario act on.

Owns the engine and the plan's sequence. A change goes the way an API call goes: short form -> DistributionConfig ->
defaults -> checks -> compiler -> plan -> engine. Called by `runner`; blocking, so the runner calls it from a thread.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgeward.authority import Certificate
from edgeward.aws.model import Shape
from edgeward.aws.quotas import AWS_QUOTAS
from edgeward.compiler import Challenges, DistributionSource, compile_distribution, encode_plan
from edgeward.edge.settings import EdgeSettings
from edgeward.scenario import certificates
from edgeward.scenario.expansion import MAIN, Expansion, OriginPorts, client_certificate_arn, expand
from edgeward.scenario.short_form import ShortDistribution, merge
from edgeward.services.cloudfront.distribution.defaults import fill_defaults
from edgeward.services.cloudfront.distribution.fields import items_of
from edgeward.services.cloudfront.distribution.references import NamedTrustStore, OwnCertificate
from edgeward.services.cloudfront.distribution.rules import check_distribution
from edgeward.services.cloudfront.distribution.unsupported import refuse_unsupported
from edgeward.services.cloudfront.invalidation import check_batch, patterns_of
from edgeward.services.cloudfront.managed_policies import MANAGED_CACHE_POLICIES

if TYPE_CHECKING:
    from edgeward.edge.agent import EdgeAgent


class EngineMissing(RuntimeError):
    """The native engine is not built."""


class EdgeUnderTest:
    """One engine and the distributions it serves.

    `ports` are those of the fake origins; `certificate` is what the edge shows to viewers.
    """

    def __init__(self, settings: EdgeSettings, ports: Mapping[str, OriginPorts], certificate: Certificate) -> None:
        self._settings = settings
        self._edge = _new_agent(settings)
        self._ports = ports
        self._certificate = certificate
        self._distributions: dict[str, ShortDistribution] = {}
        self._plan_sequence = 0
        self._order_sequence = 0

    def start(self, distribution: ShortDistribution) -> tuple[str, str]:
        """Start with `distribution`; returns the addresses that speak HTTP in clear and over TLS."""
        self._edge.start()
        self.update(distribution)
        return self._edge.http[0], self._edge.https[0]

    def restart(self, now_ms: int) -> None:
        """Stop and start again at the same addresses, with what is on disk and the same distributions."""
        http, https = self._edge.http, self._edge.https
        # A viewer has its last byte a moment before the response is stored.
        self._edge.flush_cache()
        self._edge.stop(0.0)
        self._edge = _new_agent(replace(self._settings, http=http, https=https, manual_clock_ms=now_ms))
        self._edge.start()
        self._plan_sequence = 0
        self._load(self._distributions)

    def update(self, change: ShortDistribution) -> None:
        """Merge `change` into the distribution and load the result."""
        changes = {MAIN: change, **(change.others or {})}
        for name, each in changes.items():
            self._distributions[name] = merge(self._distributions.get(name, ShortDistribution()), each)
        self._load(changes)

    def _load(self, names: Iterable[str]) -> None:
        certificate = {"chain_pem": self._certificate.chain_pem, "key_pem": self._certificate.key_pem}
        base = self._plan_sequence or None
        self._plan_sequence += 1
        compiled = {id_of(name): self._compile(name) for name in names}
        self._edge.load_plan(encode_plan(self._plan_sequence, base, compiled, certificate, self._challenges()))

    def _challenges(self) -> Challenges:
        found: dict[str, dict[str, str]] = {}
        for each in self._distributions[MAIN].challenges or ():
            found.setdefault(each.host, {})[each.token] = each.answer
        return found

    def invalidate(self, paths: tuple[str, ...]) -> None:
        """Invalidate `paths` and tags; on return no older stored response is served.

        Raises ApiError when the API would refuse them.
        """
        header = (self._distributions[MAIN].cache_tags or "").lower() or None
        check_batch({"CallerReference": MAIN, "Paths": {"Items": list(paths)}}, header, AWS_QUOTAS)
        self._order_sequence += 1
        order = {"format": 1, "distribution": id_of(MAIN), "sequence": self._order_sequence}
        self._edge.invalidate(json.dumps(order | {"patterns": patterns_of(paths, header)}).encode())

    def advance(self, milliseconds: int) -> None:
        """Let virtual time pass."""
        self._edge.advance_clock(milliseconds)

    def status(self) -> dict[str, int]:
        """The figures of the edge."""
        return self._edge.status()

    def flush_logs(self) -> None:
        """Finish the current log segments."""
        self._edge.flush_logs()

    def stop(self, grace_seconds: float = 0.0) -> None:
        """Stop: at once, or as soon as the requests in progress are answered."""
        self._edge.stop(grace_seconds)

    def _compile(self, name: str) -> Shape:
        return compile_short(name, self._distributions[name], self._ports)


def compile_short(name: str, distribution: ShortDistribution, ports: Mapping[str, OriginPorts]) -> Shape:
    """A distribution in short form as the plan has it. Raises ApiError when it breaks a rule of the API."""
    expansion = expand(name, distribution, ports)
    references = Resources(expansion)
    config = fill_defaults(expansion.config)
    check_distribution(config, references)
    refuse_unsupported(config)
    source = DistributionSource(
        id=id_of(name),
        arn=f"arn:aws:cloudfront::123456789012:distribution/{id_of(name)}",
        domain_name=domain_name_of(name),
        config=config,
        client_certificates=client_certificates(),
    )
    return compile_distribution(source, references)


def client_certificates() -> dict[str, Shape]:
    """What origins may be shown, by ARN."""
    shown = {kind: certificates.client_certificate(kind) for kind in certificates.CLIENT_CERTIFICATES}
    return {
        client_certificate_arn(kind): {"chain_pem": each.chain_pem, "key_pem": each.key_pem}
        for kind, each in shown.items()
    }


def domain_name_of(name: str) -> str:
    """The domain name of the distribution `name`."""
    return f"{_MAIN_LABEL if name == MAIN else name}.cloudfront.localhost"


@dataclass(frozen=True, slots=True)
class Resources:
    """What the distribution's rules and the compiler may ask about other resources."""

    expansion: Expansion

    def cache_policy(self, policy_id: str, /) -> Shape | None:
        return self.expansion.cache_policies.get(policy_id) or _MANAGED_CACHE_POLICIES.get(policy_id)

    def origin_request_policy(self, policy_id: str, /) -> Shape | None:
        return self.expansion.origin_request_policies.get(policy_id)

    def response_headers_policy(self, policy_id: str, /) -> Shape | None:
        return self.expansion.response_headers_policies.get(policy_id)

    def origin_access_control(self, control_id: str, /) -> Shape | None:
        return self.expansion.origin_access_controls.get(control_id)

    def own_certificate(self, _arn: str, /) -> OwnCertificate:
        """The one certificate of a run is for all names."""
        names = tuple(items_of(self.expansion.config["Aliases"]))
        return OwnCertificate(status="ISSUED", names=names, is_for_clients=True)

    def trusted_authorities(self, store_id: str, /) -> str | None:
        return self.expansion.trust_stores.get(store_id)

    def trust_store(self, store_id: str, /) -> NamedTrustStore | None:
        is_known = store_id in self.expansion.trust_stores
        return NamedTrustStore(is_active=True) if is_known else None

    def alias_owner(self, _alias: str, /) -> str | None:
        return None


def _new_agent(settings: EdgeSettings) -> "EdgeAgent":
    try:
        from edgeward.edge.agent import EdgeAgent
    except ModuleNotFoundError as missing:
        if missing.name != "edgeward._edge":
            raise
        message = "edgeward._edge is not built; run `make build`, then run the scenario again"
        raise EngineMissing(message) from missing
    return EdgeAgent(settings)


def id_of(name: str) -> str:
    """The id of the distribution `name`."""
    return f"E{name.upper():0<13.13}"


_MAIN_LABEL = "d111111abcdef8"
_MANAGED_CACHE_POLICIES = {policy.id: policy.config for policy in MANAGED_CACHE_POLICIES}
