"""Every operation that is served, against everything the service model says of it."""

from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.model import StructureShape
from sqlalchemy import func, select

from edgeward.control_plane import ControlPlane
from edgeward.services.cloudfront.coverage import REFUSING
from edgeward.services.cloudfront.service import served_operations
from edgeward.store.tables import resource, resource_version, tag
from unit.services.cloudfront.generated.breaking import broken_inputs
from unit.services.cloudfront.generated.samples import SAMPLES, call

MODEL = botocore.session.get_session().get_service_model("cloudfront")
SERVED = sorted(SAMPLES)


def input_of(name: str) -> StructureShape:
    shape = MODEL.operation_model(name).input_shape
    assert shape is not None
    return shape


GUARDED = [name for name in SERVED if "IfMatch" in input_of(name).members]


def state_of(plane: ControlPlane) -> list[Any]:
    with plane._store.read() as transaction:
        tables = (resource, resource_version, tag)
        return [transaction._cursor.value(select(func.count()).select_from(table)) for table in tables]


def code_of(client: Any, operation: str, members: dict[str, Any]) -> str:
    try:
        call(client, operation, members)
    except ClientError as error:
        answer: Any = error.response
    else:
        return "accepted"
    assert 400 <= answer["ResponseMetadata"]["HTTPStatusCode"] < 500, answer
    assert answer["Error"]["Message"], answer
    return str(answer["Error"]["Code"])


def test_every_operation_served_has_a_sample() -> None:
    assert sorted(set(served_operations()) - REFUSING) == SERVED


@pytest.mark.parametrize("name", SERVED)
def test_an_input_is_refused_for_each_thing_wrong_with_it_and_accepted_when_right(
    control_plane: ControlPlane, cloudfront: Any, name: str
) -> None:
    operation = MODEL.operation_model(name)
    members = SAMPLES[name](cloudfront)
    modeled = {shape.name for shape in operation.error_shapes}
    quantity_code = "InconsistentQuantities" if "InconsistentQuantities" in modeled else "InvalidArgument"
    before = state_of(control_plane)

    for broken in broken_inputs(input_of(name), members, quantity_code):
        code = code_of(cloudfront, name, broken.members)
        assert code != "accepted", broken.what
        assert broken.code in (None, code), broken.what

    assert state_of(control_plane) == before
    assert_within(members, call(cloudfront, name, members))


@pytest.mark.parametrize("name", GUARDED)
def test_if_match_is_needed_and_has_to_be_the_current_etag(cloudfront: Any, name: str) -> None:
    members = SAMPLES[name](cloudfront)
    without = {member: value for member, value in members.items() if member != "IfMatch"}

    assert code_of(cloudfront, name, without) == "InvalidIfMatchVersion"
    assert code_of(cloudfront, name, members | {"IfMatch": "E0000000000000"}) == "InvalidIfMatchVersion"
    members, current = outdated(cloudfront, name)
    if current is not None:
        assert code_of(cloudfront, name, members) == "PreconditionFailed"
        # Promoting takes the ETags of two distributions, and changes the first.
        _, *others = members["IfMatch"].split(", ")
        assert code_of(cloudfront, name, members | {"IfMatch": ", ".join([current, *others])}) == "accepted"


def outdated(client: Any, name: str) -> tuple[dict[str, Any], str | None]:
    """The input of an operation for a resource that has changed since, and its new ETag; None without an Update."""
    update = f"Update{name.removeprefix('Delete').removeprefix('Update')}"
    if update not in SAMPLES or not name.startswith(("Update", "Delete")):
        return {}, None
    members = SAMPLES[update](client)
    answer = call(client, update, members)
    return members if name == update else _only_members_of(name, members), answer["ETag"]


def _only_members_of(name: str, members: dict[str, Any]) -> dict[str, Any]:
    known = input_of(name).members
    return {member: value for member, value in members.items() if member in known}


def assert_within(sent: dict[str, Any], answer: dict[str, Any]) -> None:
    """The configuration that was sent is somewhere in the answer, every member as it was."""
    for name, value in sent.items():
        if isinstance(value, dict) and name.endswith(("Config", "Policy")):
            assert _found(value, answer), f"{name} was not echoed"


def _found(value: dict[str, Any], answer: Any) -> bool:
    if isinstance(answer, dict):
        return _is_part(value, answer) or any(_found(value, inner) for inner in answer.values())
    return False


def _is_part(part: Any, whole: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and _is_part(value, whole[name]) for name, value in part.items()
        )
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) == len(whole) and all(map(_is_part, part, whole))
    return bool(part == whole)
