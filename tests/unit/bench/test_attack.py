"""What of an attack's figures is beyond its bound."""

import json

import pytest
from bench.attack.__main__ import MEMORY_BYTES, Outcome, Visit
from bench.attack.attacker import ATTACKS

VISIT = Visit(100, 0, 1.0)


def test_the_99th_percentile_leaves_the_slowest_hundredth_out() -> None:
    printed = json.dumps({"microseconds": [*range(1000, 100_000, 1000), 5_000_000], "failed": 2})
    assert Visit.of(printed) == Visit(asked=100, failed=2, p99=5000.0)


@pytest.mark.parametrize(
    ("failed", "p99", "grown", "is_kept"),
    [
        (0, 2.0, MEMORY_BYTES, True),
        (1, 1.0, 0, False),
        (0, 2.1, 0, False),
        (0, 1.0, MEMORY_BYTES + 1, False),
    ],
)
def test_each_bound_counts(failed: int, p99: float, grown: int, *, is_kept: bool) -> None:
    outcome = Outcome("slowloris", 10, VISIT, VISIT, VISIT, Visit(100, failed, p99), grown, 0.5)
    assert outcome.is_kept is is_kept
    assert ("BEYOND" in outcome.line()) is not is_kept


@pytest.mark.parametrize(("again", "is_steady"), [(1.5, True), (0.7, True), (1.6, False), (0.6, False)])
def test_figures_of_a_busy_machine_are_no_verdict(again: float, *, is_steady: bool) -> None:
    outcome = Outcome("h2-ping", 10, VISIT, Visit(100, 0, again), VISIT, Visit(100, 0, 9.0), 0, 0.5)
    assert outcome.is_steady is is_steady
    assert ("UNSTEADY" in outcome.line()) is not is_steady


def test_an_attack_names_what_it_is() -> None:
    assert {name.partition("-")[0] for name, (is_tls, _) in ATTACKS.items() if is_tls} == {"h2"}
