"""Pages of a listing: Marker and MaxItems in, IsTruncated and NextMarker out.

The same for every list of every family. NextMarker is the id of the last item, which a caller sends back as
Marker.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from botocore.model import StructureShape

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape, content_member
from edgeward.aws.resources import Page, Resource, Transaction

Row = TypeVar("Row")


def requested_page(members: Shape, *, newest_first: bool = False, parent: str | None = None) -> Page:
    """The page that a list operation's members ask for; at most `LARGEST_PAGE` resources.

    Raises ApiError `InvalidArgument` when MaxItems is no positive number.
    """
    text = str(members.get("MaxItems", LARGEST_PAGE))
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise ApiError("InvalidArgument", f"MaxItems has to be a number from 1 to {LARGEST_PAGE}, not '{text}'.")
    return Page(
        size=min(int(text), LARGEST_PAGE),
        marker=members.get("Marker") or None,
        newest_first=newest_first,
        parent=parent,
    )


def read_page(transaction: Transaction, family: str, page: Page) -> tuple[Sequence[Resource], bool]:
    """The resources of a page and whether more follow."""
    found = transaction.page(family, replace(page, size=page.size + 1))
    return found[: page.size], len(found) > page.size


def answer_page(
    output: StructureShape | None,
    page: Page,
    found: tuple[Sequence[Resource], bool],
    summarize: Callable[[Resource], Shape],
) -> Shape:
    """The output of a list operation: a list structure, or the items themselves with NextMarker beside them."""
    content = content_member(output)
    assert output is not None
    shape = output.members[content]
    if isinstance(shape, StructureShape):
        return {content: write_page(shape, page, found, summarize)}
    resources, is_truncated = found
    marker = {"NextMarker": resources[-1].id} if is_truncated else {}
    return {content: [summarize(resource) for resource in resources], **marker}


def answer_rows(
    output: StructureShape | None, page: Page, rows: Mapping[str, Row], summarize: Callable[[Row], Any]
) -> Shape:
    """The output of a list operation whose rows are all at hand, each under the key that is its marker."""
    following = [key for key in sorted(rows) if page.marker is None or key > page.marker]
    keys = following[: page.size]
    listing: Shape = {"NextMarker": keys[-1]} if len(following) > page.size else {}
    items = [summarize(rows[key]) for key in keys]
    content = content_member(output)
    assert output is not None
    shape = output.members[content]
    if not isinstance(shape, StructureShape):
        return {content: items, **listing}
    return {content: listing | _structure(shape, page, items, is_truncated=bool(listing))}


def every(transaction: Transaction, family: str, parent: str | None = None) -> Iterator[Resource]:
    """Every living resource of a family, in order of id; for families whose quota bounds them."""
    page = Page(size=LARGEST_PAGE, parent=parent)
    while found := transaction.page(family, page):
        yield from found
        page = replace(page, marker=found[-1].id)


def write_page(
    shape: StructureShape,
    page: Page,
    found: tuple[Sequence[Resource], bool],
    summarize: Callable[[Resource], Shape],
) -> Shape:
    """The list structure of `shape` that holds a page; members the shape does not have are left out."""
    resources, is_truncated = found
    marker = {"NextMarker": resources[-1].id} if is_truncated else {}
    items = [summarize(resource) for resource in resources]
    return marker | _structure(shape, page, items, is_truncated=is_truncated)


def _structure(shape: StructureShape, page: Page, items: list[Any], *, is_truncated: bool) -> Shape:
    listing: Shape = {
        "Marker": page.marker or "",
        "MaxItems": page.size,
        "IsTruncated": is_truncated,
        "Quantity": len(items),
    }
    if items:
        listing["Items"] = items
    return {name: value for name, value in listing.items() if name in shape.members}


LARGEST_PAGE = 100
"""Items of one page when MaxItems is absent or larger (API reference of the List operations)."""
