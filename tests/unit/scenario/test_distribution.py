"""The short form of a distribution, merged and expanded to what the API would receive."""

from pathlib import Path

import pytest

from edgeward.compiler import DistributionSource, compile_distribution
from edgeward.scenario.edge_under_test import Resources
from edgeward.scenario.expansion import OriginPorts, expand
from edgeward.scenario.reading import compose, read
from edgeward.scenario.short_form import ShortDistribution, merge
from edgeward.services.cloudfront.distribution.defaults import fill_defaults
from edgeward.services.cloudfront.distribution.rules import check_distribution
from edgeward.services.cloudfront.distribution.unsupported import refuse_unsupported

PORTS = {"main": OriginPorts(18080, 18443), "api": OriginPorts(18081, 18081)}


def short(text: str) -> ShortDistribution:
    distribution = read(ShortDistribution, compose(text, Path("a.yaml")))
    assert isinstance(distribution, ShortDistribution)
    return distribution


@pytest.mark.parametrize(
    ("base", "change", "merged"),
    [
        ("{enabled: true}", "{enabled: false}", "{enabled: false}"),
        ("{enabled: false}", "{aliases: [a]}", "{enabled: false, aliases: [a]}"),
        ("{default: {min_ttl: 1, gzip: true}}", "{default: {min_ttl: 2}}", "{default: {min_ttl: 2, gzip: true}}"),
        ("{aliases: [a, b]}", "{aliases: [c]}", "{aliases: [c]}"),
        ("{default: {cookies: [a]}}", "{default: {cookies: all}}", "{default: {cookies: all}}"),
        ("{origins: {a: {path: /x}}}", "{origins: {b: {}}}", "{origins: {a: {path: /x}, b: {}}}"),
        ("{origins: {a: {path: /x}}}", "{origins: {a: {kind: s3}}}", "{origins: {a: {path: /x, kind: s3}}}"),
    ],
)
def test_a_change_replaces_what_it_gives(base: str, change: str, merged: str) -> None:
    assert short(merged) == merge(short(base), short(change))


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{enabled: false, default_root_object: index.html, http_version: http1.1, aliases: [www.example.com]}",
        "{origins: {api: {path: /v1, headers: {X-A: b}}}, behaviors: [{path: /api/*, origin: api}]}",
        "{origins: {main: {kind: s3, signing: always}}}",
        "{default: {headers: [X-A], cookies: {all_except: [a]}, query_strings: all, gzip: true, brotli: true}}",
        "{default: {min_ttl: 0, default_ttl: 0, max_ttl: 0}}",
    ],
)
def test_an_expansion_passes_the_rules_and_the_compiler(text: str) -> None:
    expansion = expand("main", short(text), PORTS)
    resources = Resources(expansion)
    config = fill_defaults(expansion.config)

    check_distribution(config, resources)
    refuse_unsupported(config)
    source = DistributionSource(id="E1", arn="arn", domain_name="d.cloudfront.localhost", config=config)
    plan = compile_distribution(source, resources)

    assert plan["behaviors"][-1]["path_pattern"] == "*"


def test_one_plain_origin_is_the_default() -> None:
    expansion = expand("main", ShortDistribution(), PORTS)
    plan = compile_distribution(
        DistributionSource(id="E1", arn="arn", domain_name="d", config=fill_defaults(expansion.config)),
        Resources(expansion),
    )

    assert plan["origins"]["main"]["domain_name"] == "main.origin.localhost"
    assert plan["origins"]["main"]["http_port"] == 18080
    assert plan["origins"]["main"]["https_port"] == 18443
    assert plan["behaviors"][0]["viewer_protocol"] == "allow-all"
    assert plan["behaviors"][0]["cache"] == {
        "min_ttl": 0,
        "default_ttl": 86400,
        "max_ttl": 31536000,
        "gzip": False,
        "brotli": False,
        "rules": "cloudfront",
        "headers": {"mode": "none", "names": []},
        "cookies": {"mode": "none", "names": []},
        "query_strings": {"mode": "none", "names": []},
    }


def test_behaviors_do_not_inherit_from_the_default_behavior() -> None:
    config = expand("main", short("{default: {min_ttl: 9}, behaviors: [{path: /a}]}"), PORTS)

    minimums = [policy["MinTTL"] for policy in config.cache_policies.values()]
    assert minimums == [0, 9]


def test_a_behavior_may_attach_a_managed_policy_by_name() -> None:
    expansion = expand("main", short("{default: {policy: Managed-CachingDisabled}}"), PORTS)
    plan = compile_distribution(
        DistributionSource(id="E1", arn="arn", domain_name="d", config=fill_defaults(expansion.config)),
        Resources(expansion),
    )

    assert plan["behaviors"][0]["cache"]["max_ttl"] == 0
    with pytest.raises(ValueError, match="no managed cache policy 'Mine'"):
        expand("main", short("{default: {policy: Mine}}"), PORTS)
