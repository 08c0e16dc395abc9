"""The command line: what it offers and how it reports a mistake."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgeward import __version__
from edgeward.cli.main import main
from edgeward.dev import program
from edgeward.dev.errors import DevError
from edgeward.dev.settings import DevSettings


def test_the_version_is_the_packages() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"edgeward {__version__}\n"


@pytest.mark.parametrize(
    "command", [["--help"], ["dev", "--help"], ["test", "--help"], ["explain", "--help"], ["cache", "ls", "--help"]]
)
def test_every_command_explains_itself(command: list[str]) -> None:
    shown = CliRunner().invoke(main, command)
    assert (shown.exit_code, shown.output.lower().startswith("usage: ")) == (0, True)


def test_help_does_not_load_the_engine() -> None:
    program = "import sys, edgeward.cli.main; sys.exit('edgeward._edge' in sys.modules or 'boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_options_reach_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[DevSettings] = []
    monkeypatch.setattr(program, "run", lambda settings, say: started.append(settings))
    ports = ["--api-port=1", "--http-port=2", "--https-port=3", "--s3-port=4"]
    networks = ["--private-origins=10.0.0.0/8", "--private-origins=fd00::/8"]
    assert CliRunner().invoke(main, ["dev", f"--state={tmp_path}", *ports, *networks]).exit_code == 0
    private = ("10.0.0.0/8", "fd00::/8")
    expected = DevSettings(state=tmp_path, api_port=1, http_port=2, https_port=3, s3_port=4, private_origins=private)
    assert started == [expected]


def test_the_defaults_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[DevSettings] = []
    monkeypatch.setattr(program, "run", lambda settings, say: started.append(settings))
    CliRunner().invoke(main, ["dev"])
    assert started == [DevSettings()]


def test_a_program_that_cannot_start_says_why_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(settings: DevSettings, say: object) -> None:
        raise DevError("the disk is full: make room")

    monkeypatch.setattr(program, "run", fail)
    failed = CliRunner().invoke(main, ["dev"])
    assert (failed.exit_code, failed.output) == (1, "Error: the disk is full: make room\n")
