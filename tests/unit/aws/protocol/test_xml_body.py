"""Hostile and wrong XML documents."""

import pytest

from edgeward.aws.errors import ApiError
from edgeward.aws.model import ServiceModel
from edgeward.aws.protocol.xml_body import read_document, write_document

NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"


def batch(content: str, attributes: str = f'xmlns="{NAMESPACE}"') -> str:
    return f"<InvalidationBatch {attributes}>{content}</InvalidationBatch>"


PATHS = "<Paths><Quantity>1</Quantity><Items><Path>/a</Path></Items></Paths>"
REFERENCE = "<CallerReference>r</CallerReference>"


PREFIXED = f"""<x:InvalidationBatch xmlns:x="{NAMESPACE}"><x:CallerReference>r</x:CallerReference>
<x:Paths><x:Quantity>1</x:Quantity><x:Items><x:Path>&#47;a</x:Path></x:Items></x:Paths></x:InvalidationBatch>"""


def read(model: ServiceModel, content: bytes) -> object:
    return read_document(content, "InvalidationBatch", model.shape("InvalidationBatch"), NAMESPACE)


@pytest.mark.parametrize(
    "content",
    [
        batch(PATHS + REFERENCE),
        batch(REFERENCE + PATHS),
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- why -->\n{batch(PATHS + REFERENCE)}\n',
        batch(f"\n  <!-- why -->{PATHS}\n  {REFERENCE}\n"),
        batch("<Paths><Quantity> 1 </Quantity><Items>\n<Path>/<!-- -->a</Path></Items></Paths>" + REFERENCE),
        batch("<Paths><Quantity>1</Quantity><Items><Path><![CDATA[/a]]></Path></Items></Paths>" + REFERENCE),
        PREFIXED,
    ],
)
def test_the_same_document_can_be_written_in_many_ways(model: ServiceModel, content: str) -> None:
    assert read(model, content.encode()) == {"CallerReference": "r", "Paths": {"Quantity": 1, "Items": ["/a"]}}


@pytest.mark.parametrize(
    "content",
    [
        batch("<Unknown/>"),
        batch(REFERENCE + REFERENCE),
        batch("<Paths><Items><Item>/a</Item></Items></Paths>"),
        batch("<Paths><Quantity>one</Quantity></Paths>"),
        batch("<Paths><Quantity/></Paths>"),
        batch("<Paths><Quantity>1.0</Quantity></Paths>"),
        batch("<Paths><Quantity>2147483648</Quantity></Paths>"),
        batch("<Paths><Quantity>99999999999999999999999999</Quantity></Paths>"),
        batch("<Paths>text</Paths>"),
        batch(REFERENCE + "text"),
        batch("<CallerReference><b>r</b></CallerReference>"),
        batch('<CallerReference kind="x">r</CallerReference>'),
        batch(REFERENCE, attributes='xmlns="http://cloudfront.amazonaws.com/doc/2019-03-26/"'),
        batch(REFERENCE, attributes=""),
        batch('<CallerReference xmlns="urn:other">r</CallerReference>'),
        f'<Other xmlns="{NAMESPACE}"/>',
    ],
)
def test_a_document_of_another_form_is_refused(model: ServiceModel, content: str) -> None:
    with pytest.raises(ApiError) as caught:
        read(model, content.encode())

    assert caught.value.code == "MalformedInput"


def test_a_boolean_is_true_or_false(model: ServiceModel) -> None:
    content = f'<TrustedSigners xmlns="{NAMESPACE}"><Enabled>maybe</Enabled></TrustedSigners>'.encode()

    with pytest.raises(ApiError, match="The value of Enabled is not a valid boolean"):
        read_document(content, "TrustedSigners", model.shape("TrustedSigners"), NAMESPACE)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain/text-1.2 'quoted' \"twice\"", "plain/text-1.2 'quoted' \"twice\""),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("line\rend", "line&#13;end"),
        ("ö\N{SNOWMAN}", "ö\N{SNOWMAN}"),
        ("", ""),
    ],
)
def test_text_is_escaped_where_it_has_to_be(model: ServiceModel, text: str, written: str) -> None:
    document = write_document("Batch", model.shape("InvalidationBatch"), {"CallerReference": text}, NAMESPACE)

    assert f"<CallerReference>{written}</CallerReference>" in document.decode()


def test_text_that_xml_cannot_carry_is_an_error(model: ServiceModel) -> None:
    with pytest.raises(ValueError, match="characters that XML cannot carry"):
        write_document("Batch", model.shape("InvalidationBatch"), {"CallerReference": "\x0b"}, NAMESPACE)


BILLION_LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not xml",
        batch(REFERENCE)[:-1].encode(),
        (batch(REFERENCE) + "<more/>").encode(),
        batch("<CallerReference>\xff</CallerReference>").encode("latin-1"),
        batch(REFERENCE).encode("utf-16"),
        batch("<CallerReference>&unknown;</CallerReference>").encode(),
        batch("<CallerReference>&#0;</CallerReference>").encode(),
        (BILLION_LAUGHS + batch("<CallerReference>&b;</CallerReference>")).encode(),
        ("<!DOCTYPE InvalidationBatch>" + batch(REFERENCE)).encode(),
        ('<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + batch(REFERENCE)).encode(),
        ('<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + batch(REFERENCE)).encode(),
        ("<a>" * 10_000).encode(),
    ],
)
def test_what_is_no_plain_utf_8_xml_is_refused(model: ServiceModel, content: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        read(model, content)

    assert caught.value.code == "MalformedXML"
