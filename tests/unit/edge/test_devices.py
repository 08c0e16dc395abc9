"""Devices by their User-Agents, as the engine tells them apart with the `ua-parser` project's expressions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeward.edge.agent import PlanRejected
from edgeward.edge.user_agents import user_agent_regexes

FIELDS = {
    "android": "cloudfront-is-android-viewer",
    "desktop": "cloudfront-is-desktop-viewer",
    "ios": "cloudfront-is-ios-viewer",
    "mobile": "cloudfront-is-mobile-viewer",
    "tablet": "cloudfront-is-tablet-viewer",
    "tv": "cloudfront-is-smarttv-viewer",
}
LINES = (Path(__file__).parent / "user_agents.txt").read_text().splitlines()[1:]


def test_each_user_agent_has_the_classes_of_its_device(telling_edge: Callable[..., Any]) -> None:
    edge = telling_edge(*FIELDS.values())
    for line in LINES:
        classes, user_agent = line.split(" | ")
        told = edge.told({"User-Agent": user_agent})
        assert {name for name, field in FIELDS.items() if told[field] == "true"} == set(classes.split()), user_agent
        assert {told[field] for field in FIELDS.values()} <= {"true", "false"}


def test_the_expressions_are_those_of_the_package_in_the_projects_form() -> None:
    regexes = user_agent_regexes()
    assert len(regexes["os_parsers"]) > 100
    assert len(regexes["device_parsers"]) > 500
    flagged = [each for each in regexes["device_parsers"] if "regex_flag" in each]
    assert flagged
    assert {each["regex_flag"] for each in flagged} == {"i"}


def test_an_edge_without_expressions_takes_no_plan_that_asks_for_devices(
    telling_edge: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeward.edge.settings.user_agent_regexes", lambda: None)
    with pytest.raises(PlanRejected, match="cannot tell devices apart: its settings have no user_agents"):
        telling_edge("CloudFront-Is-Mobile-Viewer")
