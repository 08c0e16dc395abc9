"""Durations, header fields, their checks, and content."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from edgeward.scenario.reading import Node, ScenarioError, compose, read
from edgeward.scenario.timeline import EPOCH_MS
from edgeward.scenario.values import Content, ContentCheck, Duration, FieldCheck, Fields, pattern


def node(text: str) -> Node:
    return compose(text, Path("a.yaml"))


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("250ms", 250), ("+11s", 11_000), ("2m", 120_000), ("1h", 3_600_000), ("1d", 86_400_000)]
)
def test_a_duration_has_a_unit(text: str, milliseconds: int) -> None:
    assert Duration(milliseconds) == read(Duration, node(text))


@pytest.mark.parametrize("text", ["11", "-1s", "1.5s", "1 s", "s"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ScenarioError, match="is not a duration"):
        read(Duration, node(text))


@pytest.mark.parametrize(
    ("check", "found", "mismatch"),
    [
        ("v", ["v"], None),
        ("v", ["w"], "x: expected v, got w"),
        ("v", [], "x: expected v, got absent"),
        ("a, b", ["a", "b"], None),
        ("absent", [], None),
        ("absent", ["v"], "x: expected absent, got v"),
        ("present", ["v"], None),
        ("present", [], "x: expected present, got absent"),
        ("{equals: absent}", ["absent"], None),
        ("{contains: b}", ["abc"], None),
        ("{contains: d}", ["abc"], "x: expected contains d, got abc"),
        ("{matches: '^a.c$'}", ["abc"], None),
        ("{matches: '^b'}", ["abc"], "x: expected a match of ^b, got abc"),
        ("[a, b]", ["a", "b"], None),
        ("[a, b]", ["a, b"], "x: expected a | b, got a, b"),
    ],
)
def test_a_check_says_how_a_field_differs(check: str, found: list[str], mismatch: str | None) -> None:
    assert mismatch == FieldCheck.read_node(node(check)).mismatch("x", found, EPOCH_MS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{match: a}", "unknown check `match`; did you mean `matches`"),
        ("{matches: '['}", "not a regular expression"),
        ("{equals: a, contains: b}", "one key"),
    ],
)
def test_a_check_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        FieldCheck.read_node(node(text))


def test_dates_are_distances_from_the_virtual_clock() -> None:
    fields = Fields.read_node(node("{expires: +60s, last-modified: -1d, x-a: +60s}"))

    assert fields.at(EPOCH_MS) == [
        ("expires", "Tue, 14 Nov 2023 22:14:20 GMT"),
        ("last-modified", "Mon, 13 Nov 2023 22:13:20 GMT"),
        ("x-a", "+60s"),
    ]


def test_absent_leaves_a_field_out_and_a_list_repeats_it() -> None:
    fields = Fields.read_node(node("{Date: absent, set-cookie: [a=1, b=2]}"))

    assert fields.lines == (("set-cookie", "a=1"), ("set-cookie", "b=2"))
    assert fields.named("date")
    assert not fields.named("age")


def test_pattern_bytes_tell_their_position() -> None:
    whole = pattern(5000)

    assert whole[1234:2345] == pattern(1111, 1234)
    assert len({whole[start : start + 8] for start in range(251)}) == 251


@pytest.mark.parametrize(
    ("check", "found", "is_right"),
    [
        ("abc", b"abc", True),
        ("abc", b"abcd", False),
        ("{contains: b}", b"abc", True),
        ("{contains: z}", b"abc", False),
        ("{length: 3}", b"abc", True),
        ("{length: 4}", b"abc", False),
        ("{sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad}", b"abc", True),
        ("{sha256: '00'}", b"abc", False),
        ("{equals: abc, coding: gzip}", gzip.compress(b"abc"), True),
        ("{equals: abc, coding: gzip}", b"abc", False),
        ("{equals: abc, coding: gzip}", gzip.compress(b"abc")[:-1], False),
        ("{pattern: 10, offset: 5}", pattern(15)[5:], True),
        ("{pattern: 10}", pattern(15)[5:], False),
    ],
)
def test_content_is_compared_whole_or_in_part(check: str, found: bytes, is_right: bool) -> None:  # noqa: FBT001
    assert is_right == (not ContentCheck.read_node(node(check)).mismatches(found))


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (Content, "{length: 5}", "content to send is a text or"),
        (Content, "{pattern: -1}", "a pattern has 0 to"),
        (ContentCheck, "{size: 5}", "unknown check of content `size`"),
    ],
)
def test_content_that_is_none_is_refused(kind: Any, text: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        kind.read_node(node(text))
