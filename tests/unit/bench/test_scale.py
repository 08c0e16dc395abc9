"""Bounds of the scale measurements, and how their figures are found and shown."""

from pathlib import Path

import pytest
from bench.failure import BenchError
from bench.processes import own_memory
from bench.scale.__main__ import parse_choice
from bench.scale.large import Sent, parse_sent
from bench.scale.reading import Bound, Reading, Unit, at_least, at_most, document, render, shown
from bench.scale.stored import Filled, sample_of
from bench.site import bytes_below


@pytest.mark.parametrize(
    ("bound", "value", "is_kept"),
    [
        (at_most(256), 255.9, True),
        (at_most(256), 256, True),
        (at_most(256), 256.1, False),
        (at_least(0.99), 0.989, False),
        (at_least(0.99), 0.99, True),
        (at_least(0.99), 1, True),
    ],
)
def test_a_bound_is_kept_up_to_its_limit(bound: Bound, value: float, *, is_kept: bool) -> None:
    assert bound.is_kept_by(value) is is_kept


def test_a_figure_without_a_bound_is_always_met() -> None:
    assert Reading(subject="stored", value=0).is_met


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0021, Unit.SECONDS, "2.10 ms"),
        (12, Unit.SECONDS, "12.00 s"),
        (0.991, Unit.SHARE, "99.10%"),
        (262144, Unit.BYTES, "262,144 bytes"),
        (1_000_000, Unit.COUNT, "1,000,000"),
    ],
)
def test_a_value_is_shown_with_its_unit(value: float, unit: Unit, text: str) -> None:
    assert shown(value, unit) == text


def test_readings_are_shown_with_their_verdict_and_documented_whole() -> None:
    readings = [
        Reading(subject="found again", value=0.5, unit=Unit.SHARE, bound=at_least(0.99)),
        Reading(subject="kept", value=3),
    ]

    first, second = render(readings).splitlines()
    assert first.split() == ["found", "again", "50.00%", "at", "least", "99.00%:", "MISSED"]
    assert second.split() == ["kept", "3"]
    assert [entry["met"] for entry in document(readings)] == [False, True]
    assert document(readings)[0]["bound"] == {"side": "at least", "limit": 0.99}


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, ["a-1"]),
        (4, ["a-1", "a-3", "b-2", "b-4"]),
        (100, ["a-1", "a-2", "a-3", "b-1", "b-2", "b-3", "b-4", "b-5"]),
    ],
)
def test_a_sample_is_spread_over_every_turn_and_names_nothing_twice(count: int, expected: list[str]) -> None:
    paths = list(sample_of([Filled("a", 3), Filled("b", 5)], count))

    assert [path.rpartition("/")[2] for path in paths] == expected


def test_a_line_of_the_origins_log_is_read() -> None:
    assert parse_sent("1764045000.123 262144") == Sent(1764045000.123, 262144)


def test_what_lies_below_a_folder_is_counted_in_blocks(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"x" * 5000)
    (tmp_path / "a" / "b" / "two").write_bytes(b"x" * 100_000)

    assert 105_000 <= bytes_below(tmp_path) <= 130_000


def test_own_memory_is_what_no_file_stands_behind() -> None:
    status = "Name:\tpython\nVmRSS:\t 900 kB\nRssAnon:\t 300 kB\nRssFile:\t 500 kB\nRssShmem:\t 100 kB\n"

    assert own_memory(status) == 400 * 1024


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--responses", "0"], "must be at least 1"),
        (["--cases", "stored-on-tape"], "unknown case stored-on-tape; choose from distributions, part, crowd"),
        (["--server-cpu", "0", "--load-cpu", "0"], "need a CPU each"),
    ],
)
def test_a_command_line_that_cannot_be_carried_out_says_why(arguments: list[str], complaint: str) -> None:
    with pytest.raises(BenchError, match=complaint):
        parse_choice(arguments)


def test_no_case_means_all() -> None:
    named = parse_choice(["--cases", "stored-in-memory", "crowd", "part", "stored-on-disk", "distributions"])

    assert parse_choice([]).cases == named.cases
