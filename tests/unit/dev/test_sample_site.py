"""The sample site: the same bytes on every machine, and nothing that points outside it."""

import hashlib
import re

from edgeward.dev.sample_site import LARGE_BYTES, large_content, site_objects


def test_the_site_has_a_page_and_an_object_of_each_kind() -> None:
    kinds = {item.content_type.partition(";")[0] for item in site_objects()}
    assert {
        "text/html",
        "text/css",
        "text/javascript",
        "image/svg+xml",
        "image/png",
        "application/json",
        "application/octet-stream",
    } <= kinds


def test_the_large_object_is_the_same_every_time() -> None:
    content = large_content()
    assert len(content) == LARGE_BYTES
    assert hashlib.sha256(content).hexdigest() == "7a9cae4ddb2755cf95b1e0bf3740d201b84d8e231ac8cb47647291478e129f84"


def test_everything_the_front_page_loads_is_part_of_the_site() -> None:
    objects = {item.key: item.content for item in site_objects()}
    loaded = re.findall(r'(?:src|href|data-path)="/([^"?]*)', objects["index.html"].decode())
    assert loaded
    assert {path for path in loaded if not path.startswith("api/")} <= set(objects)
