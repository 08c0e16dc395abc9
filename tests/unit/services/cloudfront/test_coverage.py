"""The coverage page and the tables behind it."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from edgeward.scenario.expansion import OriginPorts, expand
from edgeward.scenario.format import parse_scenario
from edgeward.scenario.short_form import ShortDistribution
from edgeward.services.cloudfront import evidence
from edgeward.services.cloudfront.coverage import (
    COVERAGE_PATH,
    GENERATED,
    KEY_OPERATIONS,
    WITHOUT_EFFECT,
    coverage_page,
    evidence_of,
    state_of,
)
from edgeward.services.cloudfront.distribution.defaults import fill_defaults
from edgeward.services.cloudfront.distribution.support import EFFECTS
from edgeward.services.cloudfront.service import NOT_SERVED, served_operations, service_model
from edgeward.services.key_value_store.service import service_model as key_model

ROOT = Path(__file__).parents[4]


def test_the_page_in_the_documentation_is_the_generated_one() -> None:
    fresh = coverage_page(service_model(), served_operations())

    assert fresh == (ROOT / COVERAGE_PATH).read_text(), "run python -m edgeward.services.cloudfront.coverage"


def test_every_operation_is_served_or_has_a_reason() -> None:
    served = set(served_operations())

    assert served | NOT_SERVED.keys() == service_model().operations.keys()
    assert not served & NOT_SERVED.keys()


def test_every_word_about_effects_stands_for_some_operation() -> None:
    names = service_model().operations

    assert all(any(word in name for name in names) for word in WITHOUT_EFFECT)


def test_an_operation_that_is_not_served_says_why(cloudfront: Any) -> None:
    with pytest.raises(ClientError) as caught:
        cloudfront.test_function(Name="f", IfMatch="E1", EventObject=b"{}")

    answer: Any = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert NOT_SERVED["TestFunction"] in answer["Error"]["Message"]


NAMES = sorted(
    {
        name
        for table in (evidence.MEMBERS, evidence.OPERATIONS, KEY_OPERATIONS)
        for names in table.values()
        for name in names
    }
)
"""All scenarios and tests that the page names."""


def test_every_enforced_member_is_shown_by_something() -> None:
    assert evidence.MEMBERS.keys() == EFFECTS.keys(), "name a scenario or test in evidence.MEMBERS"
    assert all(evidence.MEMBERS.values())


def test_every_enforced_operation_is_shown_by_something() -> None:
    served = served_operations()
    enforced = [name for name in service_model().operations if state_of(name, served)[0] == "enforced"]

    assert all(evidence_of(name) for name in enforced)
    assert all(any(word in name for name in enforced) for word in evidence.OPERATIONS)


def test_all_operations_on_keys_are_there() -> None:
    assert KEY_OPERATIONS.keys() == key_model().operations.keys()
    assert (ROOT / GENERATED).exists()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_named_is_there_and_runs(name: str) -> None:
    path, _, function = name.partition("::")
    if not function:
        assert (ROOT / f"tests/scenarios/{name}.yaml").exists()
        return
    lines = (ROOT / path).read_text().splitlines()
    start = r"(async )?fn " if path.endswith(".rs") else "def "
    [place] = [number for number, line in enumerate(lines) if re.match(rf"{start}{function}\(", line)]
    above = "\n".join(lines[max(0, place - 12) : place]).rpartition("\n\n")[2]
    assert not re.search(r"pytest\.mark\.(slow|skip|xfail)|#\[ignore", above)
    assert not path.endswith(".rs") or "test]" in above


class _Ports(dict[str, OriginPorts]):
    def __missing__(self, _name: str) -> OriginPorts:
        return OriginPorts(http=80, https=443)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, f"{path}.{name}".lstrip(".")) if name != "Quantity" else ()
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item, f"{path}[]")
    else:
        yield path, str(value)


def settings_of(short: ShortDistribution) -> set[tuple[str, str]]:
    return set(leaves(fill_defaults(expand("main", short, _Ports()).config)))


def changed_by(scenario: str) -> set[str]:
    """The members that differ from a distribution that says nothing, wherever a behavior stands."""
    path = ROOT / f"tests/scenarios/{scenario}.yaml"
    plain = settings_of(ShortDistribution())
    cases = parse_scenario(path.read_text(), path).cases
    return {_relative(member) for case in cases for member, _ in settings_of(case.distribution) - plain}


def _relative(member: str) -> str:
    return member.removeprefix("DefaultCacheBehavior.").removeprefix("CacheBehaviors.Items[].")


BY_DEFAULT = {
    ("AllowedMethods.Items[]", "behaviors/methods-not-allowed"),
    ("AllowedMethods.CachedMethods.Items[]", "cache/options-is-not-cached"),
    ("ViewerCertificate.CloudFrontDefaultCertificate", "tls/default-certificate"),
    ("ViewerCertificate.CloudFrontDefaultCertificate", "tls/alias-certificate"),
    ("Origins.Items[].CustomOriginConfig.HTTPPort", "origins/match-viewer"),
    ("Origins.Items[].CustomOriginConfig.HTTPSPort", "origins/match-viewer"),
    ("Enabled", "api/disabled"),
}
"""Where the scenario is about what holds without a word, about ports, which are those of the scenario's own origins, or
about a change on the way."""


def test_a_scenario_sets_the_member_that_it_stands_for() -> None:
    changed: dict[str, set[str]] = defaultdict(set)
    missing = set()
    for row, names in evidence.MEMBERS.items():
        for name in (each for each in names if "::" not in each):
            changed[name] = changed[name] or changed_by(name)
            member = _relative(row)
            if not any(each == member or each.startswith((f"{member}.", f"{member}[")) for each in changed[name]):
                missing.add((member, name))

    assert missing == BY_DEFAULT
