"""An edge of its own beside `edgeward dev`: it gets the same plans, and is found again when it was away."""

import http.client
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clients.configurations import one_origin
from clients.running import start_cdn
from faults.edge_command import EdgeCommand, finish, running
from faults.origin import Origin, content, running_origin
from faults.test_takeovers import until_true


@pytest.fixture
def origin() -> Iterator[Origin]:
    with running_origin() as origin:
        yield origin


def test_a_change_is_live_on_every_edge_and_reaches_one_that_was_away(tmp_path: Path, origin: Origin) -> None:
    edge = EdgeCommand(tmp_path / "edge")
    with running(edge):
        cdn = start_cdn(tmp_path / "state", edge=str(tmp_path / "edge" / "edge" / "plans.sock"))
        try:
            cloudfront, config = cdn.cloudfront(), one_origin("origin.localhost")
            custom = {"HTTPPort": origin.port, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
            site = {"Id": "site", "DomainName": "origin.localhost", "CustomOriginConfig": custom}
            config["Origins"]["Items"] = [site]
            first = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
            is_live = serves(edge, first["DomainName"])
            assert is_live() or first["Status"] == "InProgress", "what is Deployed is live on every edge"
            assert until_true(is_live)

            edge.processes[-1].kill()
            finish(edge.processes[-1])
            config["CallerReference"] = "second"
            second = cloudfront.create_distribution(DistributionConfig=config)
            edge.start()
            assert until_true(serves(edge, second["Distribution"]["DomainName"]))
        finally:
            assert cdn.stop() == 0, cdn.output


def serves(edge: EdgeCommand, host: str) -> Callable[[], bool]:
    def has_content() -> bool:
        viewer = http.client.HTTPConnection("127.0.0.1", edge.http, timeout=20)
        viewer.request("GET", "/1/700", headers={"Host": host})
        got = viewer.getresponse().read()
        viewer.close()
        return got == content(1, 0, 700)

    return has_content
