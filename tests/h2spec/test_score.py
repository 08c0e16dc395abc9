"""What a report says of the suite's run."""

from pathlib import Path

from h2spec.__main__ import score

REPORT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="5.1. Stream States" package="http2/5.1" id="5.1" tests="3" skipped="1" failures="1" errors="0">
    <testcase package="http2/5.1" classname="idle: Sends a DATA frame" time="0.0005"></testcase>
    <testcase package="http2/5.1" classname="closed: Sends a HEADERS frame" time="2.0"><failure>why</failure></testcase>
    <testcase package="http2/5.1" classname="closed: Sends a DATA frame" time="0"><skipped></skipped></testcase>
  </testsuite>
</testsuites>
"""


def test_what_was_skipped_has_not_passed(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)

    failed = ["http2/5.1: closed: Sends a HEADERS frame", "http2/5.1: closed: Sends a DATA frame"]
    assert score(report) == (1, failed)
