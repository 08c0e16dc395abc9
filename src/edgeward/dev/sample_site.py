"""The sample site: a few small files of the package and one large file made on the spot, put into the bucket.

Uploaded when the bucket has no site yet, so that what the user changes there stays. Invariant: the same bytes on every
machine; nothing large is committed.
"""

import hashlib
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the types are installed for checking only
    from types_boto3_s3 import S3Client

LARGE_KEY = "large.bin"
LARGE_BYTES = 30 << 20
"""30 MiB: long enough to watch it arrive, short enough to be stored in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteObject:
    """One object of the site."""

    key: str
    content_type: str
    content: bytes


def upload_site(s3: "S3Client", bucket: str) -> None:
    """Uploads the site into `bucket`, unless it is there already. The front page goes last and says that it is."""
    if s3.list_objects_v2(Bucket=bucket, Prefix=_FRONT_PAGE, MaxKeys=1)["KeyCount"]:
        return
    for item in sorted(site_objects(), key=lambda item: item.key == _FRONT_PAGE):
        s3.put_object(Bucket=bucket, Key=item.key, Body=item.content, ContentType=item.content_type)


def site_objects() -> Iterator[SiteObject]:
    """Every object of the site, the large one last."""
    yield from _files(resources.files("edgeward.dev") / "site", "")
    yield SiteObject(key=LARGE_KEY, content_type="application/octet-stream", content=large_content())


def large_content() -> bytes:
    """The large file: the same incompressible bytes every time."""
    return hashlib.shake_128(b"edgeward sample site").digest(LARGE_BYTES)


def _files(folder: Traversable, prefix: str) -> Iterator[SiteObject]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        else:
            yield SiteObject(
                key=prefix + entry.name, content_type=_content_type(entry.name), content=entry.read_bytes()
            )


def _content_type(name: str) -> str:
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    # Only the text formats need to say in what they are encoded; JSON and SVG have their own rules.
    return f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed


_FRONT_PAGE = "index.html"
