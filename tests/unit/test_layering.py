"""Which Rust crate may use which: the rule in the root Cargo.toml, checked against what cargo resolves.

The Python layers are import-linter's contracts in pyproject.toml.
"""

import json
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "edgeward-http-rules": set[str](),
    "edgeward-plan": {"edgeward-http-rules"},
    "edgeward-mapped": set(),
    "edgeward-cache": {"edgeward-http-rules", "edgeward-plan", "edgeward-mapped"},
    "edgeward-net": {"edgeward-http-rules", "edgeward-mapped"},
    "edgeward-proxy": {"edgeward-http-rules", "edgeward-plan", "edgeward-cache", "edgeward-net"},
    "edgeward-edge-py": {"edgeward-plan", "edgeward-proxy"},
    "edgeward-fuzz": {"edgeward-http-rules", "edgeward-plan", "edgeward-net"},
}
"""Crate -> the crates of ours that it may use."""
PURE = {"edgeward-http-rules", "edgeward-plan"}
"""Crates that decide and never do: no runtime, no sockets, no randomness."""
IMPURE_LIBRARIES = {"tokio", "hyper", "hyper-util", "socket2", "rustls", "fastrand", "tokio-rustls"}


def test_every_crate_has_its_place_in_the_layers() -> None:
    assert set(dependencies()) == set(ALLOWED)


@pytest.mark.parametrize("crate", sorted(ALLOWED))
def test_a_crate_uses_only_the_crates_below_it(crate: str) -> None:
    ours = {name for name in dependencies()[crate] if name.startswith("edgeward-")}
    assert ours <= ALLOWED[crate]


@pytest.mark.parametrize("crate", sorted(PURE))
def test_a_pure_crate_depends_on_nothing_that_does_io(crate: str) -> None:
    assert not set(dependencies()[crate]) & IMPURE_LIBRARIES


@cache
def dependencies() -> dict[str, list[str]]:
    """Each crate of the workspace with its direct dependencies; those for its tests alone are left out."""
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    return {
        package["name"]: [needed["name"] for needed in package["dependencies"] if needed["kind"] != "dev"]
        for package in metadata["packages"]
    }
