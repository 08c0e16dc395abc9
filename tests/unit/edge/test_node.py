"""An edge that keeps its plan: the real engine, and the file."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edgeward.deploy.socket_channel import EdgeRefused, SocketChannel
from edgeward.edge.agent import EdgeAgent
from edgeward.edge.kept_plan import DamagedPlan, KeptPlan
from edgeward.edge.node import EdgeNode, HandingOver
from edgeward.edge.plan_socket import PlanSocket
from edgeward.edge.settings import EdgeSettings
from edgeward.scenario.edge_under_test import compile_short, domain_name_of, id_of
from edgeward.scenario.expansion import MAIN, OriginPorts
from edgeward.scenario.short_form import ShortDistribution


def plan(sequence: int, base: int | None = None, **members: Any) -> bytes:
    """With one distribution, which refuses everybody because it is disabled."""
    compiled = compile_short(MAIN, ShortDistribution(), {MAIN: OriginPorts(8080, 8080)}) | {"enabled": False} | members
    document = {"format": 1, "sequence": sequence, "base": base, "default_certificate": None}
    return json.dumps(document | {"distributions": {id_of(MAIN): compiled}}).encode()


@contextmanager
def running(path: Path) -> Iterator[tuple[EdgeAgent, EdgeNode]]:
    agent = EdgeAgent(EdgeSettings(workers=1))
    agent.start()
    try:
        yield agent, EdgeNode(agent, KeptPlan(path))
    finally:
        agent.stop(0)


def knows(agent: EdgeAgent) -> bool:
    """Whether the edge knows the distribution, by how it refuses."""
    viewer = http.client.HTTPConnection(agent.http[0], timeout=10)
    viewer.request("GET", "/", headers={"Host": domain_name_of(MAIN)})
    response = viewer.getresponse()
    response.read()
    viewer.close()
    return response.getheader("Via") is not None and response.status == 403 and agent.plan_sequence() > 0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plan"


def test_an_edge_goes_on_with_the_last_plan_it_accepted(path: Path) -> None:
    with running(path) as (_, node):
        assert node.restore() == 0
        assert (node.load_plan(plan(1)), node.load_plan(plan(5, 1))) == (1, 5)
    with running(path) as (agent, node):
        assert (node.restore(), agent.plan_sequence()) == (5, 5)
        assert node.load_plan(plan(6, 5)) == 6, "what is missing can follow"


def test_a_plan_the_edge_cannot_load_is_refused_with_a_reason_and_the_last_good_one_stays(path: Path) -> None:
    with running(path) as (agent, node):
        sockets = PlanSocket(node, path.with_name("plans.sock"))
        sockets.start()
        channel = SocketChannel(path.with_name("plans.sock"))
        channel.load_plan(plan(1))
        certificate = {"chain_pem": "no certificate", "key_pem": "-----BEGIN PRIVATE KEY-----"}
        for broken, reason in (
            (plan(2, 1, certificate=certificate), "certificate"),
            (plan(2, 1, surprise=1), "surprise"),
            (plan(2, 7), "7"),
        ):
            with pytest.raises(EdgeRefused, match=reason) as refused:
                channel.load_plan(broken)
            assert "PRIVATE" not in str(refused.value)
            assert channel.plan_sequence() == 1
        sockets.stop()
        assert knows(agent)
    with running(path) as (_, node):
        assert node.restore() == 1


def test_a_damaged_plan_is_an_error_and_the_edge_serves_nobody(path: Path) -> None:
    with running(path) as (_, node):
        node.load_plan(plan(1))
    path.write_bytes(path.read_bytes().replace(b"enabled", b"Enabled"))
    with running(path) as (agent, node):
        with pytest.raises(DamagedPlan, match=str(path)):
            node.restore()
        assert agent.plan_sequence() == 0
        assert node.load_plan(plan(3)) == 3, "a control plane helps"
    with running(path) as (_, node):
        assert node.restore() == 3


def test_a_plan_of_another_engine_is_an_error_and_the_edge_serves_nobody(path: Path) -> None:
    KeptPlan(path).keep(plan(1, surprise=1))
    with running(path) as (agent, node):
        with pytest.raises(DamagedPlan, match="surprise"):
            node.restore()
        assert agent.plan_sequence() == 0


def test_a_plan_that_cannot_be_kept_is_not_acknowledged(path: Path) -> None:
    with running(path) as (_, node):
        node.load_plan(plan(1))
        path.unlink()
        path.mkdir()
        with pytest.raises(OSError, match="plan"):
            node.load_plan(plan(2, 1))
        path.rmdir()
        with pytest.raises(OSError, match="send the whole plan"):
            node.load_plan(plan(3, 2))
        assert node.load_plan(plan(3)) == 3
    with running(path) as (_, node):
        assert node.restore() == 3


class Earlier:
    def __init__(self) -> None:
        self.told: list[tuple[str, bytes]] = []
        self.is_there = True

    def tell(self, operation: str, content: bytes) -> bool:
        self.told.append((operation, content))
        return self.is_there


def test_the_process_before_is_told_the_same_until_it_is_gone(path: Path) -> None:
    order = json.dumps({"format": 1, "distribution": "E1", "sequence": 4, "patterns": ["/*"]}).encode()
    with running(path) as (_, node):
        earlier = Earlier()
        node.follow(earlier)
        node.load_plan(plan(1))
        with pytest.raises(ValueError, match="format"):
            node.load_plan(b"{}")
        earlier.is_there = False
        assert node.invalidate(order) == 4
        node.load_plan(plan(2))
        assert earlier.told == [("load_plan", plan(1)), ("invalidate", order)]


def test_nothing_is_accepted_while_another_process_takes_over(path: Path) -> None:
    with running(path) as (_, node):
        node.load_plan(plan(1))
        node.hand_over()
        with pytest.raises(HandingOver):
            node.load_plan(plan(2))
        with pytest.raises(HandingOver):
            node.invalidate(b"{}")
        node.take_back()
        assert (node.plan_sequence(), node.load_plan(plan(2))) == (1, 2)
