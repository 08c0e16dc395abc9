"""The part of its content that a scripted origin sends for a range."""

import pytest

from edgeward.scenario.partial import requested_part

CONTENT = b"0123456789"


@pytest.mark.parametrize(
    ("value", "status", "content", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
    ],
)
def test_a_range_is_answered_with_that_part(value: str, status: int, content: bytes, content_range: str) -> None:
    part = requested_part([("range", value)], [], len(CONTENT))
    assert part is not None
    assert (part.status, CONTENT[part.start : part.end], part.content_range) == (status, content, content_range)
    assert part.describe([("content-length", "10"), ("etag", "x")]) == [
        ("content-length", str(len(content))),
        ("content-range", content_range),
        ("etag", "x"),
    ]


@pytest.mark.parametrize("fields", [[], [("range", "lines=1-2")], [("range", "bytes=0-1"), ("if-range", '"2"')]])
def test_everything_is_sent_where_no_range_counts(fields: list[tuple[str, str]]) -> None:
    assert requested_part(fields, [("etag", '"1"')], len(CONTENT)) is None


def test_a_condition_that_holds_lets_the_range_count() -> None:
    part = requested_part([("range", "bytes=0-1"), ("if-range", '"1"')], [("etag", '"1"')], len(CONTENT))
    assert part is not None
    assert (part.start, part.end) == (0, 2)
