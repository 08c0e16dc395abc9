"""What happens when a program of the benchmark is missing."""

import pytest
from bench import tools
from bench.failure import BenchError


def test_a_missing_program_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(tools, "PACKAGES", {"varnishd": "varnish", "no-such-load": "no-such-package"})
    monkeypatch.setattr("shutil.which", lambda _program, **_options: None)

    with pytest.raises(
        BenchError, match=r"not installed: no-such-load, varnishd\. .*install\.sh no-such-package varnish"
    ):
        tools.ensure_programs(["varnishd", "no-such-load", "varnishd"])


def test_a_program_that_no_package_has_is_named_with_the_target_that_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _program, **_options: None)

    with pytest.raises(BenchError, match=r"not installed: caddy, oha\. `make bench-tools` gets them"):
        tools.ensure_programs(["oha", "caddy", "sh"])


def test_programs_that_are_there_are_returned_with_their_paths() -> None:
    assert tools.ensure_programs(["sh"])["sh"].endswith("/sh")


def test_versions_are_one_line_each() -> None:
    assert tools.versions({"taskset": tools.ensure_programs(["taskset"])["taskset"]})["taskset"].startswith("taskset")
