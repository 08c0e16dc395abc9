"""The JSON Schema of scenario files."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from edgeward.scenario.schema import SCHEMA_PATH, scenario_schema, schema_text

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "tests/scenarios").rglob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = scenario_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_schema_in_the_documentation_is_the_generated_one() -> None:
    fresh = json.loads(schema_text())

    assert fresh == json.loads((ROOT / SCHEMA_PATH).read_text()), "run python -m edgeward.scenario.schema"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_scenario_of_the_project_is_valid(path: Path, validator: Any) -> None:
    assert not list(validator.iter_errors(yaml.safe_load(path.read_text())))


@pytest.mark.parametrize(
    "text",
    [
        "{scenario: A, spec: [], steps: [], extra: 1}",
        "{scenario: A, spec: [], steps: [{got: /a}]}",
        "{scenario: A, spec: [], steps: [{get: /a, expect: {state: 200}}]}",
        "{scenario: A, spec: [], steps: [{get: /a, origin: {cache-contol: x}}]}",
        "{scenario: A, spec: [], kind: must, steps: []}",
        "{spec: [], steps: []}",
    ],
)
def test_a_mistake_is_not_valid(text: str, validator: Any) -> None:
    assert list(validator.iter_errors(yaml.safe_load(text)))


def test_the_reference_page_names_every_key() -> None:
    page = (ROOT / "docs/reference/scenario-format.md").read_text()
    schema = scenario_schema()
    records = [schema, *schema["$defs"].values(), *schema["$defs"]["Step"]["anyOf"]]
    keys = {key for record in records for key in record.get("properties", {})}

    assert {key for key in keys if f"`{key}`" not in page} == set()
