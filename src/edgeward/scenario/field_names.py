"""The header field names that a scenario may write inline, beside the keys of the format.

A fixed table turns `cache-contol:` into an error instead of a header field that nobody reads. Names that
start with `x-`, `cloudfront-` or `access-control-` are always taken; any other name goes under `headers:`.
Source: the IANA HTTP field name registry, the permanent entries that a cache or its neighbors handle.
"""

import re


def is_inline_name(name: str) -> bool:
    """Whether `name`, in lower case, may stand beside the keys of a step."""
    return re.fullmatch(INLINE_NAMES, name) is not None


def near_field_names(name: str) -> tuple[str, ...]:
    """Field names worth proposing for a misspelled `name`."""
    return tuple(known for known in FIELD_NAMES if known[:1] == name[:1].lower())


_NAMES = """
    accept accept-charset accept-encoding accept-language accept-ranges age allow alt-svc authorization
    cache-control client-cert client-cert-chain connection content-disposition content-encoding
    content-language content-length content-location content-range content-security-policy content-type
    cookie date etag expires forwarded host if-match if-modified-since if-none-match if-range
    if-unmodified-since keep-alive last-modified link location max-forwards origin pragma proxy-authenticate
    proxy-authorization proxy-connection range referer retry-after server set-cookie
    strict-transport-security surrogate-control te trailer transfer-encoding upgrade user-agent vary via
    warning www-authenticate
"""
FIELD_NAMES = frozenset(_NAMES.split())
INLINE_NAMES = f"({'|'.join(sorted(FIELD_NAMES))}|(x|cloudfront|access-control)-[a-z0-9-]+)"
"""A regular expression of every name that may stand inline."""
