"""Findings in a response header: what is written is read, and fits whatever it says."""

import pytest

from edgeward.lint.header import MOST_CHARACTERS, MOST_FINDINGS, read, write
from edgeward.lint.rules import Finding

HTTP = Finding("viewers-in-clear", "hint", "DefaultCacheBehavior", "viewers are served over http", "redirect them")


def test_nothing_found_is_no_header() -> None:
    assert write([]) is None


def test_a_finding_is_an_item_with_parameters() -> None:
    assert write([HTTP]) == (
        'viewers-in-clear;severity=hint;member="DefaultCacheBehavior";text="viewers are served over http";'
        'advice="redirect them"'
    )


@pytest.mark.parametrize("text", ["", "a, b; c=d", 'say "no"', "back\\slash", '"\\"', "more;count=3"])
def test_what_is_written_is_read(text: str) -> None:
    found = [Finding("unused-origin", "warning", f"Origins[{text}]", text, text), HTTP]

    assert read(write(found) or "").findings == tuple(found)


@pytest.mark.parametrize("text", ["a\r\nSet-Cookie: b=c", "a\0b", "über", "\u2028", "\x7f", "a\tb"])
def test_what_no_header_can_hold_becomes_a_question_mark(text: str) -> None:
    value = write([Finding("unused-origin", "warning", text, text, text)]) or ""

    assert value.isascii()
    assert value.isprintable()
    assert read(value).findings[0].where.count("?") == sum(not " " <= each <= "~" for each in text)


@pytest.mark.parametrize(("count", "length"), [(1, 10_000), (17, 3), (500, 3), (500, 10_000)])
def test_many_and_long_findings_are_cut_and_counted(count: int, length: int) -> None:
    value = write([Finding("unused-origin", "warning", "x" * length, "y" * length, "z")] * count) or ""

    told = read(value)
    assert len(value) < MOST_CHARACTERS + 100
    assert 1 <= len(told.findings) <= MOST_FINDINGS
    assert len(told.findings) + told.more == count


def test_what_nobody_here_wrote_is_passed_over() -> None:
    assert read('other;severity=fatal;member="";text="";advice="", x').findings == ()
