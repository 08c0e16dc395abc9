"""What counts as proven."""

from typing import Any

import pytest

from conformance.score import Kind, Outcome, Test, judge, listed_tests, scores

TESTS = {
    test.id: test
    for test in (
        Test(id="gate", name="", kind=Kind.CHECK),
        Test(id="basic", name="", kind=Kind.OPTIMAL, depends_on=("gate",)),
        Test(id="fine", name="", kind=Kind.REQUIRED, depends_on=("basic",)),
        Test(id="alone", name="", kind=Kind.REQUIRED),
    )
}


def outcomes(results: dict[str, Any]) -> dict[str, str]:
    return {each: str(verdict.outcome) for each, verdict in judge(TESTS, results).items()}


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (True, Outcome.PASS),
        (["Assertion", "no"], Outcome.FAIL),
        (["TypeError", "no such property"], Outcome.FAIL),
        (["Setup", "status is 403"], Outcome.SETUP),
        (["Setup", "retry"], Outcome.RETRY),
        (["AbortError", "late"], Outcome.HARNESS),
        (False, Outcome.HARNESS),
    ],
)
def test_what_the_suite_reports_has_an_outcome(result: Any, outcome: Outcome) -> None:
    assert outcomes({"alone": result})["alone"] == outcome


def test_a_test_proves_nothing_when_one_that_it_rests_on_does_not_hold() -> None:
    passing = {"gate": True, "basic": True, "fine": True, "alone": True}
    assert outcomes(passing) == {"gate": "yes", "basic": "pass", "fine": "pass", "alone": "pass"}

    broken = outcomes(passing | {"gate": ["Assertion", "it reuses everything"]})
    assert broken == {"gate": "no", "basic": "dependency", "fine": "dependency", "alone": "pass"}


def test_a_test_without_a_result_is_untested_and_so_is_what_rests_on_it_unproven() -> None:
    assert outcomes({"gate": True, "fine": True}) == {
        "gate": "yes",
        "basic": "untested",
        "fine": "dependency",
        "alone": "untested",
    }


def test_results_of_unknown_tests_do_not_count() -> None:
    assert "surplus" not in outcomes({"surplus": True})


def test_the_score_counts_what_holds_by_kind() -> None:
    score = scores(TESTS, judge(TESTS, {"gate": True, "basic": ["Assertion", "no"], "fine": True, "alone": True}))

    assert {kind: str(each) for kind, each in score.items()} == {"required": "1/2", "optimal": "0/1", "check": "1/1"}


def test_the_list_of_tests_leaves_out_those_for_browsers() -> None:
    suites: list[dict[str, Any]] = [
        {"tests": [{"id": "a", "name": "A"}, {"id": "b", "name": "B", "browser_only": True}]},
        {"tests": [{"id": "c", "name": "C", "kind": "check", "depends_on": ["a"]}]},
    ]

    assert listed_tests(suites) == {
        "a": Test(id="a", name="A", kind=Kind.REQUIRED),
        "c": Test(id="c", name="C", kind=Kind.CHECK, depends_on=("a",)),
    }
