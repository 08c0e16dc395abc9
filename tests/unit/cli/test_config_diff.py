"""What counts as a change of a configuration, and how it is told."""

from typing import Any

import pytest

from edgeward.cli.config_diff import differences


def items(*each: Any) -> dict[str, Any]:
    return {"Quantity": len(each), "Items": list(each)}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"Comment": "a"}, {"Comment": "a"}, []),
        ({"Comment": "a"}, {"Comment": ""}, ["~ Comment: a -> ''"]),
        ({"Enabled": True}, {"Enabled": False}, ["~ Enabled: true -> false"]),
        ({}, {"Comment": "a"}, ["+ Comment: a"]),
        ({"Comment": "a"}, {}, ["- Comment: a"]),
        (
            {"Logging": {"Bucket": "a", "Prefix": "p"}},
            {"Logging": {"Bucket": "b", "Prefix": "p"}},
            ["~ Logging.Bucket: a -> b"],
        ),
        ({"Aliases": items("a", "b")}, {"Aliases": items("b", "c")}, ["+ Aliases: c", "- Aliases: a"]),
        ({"Aliases": items("a", "b")}, {"Aliases": items("b", "a")}, []),
        ({"Aliases": {"Quantity": 0}}, {"Aliases": items("a")}, ["+ Aliases: a"]),
        (
            {"Origins": items({"Id": "x", "OriginPath": ""}, {"Id": "y", "OriginPath": "/v1"})},
            {"Origins": items({"Id": "y", "OriginPath": "/v2"}, {"Id": "x", "OriginPath": ""})},
            ["~ Origins[y].OriginPath: /v1 -> /v2"],
        ),
        (
            {"Origins": items({"Id": "x"})},
            {"Origins": items({"Id": "x"}, {"Id": "y", "DomainName": "y.example"})},
            ["+ Origins[y]: Id y, DomainName y.example"],
        ),
        (
            {"CacheBehaviors": items({"PathPattern": "/a"}, {"PathPattern": "/b"}, {"PathPattern": "/c"})},
            {"CacheBehaviors": items({"PathPattern": "/b"}, {"PathPattern": "/a"})},
            ["- CacheBehaviors[/c]: PathPattern /c", "~ CacheBehaviors (order): /a, /b -> /b, /a"],
        ),
        (
            {"AllowedMethods": items("GET") | {"CachedMethods": items("GET")}},
            {"AllowedMethods": items("GET", "PUT") | {"CachedMethods": items("GET", "HEAD")}},
            ["+ AllowedMethods: PUT", "+ AllowedMethods.CachedMethods: HEAD"],
        ),
        (
            {"TrustedKeyGroups": {"Enabled": False, "Quantity": 0}},
            {"TrustedKeyGroups": items("K1") | {"Enabled": True}},
            ["+ TrustedKeyGroups: K1", "~ TrustedKeyGroups.Enabled: false -> true"],
        ),
        (
            {"CustomErrorResponses": items({"ErrorCode": 404, "ResponseCode": "200"})},
            {"CustomErrorResponses": {"Quantity": 0}},
            ["- CustomErrorResponses[404]: ErrorCode 404, ResponseCode 200"],
        ),
        (
            {"TenantConfig": {"ParameterDefinitions": [{"Name": "a", "Definition": {}}]}},
            {
                "TenantConfig": {
                    "ParameterDefinitions": [{"Name": "a", "Definition": {"StringSchema": {"Required": True}}}]
                }
            },
            ["+ TenantConfig.ParameterDefinitions[a].Definition.StringSchema: Required true"],
        ),
    ],
)
def test_a_change_is_told_by_what_its_part_is_called(before: Any, after: Any, told: list[str]) -> None:
    assert [str(change) for change in differences(before, after)] == told
