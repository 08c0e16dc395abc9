"""The committed expectation of every test, and how a run differs from it.

`expected.json` holds the outcome of each test and, for each required or optimal test that does not hold, one line that
says why. Invariant: a run that differs in a required or optimal test, for better or worse, does not pass. Checks have
no right answer, and a few depend on the second they run in: how they differ is told and never fails.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance.score import Kind, Outcome, Test, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What a run should show."""

    outcomes: Mapping[str, Outcome]
    """By test id."""
    because: Mapping[str, str]
    """Why a required or optimal test does not hold, by test id."""

    @classmethod
    def read(cls, path: Path) -> "Expectations":
        """From `path`; nothing is expected when there is no such file yet."""
        document = json.loads(path.read_text()) if path.exists() else {"outcomes": {}, "because": {}}
        outcomes = {each: Outcome(outcome) for each, outcome in document["outcomes"].items()}
        return cls(outcomes=outcomes, because=document["because"])

    def write(self, path: Path) -> None:
        """To `path`, in the order of the ids."""
        document = {"outcomes": self.outcomes, "because": self.because}
        path.write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

    def updated(self, tests: Mapping[str, Test], verdicts: Mapping[str, Verdict]) -> "Expectations":
        """What `verdicts` show; reasons stay with the tests that still need one."""
        outcomes = {each: verdict.outcome for each, verdict in verdicts.items()}
        because = {each: self.because.get(each, "") for each in tests if needs_reason(tests[each], outcomes[each])}
        return Expectations(outcomes=outcomes, because=because)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A test that ended otherwise than expected, or lacks a reason."""

    test: Test
    text: str

    @property
    def fails(self) -> bool:
        """Whether the run does not pass for it."""
        return self.test.kind is not Kind.CHECK


def steadier(first: Mapping[str, Verdict], second: Mapping[str, Verdict], expected: Expectations) -> dict[str, Verdict]:
    """Of two runs the verdicts that were expected, where there is one.

    The suite's own clock has a part in many tests, and what depends on the second it ran in does not happen twice.
    """
    return {
        each: verdict if verdict.outcome == expected.outcomes.get(each) else second[each]
        for each, verdict in first.items()
    }


def differences(
    tests: Mapping[str, Test], verdicts: Mapping[str, Verdict], expected: Expectations
) -> Iterator[Difference]:
    """Where `verdicts` differ from `expected`, and failures that nobody has explained."""
    for test in tests.values():
        verdict, before = verdicts[test.id], expected.outcomes.get(test.id)
        if verdict.outcome is not before:
            yield Difference(
                test=test, text=f"{before or 'not recorded'} -> {verdict.outcome} {verdict.message}".strip()
            )
        elif needs_reason(test, verdict.outcome) and not expected.because.get(test.id):
            yield Difference(test=test, text=f"{verdict.outcome}, and `because` in expected.json does not say why")


def needs_reason(test: Test, outcome: Outcome) -> bool:
    """Whether `expected.json` has to explain the outcome."""
    return test.kind is not Kind.CHECK and not outcome.holds
