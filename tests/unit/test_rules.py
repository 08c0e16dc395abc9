"""docs/reference/rules.md and the scenarios agree."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "tests/scenarios"

FAMILIES = frozenset(
    [
        "api",
        "behaviors",
        "cache",
        "challenges",
        "compression",
        "errors",
        "forwarding",
        "keys",
        "origins",
        "ranges",
        "slow",
        "stale",
        "tls",
    ]
)
"""Folders whose scenarios are about rules that the page has."""


def named() -> set[str]:
    page = (ROOT / "docs/reference/rules.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("|")]
    return set(re.findall(r"`([a-z-]+/[a-z0-9-]+)`", "\n".join(rows)))


def existing() -> set[str]:
    return {path.relative_to(SCENARIOS).with_suffix("").as_posix() for path in SCENARIOS.rglob("*.yaml")}


def test_every_scenario_that_a_rule_names_exists() -> None:
    assert named() - existing() == set()


def test_every_scenario_about_a_rule_is_named() -> None:
    about_rules = {scenario for scenario in existing() if scenario.split("/")[0] in FAMILIES}

    assert about_rules - named() == set()
