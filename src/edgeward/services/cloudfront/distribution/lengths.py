"""How long the texts of a distribution may be.

AWS states these in its API reference and not among its quotas, so that nobody can change them (`cloudfront.quotas` has
those). The rules of this package are the only readers.
"""

CACHE_TAG_HEADER_CHARACTERS = 256
"""As of a custom header; the guide does not say."""
COMMENT_CHARACTERS = 128
PATH_CHARACTERS = 255
"""Of a path pattern, an origin path, a default root object and the path of an error page."""
ORIGIN_ID_CHARACTERS = 128
