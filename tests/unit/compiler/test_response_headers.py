"""Response headers policies in the plan."""

from typing import Any

import pytest

from edgeward.aws.model import Shape
from edgeward.compiler.response_headers import compile_response_headers

EMPTY: Shape = {"remove": [], "cors": None, "fields": [], "server_timing": None}
CORS: Shape = {
    "AccessControlAllowOrigins": {"Quantity": 1, "Items": ["https://*.example.com"]},
    "AccessControlAllowHeaders": {"Quantity": 2, "Items": ["X-A", "X-B"]},
    "AccessControlAllowMethods": {"Quantity": 1, "Items": ["ALL"]},
    "AccessControlAllowCredentials": True,
    "AccessControlExposeHeaders": {"Quantity": 1, "Items": ["X-C"]},
    "AccessControlMaxAgeSec": 60,
    "OriginOverride": True,
}


def test_cors_becomes_the_fields_of_each_kind_of_request() -> None:
    assert compile_response_headers({"Name": "p", "CorsConfig": CORS}) == EMPTY | {
        "cors": {
            "allow_origins": ["https://*.example.com"],
            "overrides": True,
            "preflight": [
                ["access-control-allow-credentials", "true"],
                ["access-control-allow-headers", "X-A, X-B"],
                ["access-control-allow-methods", "GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE"],
                ["access-control-max-age", "60"],
            ],
            "simple": [["access-control-allow-credentials", "true"], ["access-control-expose-headers", "X-C"]],
        }
    }


@pytest.mark.parametrize(
    ("setting", "name", "value"),
    [
        ({"XSSProtection": {"Protection": False}}, "x-xss-protection", "0"),
        ({"XSSProtection": {"Protection": True}}, "x-xss-protection", "1"),
        ({"XSSProtection": {"Protection": True, "ModeBlock": True}}, "x-xss-protection", "1; mode=block"),
        ({"XSSProtection": {"Protection": True, "ReportUri": "/r"}}, "x-xss-protection", "1; report=/r"),
        ({"FrameOptions": {"FrameOption": "DENY"}}, "x-frame-options", "DENY"),
        ({"ReferrerPolicy": {"ReferrerPolicy": "same-origin"}}, "referrer-policy", "same-origin"),
        (
            {"ContentSecurityPolicy": {"ContentSecurityPolicy": "default-src 'self'"}},
            "content-security-policy",
            "default-src 'self'",
        ),
        ({"ContentTypeOptions": {}}, "x-content-type-options", "nosniff"),
        ({"StrictTransportSecurity": {"AccessControlMaxAgeSec": 5}}, "strict-transport-security", "max-age=5"),
        (
            {"StrictTransportSecurity": {"AccessControlMaxAgeSec": 5, "IncludeSubdomains": True, "Preload": True}},
            "strict-transport-security",
            "max-age=5; includeSubDomains; preload",
        ),
    ],
)
def test_a_security_header_is_written_out(setting: dict[str, Any], name: str, value: str) -> None:
    ((kind, members),) = setting.items()
    policy = {"Name": "p", "SecurityHeadersConfig": {kind: members | {"Override": True}}}

    assert compile_response_headers(policy)["fields"] == [{"name": name, "value": value, "overrides": True}]


def test_custom_and_removed_headers_and_the_sampling_rate() -> None:
    custom = [{"Header": "X-B", "Value": "2", "Override": False}, {"Header": "X-A", "Value": "", "Override": True}]
    policy = {
        "Name": "p",
        "CustomHeadersConfig": {"Quantity": 2, "Items": custom},
        "RemoveHeadersConfig": {"Quantity": 2, "Items": [{"Header": "X-Z"}, {"Header": "Server"}]},
        "ServerTimingHeadersConfig": {"Enabled": True, "SamplingRate": 0.0007},
    }

    assert compile_response_headers(policy) == {
        "remove": ["server", "x-z"],
        "cors": None,
        "fields": [
            {"name": "x-a", "value": "", "overrides": True},
            {"name": "x-b", "value": "2", "overrides": False},
        ],
        "server_timing": 7,
    }


def test_server_timing_that_is_not_enabled_is_none() -> None:
    timing = {"Enabled": False, "SamplingRate": 50.0}

    assert compile_response_headers({"Name": "p", "ServerTimingHeadersConfig": timing}) == EMPTY
