"""The quotas of ACM, and what its API reference bounds.

Names and numbers: ACM User Guide, "Quotas"; `also`: Service Quotas. Imported certificates and requested ones count
together.
"""

from functools import partial

from edgeward.aws.quotas import ServiceQuota

PAGE = "https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html"

_general = partial(ServiceQuota, service="acm", section="General quotas", error="LimitExceededException")

CERTIFICATES = _general(name="Number of ACM certificates", also="ACM certificates", default=2_500)
NAMES = _general(
    name="Number of domain names per ACM certificate",
    also="Domain names per ACM certificate",
    default=10,
    lowest=1,
    highest=100,
)
"""Of one that is asked for; what is imported may have more."""

ALL = tuple(each for each in globals().copy().values() if isinstance(each, ServiceQuota))

TAGS = 50
PRIVATE_KEY_BYTES = 5_120
ISSUERS = 10
"""Certificates of a chain; ACM bounds their bytes alone."""
SUMMARY_NAMES = 100
"""Names of a certificate that a listing repeats."""
COMMON_NAME_CHARACTERS = 64
PAGE_SIZE = 1_000
"""Certificates of one answer of ListCertificates, and its default."""
