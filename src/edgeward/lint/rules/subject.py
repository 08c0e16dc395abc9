"""What rules look at, and what they tell: a configuration with its policies, and findings.

Beside them stand the questions that rules of several subjects ask. Configurations are as the API has them: lists in
Quantity/Items containers, which may be missing. Called by the rules, and by whoever reads findings.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Config = Mapping[str, Any]
Severity = Literal["error", "warning", "hint"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is likely a mistake."""

    rule: str
    severity: Severity
    where: str
    what: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A DistributionConfig, and the policies that it attaches as far as they are known, by their ids."""

    config: Config
    cache_policies: Mapping[str, Config] = field(default_factory=dict)
    origin_request_policies: Mapping[str, Config] = field(default_factory=dict)

    @property
    def origins(self) -> dict[str, Config]:
        """By id."""
        return {origin["Id"]: origin for origin in items(self.config.get("Origins"))}

    def behaviors(self) -> Iterator[tuple[str, Config]]:
        """Each with its place in the configuration, in the order in which they are tried."""
        for behavior in items(self.config.get("CacheBehaviors")):
            yield f"CacheBehaviors[{behavior['PathPattern']}]", behavior
        if "DefaultCacheBehavior" in self.config:
            yield "DefaultCacheBehavior", self.config["DefaultCacheBehavior"]

    def key(self, behavior: Config) -> Config | None:
        """ParametersInCacheKeyAndForwardedToOrigin of its cache policy, if that is known."""
        policy = self.cache_policies.get(behavior.get("CachePolicyId", ""))
        return None if policy is None else policy.get("ParametersInCacheKeyAndForwardedToOrigin", {})

    def targets(self, behavior: Config) -> list[Config]:
        """The origins it may ask."""
        groups = {group["Id"]: group for group in items(self.config.get("OriginGroups"))}
        target = behavior.get("TargetOriginId")
        members = items(groups[target].get("Members")) if target in groups else [{"OriginId": target}]
        return [self.origins[each["OriginId"]] for each in members if each["OriginId"] in self.origins]


def items(container: Any) -> list[Any]:
    """What is in a Quantity/Items container; nothing where there is none."""
    return list(container.get("Items") or []) if isinstance(container, Mapping) else []


def key_headers(key: Config) -> set[str]:
    """The headers in a cache key, in lower case."""
    return {name.lower() for name in items(key.get("HeadersConfig", {}).get("Headers"))}


def is_caching(subject: Subject, behavior: Config) -> bool:
    """Whether anything is cached under a behavior."""
    policy = subject.cache_policies.get(behavior.get("CachePolicyId", ""), behavior)
    return int(policy.get("MaxTTL") or 0) > 0


def writes(behavior: Config) -> bool:
    """Whether viewers may change something at the origin."""
    return bool({"PUT", "POST", "DELETE", "PATCH"} & set(items(behavior.get("AllowedMethods"))))


SEVERITIES: tuple[Severity, ...] = ("error", "warning", "hint")
"""The worst first."""
