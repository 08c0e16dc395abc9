"""Where the CPU time of a server goes: `perf record` over its process tree under the load of a case.

Leaves two files: the shares of threads and libraries and the top symbols as text, and folded stacks (one line per
distinct stack and its count), which any flame graph tool draws.
"""

import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.cases import Case
from bench.failure import BenchError
from bench.measure import Bench
from bench.processes import Process, start
from bench.site import Running


def profile_run(bench: Bench, case: Case, running: Running, results: Path) -> tuple[Path, Path]:
    """Profile `running` under the load of `case`; return the paths of the summary and the folded stacks."""
    data = bench.folder / "perf.data"
    recorder = _record(bench, running, data)
    try:
        bench.load(case, running.port(case.protocol), bench.seconds + 1)
        if recorder.child.wait(RECORD_GRACE_SECONDS) != 0:
            raise BenchError(f"perf record failed: {recorder.printed()}")
    finally:
        recorder.stop()
    results.mkdir(parents=True, exist_ok=True)
    stem = results / f"profile-{running.process.name}-{case.name}"
    summary, folded = stem.with_suffix(".txt"), stem.with_suffix(".folded")
    report = ("report", data, "--stdio", "--no-children", "-g", "none")
    shares = _perf(bench, *report, "--sort", "comm,dso", "--percent-limit", "1")
    symbols = _perf(bench, *report, "--percent-limit", "0.3")
    summary.write_text(f"{shares}\n{symbols}")
    stacks = _perf(bench, "script", data, "-F", "comm,ip,sym")
    folded.write_text("".join(f"{stack} {count}\n" for stack, count in fold(stacks.splitlines()).most_common()))
    return summary, folded


def fold(script: Iterable[str]) -> Counter[str]:
    """Fold the output of `perf script -F comm,ip,sym` into `command;outermost;...;innermost` -> samples."""
    stacks: Counter[str] = Counter()
    command, frames = "", list[str]()
    for line in [*script, ""]:
        if not line.strip():
            if command:
                stacks[";".join([command, *reversed(frames)])] += 1
            command, frames = "", []
        elif line[0].isspace():
            frames.append(_symbol(line))
        else:
            command = line.strip()
    return stacks


def top_lines(report: str, count: int) -> list[str]:
    """Return the first `count` lines with a percentage from a `perf report`."""
    return [line.rstrip() for line in report.splitlines() if "%" in line and not line.startswith("#")][:count]


def _symbol(line: str) -> str:
    """Take the symbol out of `    55d0c0ffee parse_headers`; `;` separates frames in the folded form."""
    return line.strip().partition(" ")[2].replace(";", ":") or "[unknown]"


def _record(bench: Bench, running: Running, data: Path) -> Process:
    pids = ",".join(map(str, running.process.tree()))
    command = [bench.programs["perf"], "record", "-F", "997", "-g", "-p", pids, "-o", str(data)]
    seconds = ["--", "sleep", str(bench.seconds)]
    return start([*command, *seconds], name="perf", cpu=bench.load_cpu, folder=bench.folder)


def _perf(bench: Bench, subcommand: str, data: Path, *options: str) -> str:
    command = [bench.programs["perf"], subcommand, "-i", str(data), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PERF_SECONDS)
    if done.returncode != 0:
        raise BenchError(f"perf {subcommand} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


RECORD_GRACE_SECONDS = 10
PERF_SECONDS = 120
