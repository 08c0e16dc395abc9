"""Resolves the `spec:` of a scenario: a section of an RFC, a note of the W3C or a page of the CloudFront guide.

A citation that resolves to no known document is an error, so that a report of what is tested can link every
line. Called by `format` when a scenario is read.
"""

import re

from edgeward.scenario.reading import Node, nearest


def citation_url(node: Node) -> str:
    """The address of `rfc9111#4.2.1`, `w3c:edge-arch` or `cloudfront:Expiration`, optionally with `#anchor`."""
    text = node.text()
    rfc = re.fullmatch(r"rfc(\d{4})#([0-9A-Z]+(?:\.\d+)*)", text)
    if rfc and rfc.group(1) in RFCS:
        return f"https://www.rfc-editor.org/rfc/rfc{rfc.group(1)}#section-{rfc.group(2)}"
    if text in W3C_NOTES:
        return f"https://www.w3.org/TR/{text.removeprefix('w3c:')}/"
    guide = re.fullmatch(r"cloudfront:([\w-]+)(#[\w.-]+)?", text)
    if guide and guide.group(1) in GUIDE_PAGES:
        return f"{_GUIDE}{guide.group(1)}.html{guide.group(2) or ''}"
    if guide:
        near = nearest(guide.group(1), GUIDE_PAGES)
        raise node.error(f"unknown page of the CloudFront guide `{text}`{near}")
    raise node.error(f"`{text}` is not a citation; write rfc9111#4.2.1 or cloudfront:Expiration")


RFCS = {
    "2253": "UTF-8 String Representation of Distinguished Names",
    "3986": "Uniform Resource Identifier",
    "5280": "X.509 Certificates and CRLs",
    "5861": "Cache-Control Extensions for Stale Content",
    "6066": "TLS Extensions",
    "7239": "Forwarded HTTP Extension",
    "7838": "HTTP Alternative Services",
    "8297": "Early Hints",
    "8555": "Automatic Certificate Management Environment (ACME)",
    "8446": "TLS 1.3",
    "8878": "Zstandard",
    "9000": "QUIC",
    "9110": "HTTP Semantics",
    "9111": "HTTP Caching",
    "9112": "HTTP/1.1",
    "9113": "HTTP/2",
    "9114": "HTTP/3",
    "9211": "The Cache-Status HTTP Response Header Field",
    "9213": "Targeted HTTP Cache Control",
    "9440": "Client-Cert HTTP Header Field",
}
W3C_NOTES = {"w3c:edge-arch": "Edge Architecture Specification"}
_PAGE_NAMES = """
    CNAMEs ConfiguringCaching Cookies DefaultRootObject DownloadDistValuesCacheBehavior
    DownloadDistValuesGeneral DownloadDistValuesOrigin Expiration GeneratingCustomErrorResponses
    HTTPStatusCodes HowToDeleteDistribution Invalidation QueryStringParameters RangeGETs
    RequestAndResponseBehavior RequestAndResponseBehaviorCustomOrigin RequestAndResponseBehaviorS3Origin
    RequestAndResponseBehaviorOriginGroups high_availability_origin_failover
    invalidation-by-tags invalidation-specifying-tags
    ServingCompressedFiles add-origin-custom-headers cache-key-create-cache-policy cloudfront-limits
    controlling-the-cache-key controlling-origin-requests header-caching http-403-permission-denied
    http-502-bad-gateway http-503-service-unavailable http-504-gateway-timeout
    origin-certificate-management-certificate-manager origin-mtls-authentication
    invalidation-specifying-objects
    private-content-restricting-access-to-s3 secure-connections-supported-viewer-protocols-ciphers
    standard-logs-reference understanding-the-cache-key using-https-cloudfront-to-custom-origin
    adding-cloudfront-headers adding-response-headers understanding-response-headers-policies
    creating-response-headers-policies using-managed-response-headers-policies
    distribution-using-grpc georestrictions using-https-cloudfront-to-s3-origin using-https-viewers-to-cloudfront
    using-managed-cache-policies
    configuring-additional-settings connection-logs enable-mtls-distributions mtls-authentication
    mtls-validation-modes trust-stores-certificate-management viewer-mtls-headers
"""
GUIDE_PAGES = frozenset(_PAGE_NAMES.split())
_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
