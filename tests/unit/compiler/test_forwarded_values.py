"""Legacy cache settings in the plan."""

from typing import Any

import pytest

from edgeward.aws.model import Shape
from edgeward.compiler.forwarded_values import compile_legacy_cache, compile_legacy_origin_request

NONE: Shape = {"mode": "none", "names": []}
ALL: Shape = {"mode": "all", "names": []}


def behavior(**values: Any) -> Shape:
    defaults = {
        "QueryString": False,
        "Cookies": {"Forward": "none"},
        "Headers": {"Quantity": 0},
        "QueryStringCacheKeys": {"Quantity": 0},
    }
    return {"ForwardedValues": defaults | values, "MinTTL": 1, "DefaultTTL": 2, "MaxTTL": 3}


def listed(*names: str) -> Shape:
    return {"Quantity": len(names), "Items": list(names)}


def selections(compiled: Shape) -> tuple[Shape, Shape, Shape]:
    return compiled["headers"], compiled["cookies"], compiled["query_strings"]


@pytest.mark.parametrize(
    ("values", "key", "forwarded"),
    [
        ({}, (NONE, NONE, NONE), (NONE, NONE)),
        ({"QueryString": True}, (NONE, NONE, ALL), (NONE, ALL)),
        (
            {"QueryString": True, "QueryStringCacheKeys": listed("b", "a")},
            (NONE, NONE, {"mode": "whitelist", "names": ["a", "b"]}),
            (NONE, ALL),
        ),
        (
            {"Cookies": {"Forward": "whitelist", "WhitelistedNames": listed("user_*")}},
            (NONE, {"mode": "patterns", "names": ["user_*"]}, NONE),
            ({"mode": "patterns", "names": ["user_*"]}, NONE),
        ),
        ({"Cookies": {"Forward": "all"}}, (NONE, ALL, NONE), (ALL, NONE)),
        (
            {"Headers": listed("Origin", "Accept")},
            ({"mode": "whitelist", "names": ["accept", "origin"]}, NONE, NONE),
            (NONE, NONE),
        ),
    ],
)
def test_what_is_listed_is_in_the_key(values: Shape, key: tuple[Shape, ...], forwarded: tuple[Shape, ...]) -> None:
    cache, request = compile_legacy_cache(behavior(**values)), compile_legacy_origin_request(behavior(**values))

    assert selections(cache) == key
    assert (cache["min_ttl"], cache["default_ttl"], cache["max_ttl"]) == (1, 2, 3)
    assert (cache["gzip"], cache["brotli"]) == (True, False)
    assert selections(request)[1:] == forwarded
    assert request["headers"]["mode"] == "all_except"
    assert {"accept", "authorization", "host", "user-agent"} <= set(request["headers"]["names"])


def test_all_headers_are_forwarded_and_nothing_is_cached() -> None:
    sent = behavior(Headers=listed("*"), Cookies={"Forward": "all"}, QueryString=True)

    cache = compile_legacy_cache(sent)

    assert (cache["min_ttl"], cache["default_ttl"], cache["max_ttl"], cache["gzip"]) == (0, 0, 0, False)
    assert selections(cache) == (NONE, NONE, NONE)
    assert selections(compile_legacy_origin_request(sent)) == (ALL, ALL, ALL)


def test_a_listed_accept_encoding_is_not_normalized() -> None:
    assert compile_legacy_cache(behavior(Headers=listed("Accept-Encoding")))["gzip"] is False
