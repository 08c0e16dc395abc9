"""A run against what is recorded."""

from pathlib import Path

from conformance.__main__ import report
from conformance.expectations import Expectations, differences, steadier
from conformance.score import Kind, Outcome, Test, Verdict

REQUIRED = Test(id="a", name="A", kind=Kind.REQUIRED)
CHECK = Test(id="c", name="C", kind=Kind.CHECK)
TESTS = {"a": REQUIRED, "c": CHECK}


def run(required: Outcome, check: Outcome = Outcome.YES) -> dict[str, Verdict]:
    return {"a": Verdict(outcome=required, message="Assertion: no"), "c": Verdict(outcome=check)}


def expecting(required: Outcome, check: Outcome = Outcome.YES, **because: str) -> Expectations:
    return Expectations(outcomes={"a": required, "c": check}, because=because)


def told(verdicts: dict[str, Verdict], expected: Expectations) -> list[tuple[str, bool]]:
    return [(each.text, each.fails) for each in differences(TESTS, verdicts, expected)]


def test_a_run_as_recorded_has_no_differences() -> None:
    assert told(run(Outcome.PASS), expecting(Outcome.PASS)) == []
    assert told(run(Outcome.FAIL), expecting(Outcome.FAIL, a="the RFC says otherwise")) == []


def test_a_required_test_that_ends_otherwise_fails_the_run_for_better_or_worse() -> None:
    assert told(run(Outcome.FAIL), expecting(Outcome.PASS)) == [("pass -> fail Assertion: no", True)]
    assert told(run(Outcome.PASS), expecting(Outcome.FAIL, a="why")) == [("fail -> pass Assertion: no", True)]
    assert told(run(Outcome.DEPENDENCY), expecting(Outcome.PASS)) == [("pass -> dependency Assertion: no", True)]


def test_a_failure_that_nobody_explained_fails_the_run() -> None:
    [(text, fails)] = told(run(Outcome.FAIL), expecting(Outcome.FAIL))

    assert "does not say why" in text
    assert fails


def test_what_a_second_run_does_not_repeat_does_not_count() -> None:
    expected = expecting(Outcome.PASS)
    passing, failing = run(Outcome.PASS), run(Outcome.SETUP)

    for first, second in [(failing, passing), (passing, failing)]:
        assert told(steadier(first, second, expected), expected) == []
    assert told(steadier(failing, failing, expected), expected) == [("pass -> setup Assertion: no", True)]


def test_a_check_that_ends_otherwise_is_told_and_fails_nothing() -> None:
    assert told(run(Outcome.PASS, Outcome.NO), expecting(Outcome.PASS)) == [("yes -> no", False)]


def test_a_new_test_has_to_be_recorded() -> None:
    nothing = Expectations(outcomes={}, because={})

    assert told(run(Outcome.PASS), nothing)[0] == ("not recorded -> pass Assertion: no", True)


def test_recording_keeps_the_reasons_that_are_still_needed(tmp_path: Path) -> None:
    before = Expectations(outcomes={}, because={"a": "why", "gone": "why"})
    before.updated(TESTS, run(Outcome.FAIL)).write(tmp_path / "expected.json")

    assert Expectations.read(tmp_path / "expected.json") == expecting(Outcome.FAIL, a="why")
    assert before.updated(TESTS, run(Outcome.PASS)).because == {}


def test_the_report_ends_with_what_to_do() -> None:
    lines, fails = report("h1", TESTS, run(Outcome.FAIL), expecting(Outcome.PASS))

    assert lines[0] == "HTTP/1.1: required 0/1, optimal 0/0, check 1/1"
    assert lines[1] == "  required a: pass -> fail Assertion: no"
    assert "make conformance ARGS=--record" in lines[2]
    assert fails
