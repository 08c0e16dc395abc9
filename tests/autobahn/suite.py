"""Runs the Autobahn test suite, which is a program of Python 2 in an environment of its own.

One run of its fuzzing client for each way: of several servers in one run it leaves out the TLS settings of all but the
first. Invariant: a run that did not play all of its cases is an error. Called by `__main__`.
"""

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autobahn.outcomes import Outcome, read_index

SECONDS = 3600


class SuiteError(RuntimeError):
    """The suite could not run."""


@dataclass(frozen=True, slots=True)
class Suite:
    """The suite and what to play of it."""

    python: Path
    """Python 2.7."""
    packages: Path
    """The folder that pip installed the suite into, as a user's own."""
    cases: Sequence[str]
    """Such as `6.*`; `*` for all."""
    folder: Path
    """Where its reports go."""

    def play(self, way: str, url: str) -> dict[str, Outcome]:
        """Plays the cases to the server at `url`; one after the other, as the suite does."""
        reports = self.folder / way
        reports.mkdir(parents=True)
        specification = reports / "specification.json"
        server = {"agent": way, "url": url}
        specification.write_text(
            json.dumps({"outdir": str(reports), "servers": [server], "cases": self.cases, "exclude-cases": []})
        )
        printed = self._run(specification)
        outcomes = read_index(json.loads((reports / "index.json").read_text()), way)
        if len(outcomes) != announced(printed):
            raise SuiteError(f"{way}: {len(outcomes)} of {announced(printed)} cases were played")
        return outcomes

    def _run(self, specification: Path) -> str:
        # Modules of this repository are none of Python 2's; one of them has the suite's name.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        output = specification.with_name("suite.log")
        with output.open("wb") as sink:
            status = subprocess.run(
                [self.python, "-u", "-m", "autobahntestsuite.wstest", "-m", "fuzzingclient", "-s", specification],
                cwd=specification.parent,
                env=environment | {"PYTHONUSERBASE": str(self.packages)},
                stdout=sink,
                stderr=subprocess.STDOUT,
                timeout=SECONDS,
                check=False,
            ).returncode
        printed = output.read_text(errors="replace")
        if status != 0:
            raise SuiteError(f"the suite ended with status {status}:\n{printed[-2000:]}")
        return printed


def announced(printed: str) -> int:
    """How many cases the suite said it would play."""
    found = re.search(r"^Ok, will run (\d+) test cases", printed, re.MULTILINE)
    if found is None:
        raise SuiteError(f"the suite did not say how many cases it plays:\n{printed[-2000:]}")
    return int(found[1])
