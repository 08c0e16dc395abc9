"""Scenarios after those they need."""

from pathlib import Path

import pytest

from edgeward.scenario.format import LOCK_TIMEOUT, NOWHERE, Scenario
from edgeward.scenario.ordering import CircularNeedError, after_their_needs


def scenario(name: str, *needs: str) -> Scenario:
    return Scenario(
        id=name,
        path=Path(name),
        title=name,
        spec=(),
        kind="required",
        needs=needs,
        via=("h2",),
        disk=False,
        workers=2,
        geo=NOWHERE,
        lock_timeout=LOCK_TIMEOUT,
        private_origins=(),
        origin_places=1,
        origin_queue=1,
        cases=(),
    )


def order(*scenarios: Scenario) -> str:
    return "".join(each.id for each in after_their_needs(scenarios, lambda each: each))


@pytest.mark.parametrize(
    ("scenarios", "expected"),
    [
        ((scenario("a"), scenario("b")), "ab"),
        ((scenario("b"), scenario("a")), "ba"),
        ((scenario("b", "a"), scenario("a")), "ab"),
        ((scenario("c", "b"), scenario("b", "a"), scenario("a")), "abc"),
        ((scenario("b", "a"), scenario("a"), scenario("b", "a")), "abb"),
        ((scenario("b", "elsewhere"), scenario("a")), "ba"),
    ],
)
def test_what_is_needed_comes_first_and_the_rest_stays(scenarios: tuple[Scenario, ...], expected: str) -> None:
    assert expected == order(*scenarios)


def test_a_circle_is_named() -> None:
    with pytest.raises(CircularNeedError, match="a -> b -> a"):
        order(scenario("a", "b"), scenario("b", "a"))
