"""The domain names under which S3 serves a bucket, and the region they name.

Used by the rules (does an origin with S3OriginConfig name a bucket?) and by the compiler (which region
signs?). Known forms: `bucket.s3.amazonaws.com`, `bucket.s3.<region>.amazonaws.com`,
`bucket.s3-<region>.amazonaws.com`, `bucket.s3.dualstack.<region>.amazonaws.com`, access points, and the
same below any other domain (`bucket.s3.localhost`), because the S3 server may be one's own. A bucket's name
may hold dots.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketName:
    """What an S3 domain name says."""

    bucket: str
    region: str
    """`us-east-1` where the name does not say."""
    is_website: bool
    """A website endpoint: plain HTTP, cannot check signatures, so it is a custom origin."""


def parse_bucket_name(domain_name: str) -> BucketName | None:
    """The bucket that `domain_name` stands for; None when it is no S3 name."""
    labels = domain_name.lower().split(".")
    for index in range(len(labels) - 2, 0, -1):
        service = _SERVICE_LABEL.fullmatch(labels[index])
        if service:
            return BucketName(
                bucket=".".join(labels[:index]),
                region=_region(service["suffix"], labels[index + 1 :]),
                is_website=service["website"] is not None,
            )
    return None


def region_of(domain_name: str) -> str:
    """The region that signs requests to `domain_name`; `us-east-1` where the name does not say."""
    bucket = parse_bucket_name(domain_name)
    return _DEFAULT_REGION if bucket is None else bucket.region


def _region(suffix: str | None, below: list[str]) -> str:
    """The region stands in the service label (`s3-us-west-2`) or in the next one, past `dualstack`."""
    candidates = [suffix or "", *(label for label in below if label != "dualstack")][:2]
    return next((label for label in candidates if _REGION.fullmatch(label)), _DEFAULT_REGION)


_DEFAULT_REGION = "us-east-1"
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_SERVICE_LABEL = re.compile(r"s3(?P<website>-website)?(-(?P<suffix>[a-z0-9-]+))?")
