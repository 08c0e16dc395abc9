"""Patterns and their variables."""

import pytest

from edgeward.access.patterns import filled_in, matches


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "", True),
        ("*", "anything", True),
        ("", "", True),
        ("", "a", False),
        ("a", "a", True),
        ("a", "A", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a*c", "ac", True),
        ("a*c", "abbbc", True),
        ("a*c", "abbbcd", False),
        ("*c*", "abcd", True),
        ("a*b*b", "ab", False),
        ("a*b*b", "abb", True),
        ("ab*ba", "aba", False),
        ("**a**", "bab", True),
        ("arn:aws:cloudfront::123456789012:distribution/E*", "arn:aws:cloudfront::123456789012:distribution/E1", True),
        ("a.c", "abc", False),
        ("a*\n", "ab\n", True),
    ],
)
def test_stars_and_question_marks(pattern: str, text: str, *, expected: bool) -> None:
    assert matches(pattern, text) is expected


def test_case_counts_unless_it_does_not() -> None:
    assert matches("CloudFront:get*", "cloudfront:GetDistribution", ignore_case=True)
    assert not matches("CloudFront:get*", "cloudfront:GetDistribution")


def test_a_hostile_pattern_takes_no_longer_than_its_length() -> None:
    assert not matches("*a" * 2_000 + "b", "a" * 8_000)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("plain", "plain"),
        ("home/${aws:username}", "home/ada"),
        ("${AWS:UserName}/x", "ada/x"),
        ("${aws:userid, 'nobody'}", "nobody"),
        ("${aws:userid}", None),
    ],
)
def test_variables(pattern: str, expected: str | None) -> None:
    assert filled_in(pattern, {"aws:username": ["ada"]}) == expected


def test_the_value_of_a_variable_is_no_pattern() -> None:
    filled = filled_in("home/${aws:username}", {"aws:username": ["*"]})

    assert filled is not None
    assert matches(filled, "home/*")
    assert not matches(filled, "home/ada")


def test_escaped_wildcards_are_characters() -> None:
    filled = filled_in("a${*}${?}${$}", {})

    assert filled is not None
    assert matches(filled, "a*?$")
    assert not matches(filled, "abc$")
