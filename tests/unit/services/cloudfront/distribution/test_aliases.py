"""The rules of alternate domain names."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.references import References
from edgeward.services.cloudfront.distribution.rules import check_distribution

ConfigWith = Callable[[Mapping[str, Any]], Shape]
AssertRefused = Callable[[Mapping[str, Any], str, str], None]


def aliases(*names: str) -> Shape:
    return {"Aliases": {"Quantity": len(names), "Items": list(names)}}


@pytest.mark.parametrize(
    ("alias", "advice"),
    [
        pytest.param("", "is empty", id="an empty one"),
        pytest.param("*", "whole first label", id="a star alone"),
        pytest.param("*.", "is empty", id="a star and a dot"),
        pytest.param("www.*.example.com", "whole first label", id="a star in the middle"),
        pytest.param("*.*.example.com", "whole first label", id="two stars"),
        pytest.param("w*.example.com", "whole first label", id="a star in a label"),
        pytest.param("localhost", "single label", id="a single label"),
        pytest.param("*.com", "single label", id="a star over a top-level domain"),
        pytest.param("WWW.example.com", "lower case", id="capitals"),
        pytest.param("192.0.2.1", "IP address", id="an IP address"),
        pytest.param("https://www.example.com", "scheme", id="a URL"),
        pytest.param("www.example.com:443", "port", id="a port"),
        pytest.param("www.example.com.", "no domain name", id="a final dot"),
        pytest.param("-www.example.com", "no domain name", id="a label that starts with -"),
        pytest.param("www.bücher.example", "xn--", id="beyond ASCII"),
        pytest.param("d111111abcdef8.cloudfront.net", "distributions' own names", id="a distribution's name"),
        pytest.param("x.cloudfront.localhost", "distributions' own names", id="a local distribution's name"),
        pytest.param("*.cloudfront.localhost", "distributions' own names", id="every local distribution's name"),
    ],
)
def test_what_is_no_name_for_viewers_is_refused(alias: str, advice: str, assert_refused: AssertRefused) -> None:
    assert_refused(aliases(alias), "InvalidArgument", advice)
    assert_refused(aliases(alias), "InvalidArgument", f"DistributionConfig.Aliases.Items[{alias}]:")


@pytest.mark.parametrize(
    "alias", ["www.example.com", "example.com", "*.example.com", "a.b.c.example.com", "shop.localhost", "xn--x.example"]
)
def test_a_domain_name_or_a_wildcard_over_one_is_allowed_without_a_certificate(
    alias: str, config_with: ConfigWith, known: References
) -> None:
    check_distribution(config_with(aliases(alias)), known)


def test_an_alias_is_listed_once(assert_refused: AssertRefused) -> None:
    assert_refused(aliases("a.example.com", "a.example.com"), "InvalidArgument", "is listed twice")


def test_an_alias_of_another_distribution_is_refused_with_its_owner(assert_refused: AssertRefused) -> None:
    assert_refused(aliases("a.example.com", "taken.example.com"), "CNAMEAlreadyExists", "Items[taken.example.com]:")
    assert_refused(aliases("taken.example.com"), "CNAMEAlreadyExists", "E1OTHER")


@pytest.mark.parametrize("alias", ["*.example.com", "www.taken.example.net"])
def test_a_wildcard_and_a_name_below_it_may_belong_to_different_distributions(
    alias: str, config_with: ConfigWith, known: References
) -> None:
    check_distribution(config_with(aliases(alias)), known)


def test_more_than_a_hundred_aliases_are_too_many(
    config_with: ConfigWith, known: References, assert_refused: AssertRefused
) -> None:
    names = [f"{n}.example.com" for n in range(101)]

    assert_refused(aliases(*names), "TooManyDistributionCNAMEs", "DistributionConfig.Aliases:")
    check_distribution(config_with(aliases(*names[:100])), known)
