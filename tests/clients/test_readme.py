"""The README's tour, command by command: what it shows is what a reader gets."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.running import RunningCdn, environment_without_aws, start_cdn

ROOT = Path(__file__).parents[2]
END = "--end-of-command--"


@pytest.fixture
def fresh_cdn(tmp_path: Path) -> Iterator[RunningCdn]:
    """A CDN with nothing in its cache, whose state is where the reader's would be."""
    running = start_cdn(tmp_path / ".edgeward")
    yield running
    running.stop()


@pytest.mark.timeout(240)
def test_the_tour_shows_what_a_reader_gets(fresh_cdn: RunningCdn) -> None:
    steps = list(tour(fresh_cdn))
    answers = answers_of([command for command, _ in steps], fresh_cdn)
    assert len(steps) > 10
    for (command, expected), answer in zip(steps, answers, strict=True):
        assert without_numbers(answer) == without_numbers(expected), command


def tour(cdn: RunningCdn) -> Iterator[tuple[str, str]]:
    """The tour's commands, each with the output the README shows below it; the port is the running one's."""
    text = (ROOT / "README.md").read_text().partition("## A first tour")[2].partition("\n## ")[0]
    port = cdn.http_url.rpartition(":")[2]
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = step.partition("\n")
            yield command.replace(":8080", f":{port}"), output.strip()


def answers_of(commands: list[str], cdn: RunningCdn) -> list[str]:
    """What one shell prints for each command."""
    script = "\n".join(f"{command}\necho {END}" for command in commands)
    path = f"{ROOT / '.venv-awscli' / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=cdn.state.parent,
        env=environment_without_aws() | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert not done.stderr, done.stderr
    return [answer.replace("\r", "").strip() for answer in done.stdout.split(END)[:-1]]


def without_numbers(text: str) -> str:
    """The age of a response differs from run to run."""
    return re.sub(r"(age: )\d+", r"\1N", text)
