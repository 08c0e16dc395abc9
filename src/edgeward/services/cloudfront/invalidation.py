"""Invalidations: orders to the edges to forget stored responses by path or cache tag.

An invalidation belongs to a distribution and is never changed; it is Completed once every edge has it. Rules:
API reference, CreateInvalidation; Developer Guide, "Invalidate files", "Invalidating content by cache tags" and
"Quotas".
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from botocore.model import StructureShape

from edgeward.aws.engine import Call, Environment, Handler
from edgeward.aws.errors import ApiError
from edgeward.aws.listing import read_page, requested_page, write_page
from edgeward.aws.model import ServiceModel, Shape
from edgeward.aws.quotas import Quotas
from edgeward.aws.resources import FINAL_STATUS, Page, Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.distribution.fields import cache_tag_header


def invalidation_handlers(model: ServiceModel, environment: Environment) -> dict[str, Handler]:
    """The three operations."""
    list_shape = model.shape("InvalidationList")
    assert isinstance(list_shape, StructureShape)
    return {
        "CreateInvalidation": lambda call: create(environment, call),
        "GetInvalidation": lambda call: describe_one(environment, call),
        "ListInvalidations": lambda call: list_all(environment, call, list_shape),
    }


def create(environment: Environment, call: Call) -> Shape:
    """CreateInvalidation: stores an order, or finds the one of the same caller reference and paths."""
    distribution_id, batch = call.members["DistributionId"], call.members["InvalidationBatch"]
    with environment.store.write() as transaction:
        distribution = _require_distribution(transaction, distribution_id)
        invalidation = _repeated(transaction, distribution_id, batch)
        if invalidation is None:
            check_batch(batch, cache_tag_header(distribution.config), environment.quotas)
            _check_in_progress(transaction, distribution_id, batch, environment.quotas)
            invalidation = _new_invalidation(environment, call, distribution)
            transaction.insert(invalidation, ())
            transaction.enqueue("invalidation", invalidation.id, is_marked=True)
    position = transaction.last_position
    if position is not None:
        invalidation = _settled(environment, invalidation, position)
    location = f"{call.origin}/2020-05-31/distribution/{distribution_id}/invalidation/{invalidation.id}"
    return {**_answer(invalidation), "Location": location}


def describe_one(environment: Environment, call: Call) -> Shape:
    """GetInvalidation."""
    distribution_id = call.members["DistributionId"]
    with environment.store.read() as transaction:
        _require_distribution(transaction, distribution_id)
        return _answer(_find(transaction, distribution_id, call.members["Id"]))


def list_all(environment: Environment, call: Call, list_shape: StructureShape) -> Shape:
    """ListInvalidations, the newest first."""
    distribution_id = call.members["DistributionId"]
    page = requested_page(call.members, newest_first=True, parent=distribution_id)
    with environment.store.read() as transaction:
        _require_distribution(transaction, distribution_id)
        found = read_page(transaction, "invalidation", page)
    return {"InvalidationList": write_page(list_shape, page, found, _summarize)}


def patterns_of(paths: Iterable[str], tag_header: str | None) -> list[str]:
    """What the edges have to invalidate: paths, and tags as `#header:tag`.

    A tag means the header that the distribution named when the invalidation was made (API reference,
    DistributionConfig: tag invalidations do not apply to what was cached with another header).
    """
    return [f"#{tag_header}:{path[1:]}" if path.startswith("#") else path for path in paths]


def check_batch(batch: Shape, tag_header: str | None, limits: Quotas) -> None:
    """The rules of the paths and tags, where the distribution reads tags from `tag_header`.

    Raises ApiError `InvalidArgument` or `BatchTooLarge`.
    """
    paths = batch["Paths"].get("Items", [])
    if not paths:
        raise ApiError("InvalidArgument", "Paths has no items. Name at least one path.")
    if not batch["CallerReference"]:
        raise ApiError("InvalidArgument", "CallerReference is empty. Send a value that is new for each batch.")
    if _is_too_much(paths, limits):
        raise ApiError("BatchTooLarge", f"A batch can have {_most(limits)}. Send several batches.")
    for path in paths:
        problem = _tag_problem(path, tag_header) if path.startswith("#") else _path_problem(path)
        if problem is not None:
            raise ApiError("InvalidArgument", f"The invalidation path '{path[:QUOTED_CHARACTERS]}' {problem}.")


def _path_problem(path: str) -> str | None:
    if not path.startswith("/"):
        return "has to begin with / or, for a cache tag, with #"
    if len(path) > LONGEST_PATH:
        return f"is longer than {LONGEST_PATH} characters"
    if "*" in path[:-1]:
        return "can have * as its last character only"
    if not re.fullmatch(r"[\x21-\x7e]+", path):
        return "has a space, a control or a non-ASCII character: percent-encode it"
    return None


def _tag_problem(item: str, tag_header: str | None) -> str | None:
    if tag_header is None:
        return "names a cache tag, and the distribution has no CacheTagConfig: set one, or invalidate paths"
    if not _TAG.fullmatch(item):
        return f"is no cache tag: # and 1 to {LONGEST_TAG} visible ASCII characters without commas"
    return None


def _check_in_progress(transaction: Transaction, distribution_id: str, batch: Shape, limits: Quotas) -> None:
    # Each has a path at least, so that these are all, or too many.
    in_progress = Page(size=limits[quotas.INVALIDATION_PATHS], parent=distribution_id, in_progress=True)
    paths = [
        path
        for invalidation in transaction.page("invalidation", in_progress)
        for path in invalidation.config["Paths"]["Items"]
    ]
    paths += batch["Paths"]["Items"]
    if _is_too_much(paths, limits):
        raise ApiError(
            quotas.INVALIDATION_PATHS.error,
            f"Invalidations of {_most(limits)} can be in progress for a distribution. Wait until some are Completed.",
        )


def _is_too_much(paths: list[str], limits: Quotas) -> bool:
    wildcards = _wildcards(paths)
    return (
        len(paths) - wildcards > limits[quotas.INVALIDATION_PATHS] or wildcards > limits[quotas.INVALIDATION_WILDCARDS]
    )


def _most(limits: Quotas) -> str:
    return f"{limits[quotas.INVALIDATION_PATHS]} paths without * and {limits[quotas.INVALIDATION_WILDCARDS]} with it"


def _repeated(transaction: Transaction, distribution_id: str, batch: Shape) -> Resource | None:
    reference = batch["CallerReference"]
    earlier = transaction.find_by_caller_reference("invalidation", reference, parent=distribution_id)
    if earlier is not None and earlier.config != batch:
        raise ApiError(
            "InvalidationBatchAlreadyExists",
            f"The caller reference '{reference}' was sent before with other paths, as invalidation "
            f"{earlier.id}. Send a new caller reference.",
        )
    return earlier


def _new_invalidation(environment: Environment, call: Call, distribution: Resource) -> Resource:
    batch = call.members["InvalidationBatch"]
    return Resource(
        family="invalidation",
        id=environment.identifiers.capital("I"),
        etag="",
        config=batch,
        created=call.now,
        modified=call.now,
        caller_reference=batch["CallerReference"],
        parent=distribution.id,
        status="InProgress",
        attributes={"CacheTagHeader": cache_tag_header(distribution.config)},
    )


def _settled(environment: Environment, invalidation: Resource, position: int) -> Resource:
    """The invalidation once the edges were waited for, with the status it has reached."""
    if environment.deployment.settle(position):
        return replace(invalidation, status=FINAL_STATUS[invalidation.family])
    with environment.store.read() as transaction:
        return _find(transaction, invalidation.parent or "", invalidation.id)


def _find(transaction: Transaction, distribution_id: str, invalidation_id: str) -> Resource:
    invalidation = transaction.find("invalidation", invalidation_id)
    if invalidation is None or invalidation.parent != distribution_id:
        raise ApiError("NoSuchInvalidation", f"The specified invalidation does not exist: '{invalidation_id}'.")
    return invalidation


def _require_distribution(transaction: Transaction, distribution_id: str) -> Resource:
    distribution = transaction.find("distribution", distribution_id)
    if distribution is None:
        raise ApiError("NoSuchDistribution", f"The specified distribution does not exist: '{distribution_id}'.")
    return distribution


def _answer(invalidation: Resource) -> Shape:
    return {"Invalidation": {**_summarize(invalidation), "InvalidationBatch": invalidation.config}}


def _summarize(invalidation: Resource) -> Shape:
    return {"Id": invalidation.id, "Status": invalidation.status, "CreateTime": invalidation.created}


def _wildcards(paths: list[str]) -> int:
    """A tag has none: in it * is a character."""
    return sum(path.endswith("*") and not path.startswith("#") for path in paths)


LONGEST_PATH = 4_000
LONGEST_TAG = 256
_TAG = re.compile(rf"#[\x21-\x2b\x2d-\x7e]{{1,{LONGEST_TAG}}}")
QUOTED_CHARACTERS = 256
