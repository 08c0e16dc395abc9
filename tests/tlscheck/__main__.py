"""The command: `make tlscheck`, or `python -m tlscheck [--sslyze PROGRAM] [--testssl PROGRAM]`.

Has sslyze hold each security policy against Mozilla's recommendation for it, and testssl.sh look at all it knows, on an
edge with certificates of its own and OCSP. Exit status: 0 when nothing was found that docs/reference/tls.md does not
explain, 1 when something was, 2 when no checker could run.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from h2spec.__main__ import answering_origin
from tlscheck.findings import Finding, missing, read_sslyze, read_testssl, unexplained
from tlscheck.stand import POLICIES, Stand, stand

RECOMMENDED = {"TLSv1.3_2025": "modern"}
"""Security policy -> Mozilla's configuration that it has to comply with; the others with `intermediate`."""
SECONDS = 1200

Check = Callable[[Stand, str], list[Finding]]


def main() -> int:
    """Runs the checkers and prints what they found."""
    options = argparse.ArgumentParser(prog="tlscheck", description=__doc__)
    options.add_argument("--sslyze", default="sslyze", help="the sslyze to run")
    options.add_argument("--testssl", default="testssl", help="the testssl.sh to run")
    chosen = options.parse_args()
    found = {"sslyze": shutil.which(chosen.sslyze), "testssl": shutil.which(chosen.testssl)}
    checks = [(name, _CHECKS[name](program)) for name, program in found.items() if program]
    for name in (name for name, program in found.items() if not program):
        sys.stderr.write(f"{name} IS NOT INSTALLED and checks nothing\n")
    if not checks:
        return 2
    with tempfile.TemporaryDirectory() as folder, answering_origin() as port, stand(Path(folder), port) as there:
        reported = [_report(checker, name, check(there, name)) for checker, check, name in _runs(checks)]
        return 1 if any(reported) else 0


def _runs(checks: list[tuple[str, Check]]) -> Iterator[tuple[str, Check, str]]:
    return ((checker, check, name) for checker, check in checks for name in POLICIES)


def _report(checker: str, name: str, findings: list[Finding]) -> bool:
    """Prints what was found; returns whether it was anything."""
    lines = [f"  {each.severity} {each.name}: {each.text}" for each in findings] or ["  nothing"]
    sys.stdout.write("\n".join([f"{checker}, {POLICIES[name]}:", *lines, ""]))
    sys.stdout.flush()
    return bool(findings)


def _sslyze(program: str) -> Check:
    def check(there: Stand, name: str) -> list[Finding]:
        level = RECOMMENDED.get(POLICIES[name], "intermediate")
        trust = ["--certinfo_ca_file", str(there.authority), "--sni", name]
        return read_sslyze(_run([program, "--mozilla_config", level, *trust, f"localhost:{there.port}"]))

    return check


def _testssl(program: str) -> Check:
    def check(there: Stand, name: str) -> list[Finding]:
        report = there.authority.with_name(f"{name}.json")
        quiet = ["--quiet", "--warnings", "batch", "--color", "0", "--nodns", "none", "--phone-out"]
        target = ["--ip", "127.0.0.1", "--add-ca", str(there.authority), "--jsonfile", str(report)]
        _run([program, *quiet, *target, f"{name}:{there.port}"])
        findings = read_testssl(json.loads(report.read_text()))
        return unexplained(findings) + missing(findings)

    return check


def _run(command: list[str]) -> str:
    finished = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    return finished.stdout + finished.stderr


_CHECKS = {"sslyze": _sslyze, "testssl": _testssl}

if __name__ == "__main__":
    sys.exit(main())
