"""The operations `history` and `version`: every configuration that a distribution has had.

CloudFront forgets a configuration when it is replaced; here every one is kept, also of what was deleted. `history`
takes `{"DistributionId", "Limit"}` and answers `{"Versions": [{"Number", "ETag", "Modified", "Config"}]}`, the newest
first; `version` takes `{"DistributionId", "Number"}` and answers one of them. Going back to one is an
UpdateDistribution like any other. Called through `api`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from edgeward.aws.errors import ApiError
from edgeward.aws.resources import ResourceStore, Version
from edgeward.services.edgeward.api import Operation


def history_operations(store: ResourceStore) -> dict[str, Operation]:
    """Both operations, over `store`."""

    def history(members: Mapping[str, Any], _now: datetime) -> Mapping[str, Any]:
        given = _read(members, ("DistributionId", "Limit"))
        limit = _number(given.get("Limit", USUAL_LIMIT), "Limit", MOST_VERSIONS)
        distribution_id = _id(given)
        with store.read() as transaction:
            versions = transaction.versions("distribution", distribution_id, limit)
        if not versions:
            raise _no_such(distribution_id)
        return {"Versions": [_shown(version) for version in versions]}

    def version(members: Mapping[str, Any], _now: datetime) -> Mapping[str, Any]:
        given = _read(members, ("DistributionId", "Number"))
        number, distribution_id = _number(given.get("Number"), "Number", 2**31 - 1), _id(given)
        with store.read() as transaction:
            found = transaction.version("distribution", distribution_id, number)
            newest = transaction.versions("distribution", distribution_id, 1)
        if not newest:
            raise _no_such(distribution_id)
        if found is None:
            raise ApiError("InvalidArgument", f"There is no version {number}; the newest is {newest[0].number}.")
        return _shown(found)

    return {"history": history, "version": version}


def _read(members: Mapping[str, Any], known: tuple[str, ...]) -> Mapping[str, Any]:
    unknown = set(members) - set(known)
    if unknown:
        raise ApiError("InvalidArgument", f"{min(unknown)} is no member of this request; it has {', '.join(known)}.")
    return members


def _id(members: Mapping[str, Any]) -> str:
    distribution_id = members.get("DistributionId")
    if not isinstance(distribution_id, str) or not distribution_id:
        raise ApiError("InvalidArgument", "DistributionId has to be the id of a distribution.")
    return distribution_id


def _number(value: Any, name: str, most: int) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise ApiError("InvalidArgument", f"{name} has to be a whole number from 1 to {most}.")
    return int(value)


def _no_such(distribution_id: str) -> ApiError:
    return ApiError("NoSuchDistribution", f"There is and was no distribution '{distribution_id[:64]}'.")


def _shown(version: Version) -> Mapping[str, Any]:
    return {
        "Number": version.number,
        "ETag": version.etag,
        "Modified": version.modified.isoformat(timespec="milliseconds"),
        "Config": version.config,
    }


USUAL_LIMIT = 20
MOST_VERSIONS = 100
"""Versions in one answer."""
