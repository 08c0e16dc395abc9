"""What the checkers found, and which of it is meant to be so. Pure.

A finding that is in `EXPLAINED` stands in docs/reference/tls.md. Called by `__main__`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FINE = ("OK", "INFO")
EXPLAINED: Mapping[str, str] = {
    "HSTS": "Strict-Transport-Security is the distribution's response headers policy's to add",
    "security_headers": "so are the other security headers",
    "sessionresumption_ticket": "where there is TLS 1.3 alone testssl 3.0 may not get a connection to try it on",
}
"""Id of a finding of testssl -> why it is not the edge's."""
REQUIRED: Mapping[str, str] = {"OCSP_stapling": "offered", "cert_ocspRevoked": "not revoked"}
"""Id of a finding of testssl -> what it has to say."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a checker says."""

    name: str
    severity: str
    text: str


def read_testssl(report: Iterable[Mapping[str, str]]) -> list[Finding]:
    """The findings in the JSON that testssl writes."""
    return [Finding(entry["id"], entry["severity"], entry["finding"]) for entry in report]


def read_sslyze(printed: str) -> list[Finding]:
    """What sslyze holds against the configuration, by what it prints at its end."""
    found = re.search(r"COMPLIANCE AGAINST TLS CONFIGURATION.*", printed, re.DOTALL)
    if found is None:
        return [Finding("sslyze", "FATAL", f"it did not come to its end: {printed[-500:]}")]
    if re.search(r": OK - Compliant\.", found[0]):
        return []
    issues = re.findall(r"^\s+\* ([a-z_]+): (.*)$", found[0], re.MULTILINE)
    return [Finding(name, "FAILED", text) for name, text in issues] or [Finding("sslyze", "FATAL", found[0])]


def unexplained(findings: Iterable[Finding]) -> list[Finding]:
    """Those that are neither fine nor meant to be so."""
    return [each for each in findings if each.severity not in FINE and each.name not in EXPLAINED]


def missing(findings: Iterable[Finding]) -> list[Finding]:
    """What testssl should have found, and did not."""
    found = {each.name: each.text for each in findings}
    return [
        Finding(name, "MISSING", f"expected {text!r}, found {found.get(name)!r}")
        for name, text in REQUIRED.items()
        if found.get(name) != text
    ]
