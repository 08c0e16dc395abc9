"""How many of each thing a distribution may have, and how long its texts may be.

The numbers are CloudFront's defaults (Developer Guide, "Quotas"); the rules of this package are the only
readers.
"""

DISTRIBUTIONS_PER_ACCOUNT = 500
DISTRIBUTIONS_PER_TRUST_STORE = 25
ALIASES = 100
ORIGINS = 100
ORIGIN_GROUPS = 10
CACHE_BEHAVIORS = 75
"""Counted without the default cache behavior; the guide does not say whether it counts."""
FORWARDED_NAMES = 10
"""Headers, cookies or query strings that ForwardedValues lists."""
ORIGIN_CUSTOM_HEADERS = 30
CUSTOM_HEADER_NAME_CHARACTERS = 256
CUSTOM_HEADER_VALUE_CHARACTERS = 1_783
CUSTOM_HEADERS_CHARACTERS = 10_240
"""Names and values of all custom headers of one origin together."""
CACHE_TAG_HEADER_CHARACTERS = 256
"""As of a custom header; the guide does not say."""
COMMENT_CHARACTERS = 128
PATH_CHARACTERS = 255
"""Of a path pattern, an origin path, a default root object and the path of an error page."""
ORIGIN_ID_CHARACTERS = 128
