"""XML documents of a service model: a hardened reader and a writer, each driven by the shape.

The reader takes nothing on trust: no DTD, no entities, no network, bounded depth; an element the shape does
not know, a second one where one belongs, text between elements, a wrong namespace are all refused, so that
nothing a caller sends can vanish. Used by the protocols with XML in them.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, cast
from xml.sax.saxutils import escape

from botocore.model import ListShape, StructureShape
from botocore.model import Shape as ModelShape
from lxml import etree

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape, location_of, wire_name
from edgeward.aws.protocol.text import is_scalar, read_text, text_writer


def read_document(content: bytes, root_name: str, shape: ModelShape, namespace: str) -> Any:
    """The value of a whole body whose root element is `root_name` in `namespace`.

    Raises ApiError `MalformedXML` when the content is not well-formed UTF-8 XML without a document type, and
    `MalformedInput` when it does not have the form of `shape`.
    """
    root = _parse(content)
    if root.tag != f"{{{namespace}}}{root_name}":
        raise ApiError("MalformedInput", f"The body has to be a {root_name} element in the namespace {namespace}.")
    return _reader_of(shape, namespace)(root)


def write_document(root_name: str, shape: ModelShape, value: Any, namespace: str) -> bytes:
    """The XML document of a value, with an XML declaration.

    Raises ValueError on text that XML 1.0 cannot carry (section 2.2).
    """
    parts = [_DECLARATION, f'<{root_name} xmlns="{namespace}">']
    _writer_of(shape)(parts, value)
    parts.append(f"</{root_name}>")
    return "".join(parts).encode()


def write_answer(operation: str, shape: StructureShape | None, value: Shape, request_id: str, namespace: str) -> bytes:
    """The document of the query protocol: what is answered inside its wrapper, and the id of the request."""
    parts = [_DECLARATION, f'<{operation}Response xmlns="{namespace}">']
    if shape is not None:
        start, end = _tags(str(shape.serialization["resultWrapper"]))
        parts.append(start)
        _writer_of(shape)(parts, value)
        parts.append(end)
    parts.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>")
    return "".join(parts).encode()


def new_root(name: str, namespace: str) -> etree._Element:
    """An empty root element whose namespace is the document's default one."""
    default_namespace: dict[str | None, str] = {None: namespace}
    return etree.Element(f"{{{namespace}}}{name}", nsmap=cast(Any, default_namespace))


def without_illegal_characters(text: str) -> str:
    """Replaces what XML 1.0 cannot carry (section 2.2), so that an error message can quote hostile input."""
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)


def _parse(content: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        content.decode()
        root = etree.fromstring(content, parser)
    except (UnicodeDecodeError, etree.XMLSyntaxError) as error:
        raise ApiError("MalformedXML", f"The body is not well-formed UTF-8 XML: {error!s}") from error
    info = root.getroottree().docinfo
    if (info.encoding or "UTF-8").upper() not in ("UTF-8", "US-ASCII"):
        raise ApiError("MalformedXML", f"The body is in {info.encoding}. Send UTF-8.")
    if info.internalDTD is not None:
        raise ApiError("MalformedXML", "The body has a document type declaration. Remove it.")
    return root


_Reader = Callable[[etree._Element], Any]  # noqa: SLF001 - lxml has no other name for an element
"""Reads an element, or raises ApiError."""


def _reader_of(shape: ModelShape, namespace: str) -> _Reader:
    """How elements of the shape are read; worked out once, for shapes live as long as their model."""
    reader = _READERS.get((id(shape), namespace))
    if reader is None:
        if isinstance(shape, StructureShape):
            reader = _structure_reader(shape, namespace)
        elif isinstance(shape, ListShape):
            reader = _list_reader(shape, namespace)
        else:
            reader = _scalar_reader(shape)
        _READERS[id(shape), namespace] = reader
        _SHAPES.append(shape)
    return reader


def _structure_reader(shape: StructureShape, namespace: str) -> _Reader:
    members = {
        f"{{{namespace}}}{wire_name(member, name)}": (name, _reader_of(member, namespace))
        for name, member in shape.members.items()
        if location_of(member) is None
    }

    def read(element: etree._Element) -> Shape:
        value: Shape = {}
        for child in _children(element):
            if child.tag not in members:
                raise _unexpected(f"element {child.tag} in {_local_name(element)}")
            name, read_member = members[child.tag]
            if name in value:
                raise _unexpected(f"second element {_local_name(child)} in {_local_name(element)}")
            value[name] = read_member(child)
        return value

    return read


def _list_reader(shape: ListShape, namespace: str) -> _Reader:
    expected, read_item = f"{{{namespace}}}{_item_name(shape)}", _reader_of(shape.member, namespace)

    def read(element: etree._Element) -> list[Any]:
        items = []
        for child in _children(element):
            if child.tag != expected:
                raise _unexpected(f"element {child.tag} in the list {_local_name(element)}")
            items.append(read_item(child))
        return items

    return read


def _scalar_reader(shape: ModelShape) -> _Reader:
    is_text = shape.type_name == "string"

    def read(element: etree._Element) -> Any:
        _refuse_attributes(element)
        if len(element):
            raise _unexpected(f"element {_local_name(element[0])} in {_local_name(element)}, which holds text only")
        text = element.text or ""
        return text if is_text else read_text(shape, text, _local_name(element))

    return read


def _children(element: etree._Element) -> list[etree._Element]:
    _refuse_attributes(element)
    children = list(element)
    if any(text and text.strip() for text in [element.text, *[child.tail for child in children]]):
        raise _unexpected(f"text in {_local_name(element)}, which holds elements only")
    return children


def _refuse_attributes(element: etree._Element) -> None:
    if element.attrib:
        raise _unexpected(f"attributes of {_local_name(element)}")


_Writer = Callable[[list[str], Any], None]
"""Appends the content of an element."""


def _writer_of(shape: ModelShape) -> _Writer:
    """How values of the shape are written; worked out once, for shapes live as long as their model."""
    writer = _WRITERS.get(id(shape))
    if writer is None:
        if isinstance(shape, StructureShape):
            writer = _structure_writer(shape)
        elif isinstance(shape, ListShape):
            writer = _list_writer(shape)
        else:
            writer = _scalar_writer(shape)
        _WRITERS[id(shape)] = writer
        _SHAPES.append(shape)
    return writer


def _structure_writer(shape: StructureShape) -> _Writer:
    members = [
        (name, *_tags(wire_name(member, name)), _text_of(member), _writer_of(member))
        for name, member in shape.members.items()
        if location_of(member) is None
    ]

    def write(parts: list[str], value: Shape) -> None:
        for name, start, end, text_of, write_member in members:
            if (member := value.get(name)) is None:
                continue
            if text_of is not None:  # Most members are: one part for each in place of three.
                parts.append(f"{start}{text_of(member)}{end}")
                continue
            parts.append(start)
            write_member(parts, member)
            parts.append(end)

    return write


def _list_writer(shape: ListShape) -> _Writer:
    start, end = _tags(_item_name(shape))
    write_item = _writer_of(shape.member)

    def write(parts: list[str], value: Iterable[Any]) -> None:
        for item in value:
            parts.append(start)
            write_item(parts, item)
            parts.append(end)

    return write


def _scalar_writer(shape: ModelShape) -> _Writer:
    text_of = _text_of(shape)
    assert text_of is not None, f"{shape.name} has a type that rest-xml cannot carry: {shape.type_name}"
    return lambda parts, value: parts.append(text_of(value))


def _text_of(shape: ModelShape) -> Callable[[Any], str] | None:
    """How values of a scalar shape stand in a document; None for other shapes."""
    if not is_scalar(shape):
        return None
    write = text_writer(shape)
    return write if shape.type_name in UNESCAPED else lambda value: _escape(write(value))


def _escape(text: str) -> str:
    if not _SPECIAL.search(text):
        return text
    if _ILLEGAL.search(text):
        raise ValueError("text with characters that XML cannot carry")
    return escape(text, {"\r": "&#13;"})


def _tags(name: str) -> tuple[str, str]:
    return f"<{name}>", f"</{name}>"


def _item_name(shape: ListShape) -> str:
    return wire_name(shape.member, "member")


def _local_name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _unexpected(what: str) -> ApiError:
    return ApiError("MalformedInput", f"Unexpected {what}.")


_DECLARATION = "<?xml version='1.0' encoding='UTF-8'?>\n"
UNESCAPED = frozenset({"boolean", "integer", "long", "float", "double", "timestamp", "blob"})
"""The types whose text has neither markup nor control characters."""
_SPECIAL = re.compile("[^\t\n\x20-%'-;=?-~]")
"""What is markup, or may be: anything but ASCII without & < > and without control characters."""
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WRITERS: dict[int, _Writer] = {}
_READERS: dict[tuple[int, str], _Reader] = {}
_SHAPES: list[ModelShape] = []
"""The shapes of both, kept so that no other one ever gets the id of one of them."""
