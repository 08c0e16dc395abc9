"""The agent over the real engine: addresses, the channel, and errors that reach the caller unchanged."""

import http.client
import json
from collections.abc import Iterator

import pytest

from edgeward.edge.agent import EdgeAgent, PlanRejected
from edgeward.edge.settings import EdgeSettings
from edgeward.scenario import certificates
from edgeward.scenario.edge_under_test import compile_short
from edgeward.scenario.expansion import OriginPorts
from edgeward.scenario.short_form import ShortDistribution

EMPTY_PLAN: dict[str, object] = {
    "format": 1,
    "sequence": 1,
    "base": None,
    "default_certificate": None,
    "distributions": {},
}


@pytest.fixture
def edge() -> Iterator[EdgeAgent]:
    agent = EdgeAgent(EdgeSettings(workers=1))
    agent.start()
    yield agent
    agent.stop(grace_seconds=0)


def test_a_started_edge_knows_its_addresses_and_answers_there(edge: EdgeAgent) -> None:
    (address,) = edge.http
    viewer = http.client.HTTPConnection(address, timeout=10)
    viewer.request("GET", "/")
    assert viewer.getresponse().status == 403
    viewer.close()


def test_a_plan_is_acknowledged_with_its_sequence(edge: EdgeAgent) -> None:
    assert edge.load_plan(json.dumps(EMPTY_PLAN).encode()) == 1
    assert edge.status()["plan_sequence"] == 1


@pytest.mark.parametrize("update", [b"", b"{}", json.dumps(EMPTY_PLAN | {"format": 2}).encode()])
def test_a_plan_the_engine_refuses_raises_and_changes_nothing(edge: EdgeAgent, update: bytes) -> None:
    before = edge.status()["plan_sequence"]
    with pytest.raises(PlanRejected):
        edge.load_plan(update)
    assert edge.status()["plan_sequence"] == before


def test_certificates_that_are_revoked_or_shown_with_an_ocsp_response_are_counted() -> None:
    start = 1_700_000_000
    agent = EdgeAgent(EdgeSettings(workers=1, manual_clock_ms=start * 1000))
    agent.start()
    made = certificates.edge_certificate(["a.example.com"])
    ocsp = {"response": "30", "expires": start + 60, "revoked": True}
    distribution = compile_short("main", ShortDistribution(), {"main": OriginPorts(8080, 8080)}) | {
        "certificate": {"chain_pem": made.chain_pem, "key_pem": made.key_pem, "ocsp": ocsp}
    }
    agent.load_plan(json.dumps(EMPTY_PLAN | {"distributions": {"E1": distribution}}).encode())
    counts = [agent.status()]
    agent.advance_clock(60_000)
    counts.append(agent.status())
    damaged = {"certificate": distribution["certificate"] | {"ocsp": ocsp | {"response": "3"}}}
    plan = json.dumps(EMPTY_PLAN | {"distributions": {"E2": distribution | damaged}}).encode()
    with pytest.raises(PlanRejected, match="certificate of E2: the OCSP response is not hexadecimal"):
        agent.load_plan(plan)
    agent.stop(grace_seconds=0)

    assert [(status["certificates_revoked"], status["certificates_stapled"]) for status in counts] == [(1, 1), (1, 0)]


def test_an_address_in_use_is_an_os_error(edge: EdgeAgent) -> None:
    second = EdgeAgent(EdgeSettings(http=edge.http))
    with pytest.raises(OSError, match="in use"):
        second.start()


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(ValueError, match="trusted_authorities"):
        EdgeAgent(EdgeSettings(trusted_authorities=("not a certificate",)))


def test_a_stopped_edge_has_no_address_and_can_be_stopped_again(edge: EdgeAgent) -> None:
    edge.stop()
    edge.stop()
    assert (edge.http, edge.https) == ((), ())


def test_only_a_manual_clock_can_be_moved(edge: EdgeAgent) -> None:
    with pytest.raises(RuntimeError, match="clock"):
        edge.advance_clock(1)
