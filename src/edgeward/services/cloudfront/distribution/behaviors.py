"""The rules of cache behaviors.

Sources: API reference (CacheBehavior, AllowedMethods), Developer Guide ("Cache behavior
settings", "Using gRPC", "Quotas"). Called by `rules` with a config that `fill_defaults` has filled.
"""

import re

from edgeward.aws.model import Shape
from edgeward.aws.quotas import Quotas
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.distribution import lengths
from edgeward.services.cloudfront.distribution.fields import Field, behaviors, items_of, origins, shown
from edgeward.services.cloudfront.distribution.forwarded_values import check_forwarded_values


def check_behaviors(config: Shape, limits: Quotas) -> None:
    """Every cache behavior by itself, its origin, and no two with one path pattern."""
    _check_path_patterns(config, limits[quotas.CACHE_BEHAVIORS])
    by_id = {origin["Id"]: origin for _, origin in origins(config)}
    targets = set(by_id)
    targets.update(group["Id"] for group in items_of(config["OriginGroups"]))
    for at, behavior in behaviors(config):
        if behavior["TargetOriginId"] not in targets:
            message = f"there is no origin with the id {shown(behavior['TargetOriginId'])!r}; use the id of one"
            raise at.member("TargetOriginId").refused(message, "NoSuchOrigin")
        _check_methods(at.member("AllowedMethods"), behavior["AllowedMethods"])
        _check_grpc(at, behavior, config["HttpVersion"])
        _check_how_it_caches(at, behavior, by_id.get(behavior["TargetOriginId"]), limits)
        _check_key_groups(at.member("TrustedKeyGroups"), behavior, limits[quotas.KEY_GROUPS_PER_BEHAVIOR])


def _check_path_patterns(config: Shape, most: int) -> None:
    at = Field("DistributionConfig.CacheBehaviors")
    patterns = [behavior["PathPattern"] for behavior in items_of(config["CacheBehaviors"])]
    if len(patterns) > most:
        message = f"{len(patterns)} cache behaviors; a distribution has at most {most}"
        raise at.refused(message, quotas.CACHE_BEHAVIORS.error)
    seen: set[str] = set()
    for pattern in patterns:
        place = at.item(pattern).member("PathPattern")
        _check_path_pattern(place, pattern)
        # images/* and /images/* match the same paths.
        meaning = pattern.removeprefix("/")
        if meaning in seen:
            raise place.refused("another cache behavior has this path pattern; the first one takes every request")
        seen.add(meaning)


def _check_path_pattern(at: Field, pattern: str) -> None:
    if not 1 <= len(pattern) <= lengths.PATH_CHARACTERS:
        raise at.refused(f"has {len(pattern)} characters; a path pattern has 1 to {lengths.PATH_CHARACTERS}")
    if not _PATH_PATTERN.fullmatch(pattern):
        raise at.refused("a path pattern holds A-Z a-z 0-9 _ - . * ? $ / ~ \" ' @ : + & and nothing else")


def _check_methods(at: Field, allowed: Shape) -> None:
    _check_method_set(at, items_of(allowed), _ALLOWED_SETS)
    cached_at, cached = at.member("CachedMethods"), items_of(allowed["CachedMethods"])
    _check_method_set(cached_at, cached, _CACHED_SETS)
    extra = set(cached) - set(items_of(allowed))
    if extra:
        raise cached_at.refused(f"{', '.join(sorted(extra))} is cached and not allowed; allow it, or cache less")


def _check_method_set(at: Field, methods: list[str], sets: tuple[frozenset[str], ...]) -> None:
    if len(methods) != len(set(methods)) or frozenset(methods) not in sets:
        choices = "; or ".join(", ".join(sorted(choice)) for choice in sets)
        raise at.refused(f"list exactly {choices}")


def _check_grpc(at: Field, behavior: Shape, http_version: str) -> None:
    """Guide, distribution-using-grpc; API reference, GrpcConfig."""
    if not behavior["GrpcConfig"]["Enabled"]:
        return
    place = at.member("GrpcConfig")
    if "POST" not in items_of(behavior["AllowedMethods"]):
        raise place.refused("the parameter gRPC only supports the POST method; allow POST in AllowedMethods")
    if http_version not in _HTTP_VERSIONS_OF_GRPC:
        raise place.refused("gRPC is spoken over HTTP/2; set HttpVersion to http2 or http2and3")
    if items_of(behavior["LambdaFunctionAssociations"]):
        raise place.refused("Lambda@Edge does not run for gRPC; remove LambdaFunctionAssociations")


def _check_how_it_caches(at: Field, behavior: Shape, origin: Shape | None, limits: Quotas) -> None:
    """A cache policy, or the legacy settings: one of the two, never both."""
    if behavior.get("CachePolicyId"):
        for member in _LEGACY_MEMBERS:
            if behavior.get(member):
                message = "cannot be used when the cache behavior has a cache policy; leave it out"
                raise at.member(member).refused(message)
    elif "ForwardedValues" not in behavior:
        raise at.member("CachePolicyId").refused("is missing; give the id of a cache policy")
    else:
        check_forwarded_values(at, behavior, origin, limits)


def _check_key_groups(at: Field, behavior: Shape, most: int) -> None:
    groups = items_of(behavior.get("TrustedKeyGroups"))
    if len(groups) > most:
        message = f"{len(groups)} key groups; a cache behavior has at most {most}"
        raise at.refused(message, quotas.KEY_GROUPS_PER_BEHAVIOR.error)


_LEGACY_MEMBERS = ("ForwardedValues", "MinTTL", "DefaultTTL", "MaxTTL")
_PATH_PATTERN = re.compile(r"""[A-Za-z0-9_\-.*?$/~"'@:+&]+""")
_READ = frozenset({"GET", "HEAD"})
_READ_AND_ASK = _READ | {"OPTIONS"}
_ALL = _READ_AND_ASK | {"PUT", "POST", "PATCH", "DELETE"}
_HTTP_VERSIONS_OF_GRPC = ("http2", "http2and3")
_ALLOWED_SETS = (_READ, _READ_AND_ASK, _ALL)
_CACHED_SETS = (_READ, _READ_AND_ASK)
