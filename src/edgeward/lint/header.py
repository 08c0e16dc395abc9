"""Findings as the value of a response header, `x-edgeward-warning`, and back.

A list of tokens with parameters (RFC 9651): `old-tls-to-origin;severity=warning;member="Origins[site]";text="..."`.
Invariant: printable ASCII alone, a few findings and a few kilobytes at most, whatever the configuration says; what was
left out is counted by a last item, `more;count=3`. Written by the API, read by the commands.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgeward.lint.rules import SEVERITIES, Finding

HEADER = "x-edgeward-warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a header tells."""

    findings: tuple[Finding, ...] = ()
    more: int = 0
    """How many findings it has no room for."""


def write(findings: Sequence[Finding]) -> str | None:
    """The header's value; None when there is nothing to tell."""
    items: list[str] = []
    size = 0
    for finding in findings:
        item = _item(finding)
        size += len(item) + len(_SEPARATOR)
        if len(items) == MOST_FINDINGS or size > MOST_CHARACTERS:
            return _SEPARATOR.join([*items, f"{_MORE};count={len(findings) - len(items)}"])
        items.append(item)
    return _SEPARATOR.join(items) or None


def read(value: str) -> Told:
    """What `write` wrote; what it did not write is passed over."""
    findings: list[Finding] = []
    more = 0
    for item in _ITEM.finditer(value):
        if item["count"] is not None:
            more = int(item["count"])
        else:
            member, text, advice = (_unquoted(item[name]) for name in ("member", "text", "advice"))
            severity = next(each for each in SEVERITIES if each == item["severity"])
            findings.append(Finding(item["rule"], severity, member, text, advice))
    return Told(findings=tuple(findings), more=more)


def _item(finding: Finding) -> str:
    texts = {"member": finding.where, "text": finding.what, "advice": finding.advice}
    parameters = "".join(f";{name}={_quoted(text)}" for name, text in texts.items())
    return f"{finding.rule};severity={finding.severity}{parameters}"


def _quoted(text: str) -> str:
    """A string of RFC 9651 section 4.1.6; what it cannot hold becomes a question mark."""
    short = text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 3]}..."
    printable = _UNPRINTABLE.sub("?", short)
    return '"' + printable.replace("\\", r"\\").replace('"', r"\"") + '"'


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


MOST_FINDINGS = 16
MOST_CHARACTERS = 4_000
"""Of all findings; proxies take header sections of 8 KiB."""
MOST_TEXT = 240
_UNPRINTABLE = re.compile("[^ -~]")
_SEPARATOR = ", "
_MORE = "more"
_ITEM = re.compile(
    rf"{_MORE};count=(?P<count>[0-9]{{1,6}})|(?P<rule>[a-z-]+);severity=(?P<severity>{'|'.join(SEVERITIES)})"
    r';member="(?P<member>(?:[^"\\]|\\.)*)";text="(?P<text>(?:[^"\\]|\\.)*)";advice="(?P<advice>(?:[^"\\]|\\.)*)"'
)
