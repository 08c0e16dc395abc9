"""How an origin that serves ranges answers: which part of its content a request asks for.

Pure. One range only: the edge asks for no more than one. RFC 9110 sections 13.1.5 and 14.2.
"""

import re
from dataclasses import dataclass

from edgeward.scenario.message import FieldLines, field_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A 206 with one range, or a 416 with none."""

    status: int
    start: int
    end: int
    """Positions in the content; `end` is not included."""
    content_range: str

    def describe(self, fields: FieldLines) -> FieldLines:
        """The fields of the whole response, changed to those of this part."""
        whole = [(name, value) for name, value in fields if name != "content-length"]
        return [("content-length", str(self.end - self.start)), ("content-range", self.content_range), *whole]


def requested_part(request: FieldLines, response: FieldLines, length: int) -> Part | None:
    """The part of `length` bytes of content that the fields of a request ask for; None for all of it."""
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", field_value(request, "range") or "")
    condition = field_value(request, "if-range")
    validators = (field_value(response, "etag"), field_value(response, "last-modified"))
    if asked is None or (condition is not None and condition not in validators):
        return None
    first, last = _positions(asked[1], asked[2], length)
    if first > last:
        return Part(status=416, start=0, end=0, content_range=f"bytes */{length}")
    return Part(status=206, start=first, end=last + 1, content_range=f"bytes {first}-{last}/{length}")


def _positions(first: str, last: str, length: int) -> tuple[int, int]:
    if not first:
        return max(length - int(last), 0), length - 1
    return int(first), min(int(last), length - 1) if last else length - 1
