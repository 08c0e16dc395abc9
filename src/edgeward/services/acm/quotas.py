"""How many and how large (ACM User Guide, "Quotas"; API reference, ImportCertificate)."""

CERTIFICATES = 2_500
TAGS = 50
PRIVATE_KEY_BYTES = 5_120
ISSUERS = 10
"""Certificates of a chain; ACM bounds their bytes alone."""
SUMMARY_NAMES = 100
"""Names of a certificate that a listing repeats."""
NAMES = 100
"""Of a certificate that is asked for; ACM begins with 10 and raises it on request."""
COMMON_NAME_CHARACTERS = 64
PAGE = 1_000
"""Certificates of one answer of ListCertificates, and its default."""
