"""The steps of a scenario, with the fake origin in the place of the edge: the viewer talks to it directly."""

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from edgeward.authority import Certificate
from edgeward.edge.settings import EdgeSettings
from edgeward.scenario import stage
from edgeward.scenario.command import main
from edgeward.scenario.expansion import OriginPorts
from edgeward.scenario.format import Scenario
from edgeward.scenario.runner import ScenarioFailure, run_scenario
from edgeward.scenario.short_form import ShortDistribution

HEAD = "scenario: A behavior\nspec: [rfc9111#4]\nvia: [h1]\n"
Run = Callable[[str], None]


class NoEdge:
    """Implements the members of `EdgeUnderTest`: there is nothing between viewer and origin."""

    def __init__(self, settings: EdgeSettings, ports: Mapping[str, OriginPorts], certificate: Certificate) -> None:
        assert settings.log is not None
        self.directory = settings.log.directory
        self.port = ports["main"].http
        self.calls: list[object] = []

    def start(self, _distribution: ShortDistribution) -> tuple[str, str]:
        return f"127.0.0.1:{self.port}", f"127.0.0.1:{self.port}"

    def update(self, change: ShortDistribution) -> None:
        if change.aliases:
            raise ValueError("no aliases here")

    def invalidate(self, paths: tuple[str, ...]) -> None: ...

    def advance(self, milliseconds: int) -> None: ...

    def flush_logs(self) -> None:
        record = "#Fields: x-edge-request-id x-edge-result-type x-edge-detailed-result-type\none\tHit\tHit\n"
        (self.directory / "E1.gz").write_bytes(gzip.compress(record.encode()))

    def stop(self) -> None: ...


@pytest.fixture
def run(parse: Callable[[str], Scenario], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the steps given as YAML."""
    monkeypatch.setattr(stage, "EdgeUnderTest", NoEdge)

    def run_steps(text: str) -> None:
        scenario = parse(f"{HEAD}steps:\n{text}")
        run_scenario(scenario, scenario.cases[0], "h1")

    return run_steps


GOOD_STEPS = """
- get: /a
  origin: {expect: {path: /a}, content: v1}
  expect: {status: 200, content: v1}
===
- get: /a
  times: 3
  origin: {times: 3}
  expect: {origin_requests: 3}
===
- get: /a
  times: 30
  at_once: true
  origin: {times: 30}
  expect: {status: 200}
===
- get: /a
  origin: {date: absent, x-a: b}
  expect: {date: absent, x-a: b}
===
- clock: +10s
- get: /a
  origin: {}
  expect: {date: 'Tue, 14 Nov 2023 22:13:30 GMT'}
===
- get: /a
  origin: reset
  expect: {answered: false}
===
- raw: "GET /a HTTP/1.1\\r\\n\\r\\n"
  origin: {framing: close, content: v1}
  expect: {content: v1, closed: true}
===
- get: /a
  origin: {content: old}
  during: [{clock: +1s}, {api: {invalidate: [/a]}}]
  expect: {content: old}
===
- api: {update: {enabled: true}}
- api: {disable: true}
===
- get: /a
  origin: {x-cache: Hit from cloudfront, x-amz-cf-id: one}
  expect: {result: Hit, detail: Hit}
- log: {x-edge-result-type: Hit}
===
- get: /a
  origin: {x-amz-cf-id: two}
- log: absent
"""


@pytest.mark.parametrize("steps", GOOD_STEPS.split("===\n"))
def test_steps_that_hold_pass(run: Run, steps: str) -> None:
    run(steps)


@pytest.mark.parametrize(
    ("steps", "line", "problem"),
    [
        ("- get: /a\n  origin: {status: 404}\n  expect: {status: 200}", 5, "status: expected 200, got 404"),
        ("- get: /a", 5, "origin: main got GET /a, which the step does not script"),
        ("- clock: +1s\n- get: /a\n  origin: [{}, {}]", 6, "1 scripted answer(s) that no origin request asked for"),
        ("- api: {update: {aliases: [a]}}", 5, "api: no aliases here"),
        (
            "- get: /a\n  origin: {}\n  during:\n  - get: /b\n    origin: {status: 500}\n    expect: {status: 200}",
            5,
            "during, line 8: status: expected 200, got 500",
        ),
        (
            "- get: /a\n  origin: {x-cache: Miss from cloudfront, x-amz-cf-id: one}\n  expect: {result: Miss}",
            5,
            "log x-edge-result-type: expected Miss, got Hit",
        ),
        (
            "- get: /a\n  origin: {x-cache: Hit from cloudfront, x-amz-cf-id: two}\n  expect: {result: Hit}",
            5,
            "the access log has no record of this request",
        ),
        ("- get: /a\n  origin: {x-amz-cf-id: one}\n- log: {x-edge-result-type: Miss}", 7, "expected Miss, got Hit"),
    ],
)
def test_a_step_that_does_not_hold_is_reported(run: Run, steps: str, line: int, problem: str) -> None:
    with pytest.raises(ScenarioFailure) as failure:
        run(steps)

    assert f"cache/example.yaml:{line}: this step does not hold" in str(failure.value)
    assert problem in str(failure.value)


def test_a_report_tells_what_happened_and_how_to_run_it_again(run: Run) -> None:
    with pytest.raises(ScenarioFailure) as failure:
        run("- clock: +5s\n- get: /a\n  range: bytes=0-1\n  origin: {content: v1}\n  expect: {status: 206}")

    report = str(failure.value)
    assert "5.000s  clock   +5.0s" in report
    assert "5.000s  viewer  > GET /a range: bytes=0-1" in report
    assert "specified by: rfc9111#4" in report
    assert "run it again: python -m edgeward.scenario cache/example.yaml --via h1" in report


def test_the_command_tells_success_failure_and_what_it_cannot_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stage, "EdgeUnderTest", NoEdge)
    good, bad, broken = (tmp_path / name for name in ("good.yaml", "sub/bad.yaml", "broken.yaml"))
    bad.parent.mkdir()
    good.write_text(f"{HEAD}rows: {{one: {{s: 200}}, two: {{s: 204}}}}\nsteps: [{{get: /a, origin: {{status: $s}}}}]")
    bad.write_text(f"{HEAD}steps: [{{get: /a}}]")
    broken.write_text("scenario: [")

    assert main([str(good), "--row", "two"]) == 0
    assert capsys.readouterr().out.count("ok ") == 1
    assert main([str(bad.parent)]) == 1
    assert "FAILED sub/bad h1" in capsys.readouterr().out
    assert main([str(broken)]) == 2
    assert main([str(good), "--row", "three"]) == 2
