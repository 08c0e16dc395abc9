"""A store with distributions in it, and edges of every temper."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edgeward.aws.resources import Resource
from edgeward.deploy.planner import Planner
from edgeward.deploy.publisher import Publisher
from edgeward.periodic import Backoff
from edgeward.services.cloudfront.distribution.holds import references
from edgeward.store.database import Store

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class FakeEdge:
    """An edge that holds a plan as the real one does: it refuses a change whose base is not its sequence."""

    sequence: int = 0
    log: list[str] = field(default_factory=list)
    """What it was sent: `whole 3`, `change 3-4`, `order /a`; refusals end in `refused`."""
    distributions: dict[str, Any] = field(default_factory=dict)
    failures: int = 0
    """How many of the next calls fail."""
    is_open: threading.Event = field(default_factory=threading.Event)
    """Calls wait for it."""

    def __post_init__(self) -> None:
        self.is_open.set()

    def plan_sequence(self) -> int:
        return self.sequence

    def load_plan(self, update: bytes) -> int:
        plan = json.loads(update)
        base, sequence = plan["base"], int(plan["sequence"])
        what = f"whole {sequence}" if base is None else f"change {base}-{sequence}"
        self._take(what)
        if base not in (None, self.sequence):
            self.log.append(f"{what} refused")
            raise ValueError(f"this edge is at {self.sequence}")
        self.distributions = plan["distributions"] if base is None else self.distributions | plan["distributions"]
        self.sequence = sequence
        return sequence

    def invalidate(self, order: bytes) -> int:
        fields = json.loads(order)
        self._take(f"order {' '.join(fields['patterns'])}")
        return int(fields["sequence"])

    def _take(self, what: str) -> None:
        self.is_open.wait()
        if self.failures:
            self.failures -= 1
            self.log.append(f"{what} failed")
            raise ConnectionError("try again")
        self.log.append(what)


@dataclass(frozen=True)
class FakeCertificate:
    chain_pem: str
    key_pem: str = "key"


class FakeCertificates:
    """Certificates for names below example.com and localhost."""

    def covers(self, name: str) -> bool:
        return name.endswith((".example.com", ".localhost"))

    def certificate_for(self, names: Iterable[str]) -> FakeCertificate:
        return FakeCertificate(chain_pem=",".join(sorted(names)))


class Account:
    """Writes to the store as the families do."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def put(self, distribution_id: str, **changes: Any) -> int:
        """Creates or updates a distribution; returns the outbox position."""
        with self.store.write() as transaction:
            before = transaction.find("distribution", distribution_id)
            etag = f"{distribution_id}-{transaction.last_change()}"
            resource = _distribution(distribution_id, etag, changes)
            write = transaction.insert if before is None else transaction.update
            write(resource, references(resource.config))
            return transaction.enqueue("distribution", distribution_id)

    def remove(self, distribution_id: str) -> int:
        """Deletes a distribution; returns the outbox position."""
        with self.store.write() as transaction:
            transaction.delete("distribution", distribution_id, NOW)
            return transaction.enqueue("distribution", distribution_id)

    def invalidate(self, distribution_id: str, path: str) -> int:
        """Creates an invalidation `I<path>`; returns the outbox position."""
        with self.store.write() as transaction:
            resource = Resource(
                family="invalidation",
                id=f"I{path}",
                etag="E",
                config={"Paths": {"Quantity": 1, "Items": [path]}},
                created=NOW,
                modified=NOW,
                parent=distribution_id,
                attributes={},
            )
            transaction.insert(resource, ())
            return transaction.enqueue("invalidation", resource.id)

    def status(self, family: str, id: str) -> str | None:
        with self.store.read() as transaction:
            resource = transaction.find(family, id)
            return None if resource is None else resource.status

    @property
    def pending(self) -> int:
        with self.store.read() as transaction:
            return len(transaction.pending())


def _distribution(distribution_id: str, etag: str, changes: dict[str, Any]) -> Resource:
    origin = {
        "Id": "site",
        "DomainName": "origin.example.com",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"},
    }
    behavior = {
        "TargetOriginId": "site",
        "ViewerProtocolPolicy": "allow-all",
        "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    }
    config = {
        "CallerReference": distribution_id,
        "Comment": "",
        "Enabled": True,
        "Staging": False,
        "Aliases": {"Quantity": 0},
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behavior,
        "CacheBehaviors": {"Quantity": 0},
    }
    return Resource(
        family="distribution",
        id=distribution_id,
        etag=etag,
        config=config | changes,
        created=NOW,
        modified=NOW,
        attributes={"DomainName": f"{distribution_id.lower()}.cloudfront.localhost"},
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'control-plane.db'}")
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def account(store: Store) -> Account:
    return Account(store)


@pytest.fixture
def certificates() -> FakeCertificates:
    return FakeCertificates()


@pytest.fixture
def planner(certificates: FakeCertificates) -> Planner:
    return Planner(account_id="123456789012", domain_suffix="cloudfront.localhost", certificates=certificates)


@pytest.fixture
def new_edge() -> Callable[..., FakeEdge]:
    return FakeEdge


@pytest.fixture
def publish(store: Store) -> Iterator[Callable[..., Publisher]]:
    """Starts publishers; each has its own planner, as after a restart."""
    started: list[Publisher] = []
    edges: list[FakeEdge] = []

    def publish(*channels: FakeEdge, acknowledgement_seconds: float = 10.0) -> Publisher:
        publisher = Publisher(
            store,
            Planner(account_id="123456789012", domain_suffix="cloudfront.localhost", certificates=FakeCertificates()),
            channels,
            acknowledgement_seconds=acknowledgement_seconds,
            backoff=Backoff(first=timedelta(0), longest=timedelta(0)),
        )
        started.append(publisher)
        edges.extend(channels)
        publisher.start()
        return publisher

    yield publish
    for edge in edges:
        edge.is_open.set()
    for publisher in started:
        publisher.stop()
