"""Every operation that takes XML, against bodies that no SDK would send: refused, nothing stored, nothing revealed."""

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from edgeward.control_plane import ControlPlane
from unit.services.cloudfront.generated.samples import SAMPLES, call
from unit.services.cloudfront.generated.test_operations import MODEL, SERVED, state_of

Body = Callable[[bytes], bytes]

FIRST_ELEMENT = re.compile(rb"(?s)(<\w+ xmlns=[^>]*>)(<(\w+)>.*?</\3>|<\w+ ?/>)")
"""The root's start tag and its first child, in what botocore writes."""
DECLARATION = re.compile(rb"<\?xml.*?\?>")


def in_root(added: bytes) -> Body:
    """Puts something behind the start tag of the root."""
    return lambda body: FIRST_ELEMENT.sub(lambda found: found[1] + added + found[2], body, count=1)


def before_root(added: bytes) -> Body:
    return lambda body: added + DECLARATION.sub(b"", body)


def twice(body: bytes) -> bytes:
    return FIRST_ELEMENT.sub(lambda found: found[1] + found[2] + found[2], body, count=1)


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
BROKEN: dict[str, Body] = {
    "a billion laughs": lambda body: in_root(b"<X>&l9;</X>")(
        before_root(b'<!DOCTYPE x [<!ENTITY l0 "lol">' + LAUGHS + b"]>")(body)
    ),
    "an entity from a file": lambda body: in_root(b"<X>&f;</X>")(
        before_root(b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>')(body)
    ),
    "a document type from the network": before_root(b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'),
    "an empty document type": before_root(b"<!DOCTYPE x>"),
    "another namespace": lambda body: body.replace(b"cloudfront.amazonaws.com/doc", b"example.com/doc"),
    "no namespace": lambda body: re.sub(rb' xmlns="[^"]*"', b"", body),
    "another root": lambda body: re.sub(rb"<(/?)\w+( xmlns=\"[^\"]*\")?>", rb"<\1Other\2>", body, count=1),
    "an unknown element": in_root(b"<Unknown>1</Unknown>"),
    "an element of another namespace": in_root(b'<a xmlns="urn:other"/>'),
    "an element twice": twice,
    "an attribute": lambda body: re.sub(rb"(xmlns=\"[^\"]*\")", rb'\1 other="1"', body, count=1),
    "a giant attribute": lambda body: re.sub(
        rb"(xmlns=\"[^\"]*\")", rb'\1 other="' + b"x" * 3_000_000 + b'"', body, count=1
    ),
    "text between elements": in_root(b"text"),
    "a character that XML has not": in_root(b"<X>&#0;</X>"),
    "bytes that are no UTF-8": in_root(b"<X>\xff\xfe\xc3\x28</X>"),
    "another encoding": lambda body: b'<?xml version="1.0" encoding="UTF-16"?>' + DECLARATION.sub(b"", body),
    "a hundred thousand levels": in_root(b"<a>" * 100_000 + b"</a>" * 100_000),
    "a hundred thousand levels that stay open": in_root(b"<a>" * 100_000),
    "half of it": lambda body: body[: len(body) // 2],
    "something behind it": lambda body: body + b"<Other/>",
    "JSON": lambda _body: b'{"Quantity": 1}',
    "nothing but spaces": lambda _body: b" " * 100,
    "zeros": lambda _body: bytes(1_000),
}


class Hook:
    """Changes the body of the next call, before it is signed."""

    def __init__(self) -> None:
        self.change: Body | None = None
        self.was_xml = False

    def __call__(self, params: dict[str, Any], **_: Any) -> None:
        body = params["body"]
        content = body if isinstance(body, bytes) else str(body or "").encode()
        self.was_xml = FIRST_ELEMENT.search(content) is not None
        if self.change is not None and self.was_xml:
            params["body"] = self.change(content)


@pytest.fixture
def hook(cloudfront: Any) -> Iterator[Hook]:
    hook = Hook()
    cloudfront.meta.events.register_last("before-call.cloudfront.*", hook)
    yield hook
    cloudfront.meta.events.unregister("before-call.cloudfront.*", hook)


def takes_xml(name: str) -> bool:
    shape = MODEL.operation_model(name).input_shape
    return shape is not None and any("location" not in member.serialization for member in shape.members.values())


@pytest.mark.parametrize("name", [name for name in SERVED if takes_xml(name)])
def test_a_body_that_no_sdk_sends_is_refused_and_leaves_nothing(
    control_plane: ControlPlane, cloudfront: Any, hook: Hook, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    members = SAMPLES[name](cloudfront)
    before = state_of(control_plane)
    for what, change in BROKEN.items():
        hook.change = change
        try:
            call(cloudfront, name, members)
        except ClientError as error:
            answer: Any = error.response
        else:
            assert not hook.was_xml, what
            return
        assert answer["Error"]["Code"] in {"MalformedXML", "MalformedInput"}, (what, answer)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400, what
        assert "root:" not in answer["Error"]["Message"], what
        assert len(answer["Error"]["Message"]) < 10_000, what
    assert state_of(control_plane) == before
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
