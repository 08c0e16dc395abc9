"""Two API processes on one PostgreSQL database: whoever loses a race is told, and nothing is lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from databases import PostgresServer
from faults.api_process import Answer, ApiProcess, Caller

CLIENTS = 50


@pytest.fixture
def two(postgres: PostgresServer, tmp_path: Path) -> Iterator[tuple[ApiProcess, ApiProcess]]:
    """One that publishes and one that serves the API alone."""
    with postgres.database() as url, ExitStack() as stack:
        processes = ApiProcess(tmp_path, url, "publish"), ApiProcess(tmp_path, url, "serve")
        for process in processes:
            process.start()
            stack.callback(process.stop)
        yield processes


def config(comment: str) -> dict[str, Any]:
    custom = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
    return {
        "CallerReference": "one",
        "Comment": comment,
        "Enabled": True,
        "Origins": {
            "Quantity": 1,
            "Items": [{"Id": "site", "DomainName": "www.example.com", "CustomOriginConfig": custom}],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "site",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        },
    }


@pytest.mark.timeout(120)
def test_of_concurrent_updates_with_one_etag_one_wins(two: tuple[ApiProcess, ApiProcess]) -> None:
    race(two, rounds=10)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_of_concurrent_updates_with_one_etag_one_wins_a_thousand_times(two: tuple[ApiProcess, ApiProcess]) -> None:
    race(two, rounds=1000)


def race(two: tuple[ApiProcess, ApiProcess], rounds: int) -> None:
    """Each round all clients, half of them at each process, update the same version; then both are asked."""
    with ExitStack() as stack:
        callers = [Caller(two[number % 2].port) for number in range(CLIENTS)]
        for caller in callers:
            stack.callback(caller.close)
        pool = stack.enter_context(ThreadPoolExecutor(CLIENTS))
        created = callers[0].call("CreateDistribution", DistributionConfig=config("first"))
        target, etag = created.members["Distribution"]["Id"], created.members["ETag"]
        versions = {etag}
        for number in range(rounds):

            def update(client: int, etag: str = etag, number: int = number) -> Answer:
                changed = config(f"round {number} client {client}")
                return callers[client].call("UpdateDistribution", Id=target, IfMatch=etag, DistributionConfig=changed)

            answers = list(pool.map(update, range(CLIENTS)))
            winners = [client for client, answer in enumerate(answers) if answer.status == 200]
            assert len(winners) == 1, [answer.status for answer in answers]
            losers = {answer.members["Code"] for answer in answers if answer.status != 200}
            assert losers == {"PreconditionFailed"}
            etag = answers[winners[0]].members["ETag"]
            assert etag not in versions
            versions.add(etag)
            for caller in callers[:2]:
                seen = caller.call("GetDistributionConfig", Id=target).members
                comment = seen["DistributionConfig"]["Comment"]
                assert (seen["ETag"], comment) == (etag, f"round {number} client {winners[0]}")


def test_a_change_through_either_is_brought_to_the_edges_by_the_one_that_publishes(
    two: tuple[ApiProcess, ApiProcess],
) -> None:
    for process in two:
        caller = Caller(process.port)
        made = caller.call(
            "CreateDistribution", DistributionConfig=config("x") | {"CallerReference": str(process.port)}
        )
        caller.close()
        assert made.members["Distribution"]["Status"] == "Deployed"
