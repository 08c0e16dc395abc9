"""What a run of the suite proves: the outcome of each test, as the suite's own page works it out.

A raw `true` is not a pass: a test counts only when all those it depends on hold too, since a cache that stores nothing
passes most of "must not reuse" for free. Pure: results and the list of tests are passed in. Called by `__main__`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any


class Kind(StrEnum):
    """How much a test means."""

    REQUIRED = "required"
    """RFC 9111 or 9110 demands it."""
    OPTIMAL = "optimal"
    """A good cache does it."""
    CHECK = "check"
    """A question without a right answer."""


class Outcome(StrEnum):
    """How a test ended."""

    PASS = "pass"
    FAIL = "fail"
    YES = "yes"
    NO = "no"
    DEPENDENCY = "dependency"
    """A test it depends on does not hold, so it proves nothing."""
    SETUP = "setup"
    """The cache kept it from being carried out."""
    RETRY = "retry"
    """The cache sent a request twice."""
    HARNESS = "harness"
    """The suite itself failed."""
    UNTESTED = "untested"

    @property
    def holds(self) -> bool:
        """Whether tests that depend on it may count."""
        return self in (Outcome.PASS, Outcome.YES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One test of the suite."""

    __test__ = False  # not one of pytest's

    id: str
    name: str
    kind: Kind
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of one test, and what the suite says of a failure."""

    outcome: Outcome
    message: str = ""


Result = Any
"""What the suite reports of a test: true, false, or `[error name, message]`."""


def listed_tests(suites: Iterable[Mapping[str, Any]]) -> dict[str, Test]:
    """The tests by id, those for browsers left out, from the list that `list_tests.mjs` prints."""
    return {
        test["id"]: Test(
            id=test["id"],
            name=test["name"],
            kind=Kind(test.get("kind", Kind.REQUIRED)),
            depends_on=tuple(test.get("depends_on", ())),
        )
        for suite in suites
        for test in suite["tests"]
        if not test.get("browser_only")
    }


def judge(tests: Mapping[str, Test], results: Mapping[str, Result]) -> dict[str, Verdict]:
    """The verdict on every test of `tests`; results of other tests are passed over."""

    @cache
    def outcome(test_id: str) -> Outcome:
        if test_id not in results:
            return Outcome.UNTESTED
        if not all(outcome(needed).holds for needed in tests[test_id].depends_on):
            return Outcome.DEPENDENCY
        return _alone(tests[test_id].kind, results[test_id])

    return {each: Verdict(outcome=outcome(each), message=_message(results.get(each))) for each in tests}


def _alone(kind: Kind, result: Result) -> Outcome:
    """The outcome of a test whose dependencies hold."""
    match result:
        case True:
            return Outcome.YES if kind is Kind.CHECK else Outcome.PASS
        case ["Setup", "retry", *_]:
            return Outcome.RETRY
        case ["Setup", *_]:
            return Outcome.SETUP
        case False | ["AbortError", *_]:
            return Outcome.HARNESS
        case _:
            return Outcome.NO if kind is Kind.CHECK else Outcome.FAIL


def _message(result: Result) -> str:
    return ": ".join(str(part) for part in result) if isinstance(result, list) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How many tests of a kind hold."""

    holding: int
    total: int

    def __str__(self) -> str:
        return f"{self.holding}/{self.total}"


def scores(tests: Mapping[str, Test], verdicts: Mapping[str, Verdict]) -> dict[Kind, Score]:
    """The score of each kind."""
    totals = Counter(test.kind for test in tests.values())
    holding = Counter(test.kind for test in tests.values() if verdicts[test.id].outcome.holds)
    return {kind: Score(holding=holding[kind], total=totals[kind]) for kind in Kind}
