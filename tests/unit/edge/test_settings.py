"""The settings document an edge is started with."""

import json
from pathlib import Path

import pytest

from edgeward.edge.agent import EdgeAgent
from edgeward.edge.settings import EdgeSettings, GeoFiles, Listener, LogSettings, S3Access
from edgeward.edge.user_agents import user_agent_regexes


def test_the_defaults_are_an_edge_on_loopback_without_log_and_origin_access() -> None:
    document = json.loads(EdgeSettings().encode())
    assert document == {
        "http": ["127.0.0.1:0"],
        "https": ["127.0.0.1:0"],
        "workers": 2,
        "pop": "LCL1-C1",
        "memory_bytes": 268435456,
        "disk": None,
        "lock_timeout_ms": 5000,
        "limits": {
            "tls_handshake_timeout_ms": 10_000,
            "header_timeout_ms": 10_000,
            "idle_timeout_ms": 60_000,
            "stall_timeout_ms": 600_000,
            "write_timeout_ms": 60_000,
            "content_timeout_ms": 20_000,
            "least_rate": 500,
            "max_connections": 65_536,
            "max_connections_per_address": 4_096,
            "max_requests": 1_000_000,
            "max_concurrent_streams": 128,
            "max_control_frames": 1_000,
            "max_reset_streams": 200,
            "flood_pause_ms": 10_000,
            "longest_flood_pause_ms": 600_000,
            "held_content": 65_536,
            "max_held_content": 64 << 20,
            "max_unproven_handshakes": 256,
        },
        "log": None,
        "s3": None,
        "trusted_authorities": [],
        "explain_key": None,
        "http3": True,
        "ticket_secrets": None,
        "geo": {"country": [], "city": [], "asn": []},
        "user_agents": user_agent_regexes(),
        "allowed_private_origins": [],
        "name_servers": [],
        "origin_limits": {"max_requests": 4096, "max_waiting": 4096, "wait_timeout_ms": 10_000, "breaker_failures": 5},
        "clock": "system",
    }


def test_a_listener_behind_balancers_says_which() -> None:
    behind = Listener(address="127.0.0.1:0", balancers=("192.0.2.0/24", "2001:db8::1"))

    document = json.loads(EdgeSettings(http=("[::1]:0", behind), https=(behind,)).encode())

    told = {"address": "127.0.0.1:0", "balancers": ["192.0.2.0/24", "2001:db8::1"]}
    assert (document["http"], document["https"]) == (["[::1]:0", told], [told])


@pytest.mark.parametrize("balancers", [(), ("192.0.2.0/33",), ("nobody",)])
def test_balancers_have_to_be_networks(balancers: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"http\[0\].*network|https\[0\].*network"):
        EdgeAgent(EdgeSettings(https=(Listener(address="127.0.0.1:0", balancers=balancers),)))


def test_private_origins_have_to_be_networks() -> None:
    with pytest.raises(ValueError, match=r"allowed_private_origins.*is no network"):
        EdgeAgent(EdgeSettings(allowed_private_origins=("nobody",)))


def test_every_setting_reaches_the_document_under_the_name_the_engine_reads() -> None:
    document = json.loads(
        EdgeSettings(
            http=("127.0.0.1:8080", "127.0.0.2:8080"),
            log=LogSettings(directory=Path("/logs"), segment_seconds=5, segment_bytes=1000),
            s3=S3Access(endpoint="http://127.0.0.1:8333", access_key="id", secret_key="secret"),
            trusted_authorities=("PEM",),
            explain_key="0f" * 32,
            ticket_secrets=Path("/secrets"),
            lock_timeout_ms=250,
            geo=GeoFiles(country=(Path("/a.mmdb"), Path("/b.mmdb")), asn=(Path("/c.mmdb"),)),
            manual_clock_ms=1_700_000_000_000,
            allowed_private_origins=("10.0.0.0/8",),
        ).encode()
    )
    assert document["http"] == ["127.0.0.1:8080", "127.0.0.2:8080"]
    assert document["log"] == {"directory": "/logs", "segment_seconds": 5, "segment_bytes": 1000}
    assert document["s3"] == {"endpoint": "http://127.0.0.1:8333", "access_key": "id", "secret_key": "secret"}
    assert document["trusted_authorities"] == ["PEM"]
    assert document["ticket_secrets"] == "/secrets"
    assert document["lock_timeout_ms"] == 250
    assert document["geo"] == {"country": ["/a.mmdb", "/b.mmdb"], "city": [], "asn": ["/c.mmdb"]}
    assert document["explain_key"] == "0f" * 32
    assert document["clock"] == {"manual": 1_700_000_000_000}
