"""The rules of origins, their custom headers and origin groups.

Sources: API reference (Origin, CustomOriginConfig, OriginGroup), Developer Guide ("Origin settings", "Add
custom headers to origin requests", "Quotas"). Called by `rules` with a config that `fill_defaults` has
filled.

Differs from CloudFront: a name of one label (`web`) is an origin here, because a private network may have
such names, and a bucket may stand below any domain, because the S3 server may be one's own.
"""

import re

from edgeward.aws.model import Shape
from edgeward.aws.quotas import Quotas
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.distribution import lengths
from edgeward.services.cloudfront.distribution.fields import Field, items_of, origins, shown
from edgeward.services.cloudfront.distribution.names import why_not_a_host_name
from edgeward.services.cloudfront.distribution.s3_names import parse_bucket_name


def check_origins(config: Shape, limits: Quotas) -> None:
    """Every origin by itself, and no two with one id."""
    count = len(items_of(config["Origins"]))
    at = Field("DistributionConfig.Origins")
    if count == 0:
        raise at.refused("a distribution has at least one origin; add one")
    most = limits[quotas.ORIGINS]
    if count > most:
        raise at.refused(f"{count} origins; a distribution has at most {most}", quotas.ORIGINS.error)
    seen: set[str] = set()
    for place, origin in origins(config):
        if origin["Id"] in seen:
            raise place.member("Id").refused("another origin has this id; give each origin its own")
        seen.add(origin["Id"])
        _check_origin(place, _with_parameters(config, origin), limits)


def _with_parameters(config: Shape, origin: Shape) -> Shape:
    """An origin as a tenant would have it: `{{name}}` of each parameter that the distribution defines stands for a
    value (guide, "How multi-tenant distributions work").
    """
    defined = config.get("TenantConfig", {}).get("ParameterDefinitions", [])
    filled = dict(origin)
    for member in ("DomainName", "OriginPath"):
        for parameter in defined:
            filled[member] = filled[member].replace(f"{{{{{parameter['Name']}}}}}", "value")
    return filled


def _check_origin(at: Field, origin: Shape, limits: Quotas) -> None:
    _check_id(at.member("Id"), origin["Id"])
    _check_domain_name(at.member("DomainName"), origin["DomainName"])
    _check_origin_path(at.member("OriginPath"), origin["OriginPath"])
    _check_kind(at, origin, limits)
    _check_custom_headers(at.member("CustomHeaders"), items_of(origin["CustomHeaders"]), limits)
    _check_connection(at, origin)


def _check_id(at: Field, origin_id: str) -> None:
    if not 1 <= len(origin_id) <= lengths.ORIGIN_ID_CHARACTERS:
        raise at.refused(f"an id has 1 to {lengths.ORIGIN_ID_CHARACTERS} characters, this one {len(origin_id)}")


def _check_domain_name(at: Field, name: str) -> None:
    advice = why_not_a_host_name(name)
    if advice is not None:
        raise at.refused(f"{shown(name)!r} {advice}")


def _check_origin_path(at: Field, path: str) -> None:
    if path and (not path.startswith("/") or path.endswith("/")):
        message = f"{shown(path)!r}: a path starts with / and does not end with /; leave it empty for none"
        raise at.refused(message, "InvalidRelativePath")
    if len(path) > lengths.PATH_CHARACTERS or not _URL_PATH.fullmatch(path):
        message = f"at most {lengths.PATH_CHARACTERS} characters of a URL path; percent-encode the others"
        raise at.refused(message, "InvalidRelativePath")


def _check_kind(at: Field, origin: Shape, limits: Quotas) -> None:
    kinds = [kind for kind in _KINDS if kind in origin]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none"
        raise at.refused(f"exactly one of {', '.join(_KINDS)} says what kind of origin it is; found {found}")
    if "S3OriginConfig" in origin:
        _check_s3_origin(at, origin, limits)
    if "CustomOriginConfig" in origin:
        _check_custom_origin(at.member("CustomOriginConfig"), origin["CustomOriginConfig"], limits)


def _check_s3_origin(at: Field, origin: Shape, limits: Quotas) -> None:
    bucket = parse_bucket_name(origin["DomainName"])
    if bucket is None or (bucket.is_website and not origin["OriginAccessControlId"]):
        message = "names no S3 bucket; use bucket.s3.<region>.amazonaws.com, or CustomOriginConfig"
        raise at.member("DomainName").refused(f"{shown(origin['DomainName'])!r} {message}")
    _check_read_timeout(at.member("S3OriginConfig"), origin["S3OriginConfig"], limits)


def _check_custom_origin(at: Field, custom: Shape, limits: Quotas) -> None:
    for port in ("HTTPPort", "HTTPSPort"):
        if not _is_origin_port(custom[port]):
            raise at.member(port).refused(f"{custom[port]}: a port is 80, 443 or between 1024 and 65535")
    _check_read_timeout(at, custom, limits)
    most = limits[quotas.KEEP_ALIVE_TIMEOUT]
    if not 1 <= custom["OriginKeepaliveTimeout"] <= most:
        message = f"between 1 and {most} seconds, not {custom['OriginKeepaliveTimeout']}"
        raise at.member("OriginKeepaliveTimeout").refused(message, quotas.KEEP_ALIVE_TIMEOUT.error)
    if not items_of(custom["OriginSslProtocols"]):
        raise at.member("OriginSslProtocols").refused("lists no protocol; leave it out or list TLSv1.2")


def _check_read_timeout(at: Field, kind: Shape, limits: Quotas) -> None:
    most = limits[quotas.RESPONSE_TIMEOUT]
    if not 1 <= kind["OriginReadTimeout"] <= most:
        message = f"between 1 and {most} seconds, not {kind['OriginReadTimeout']}"
        raise at.member("OriginReadTimeout").refused(message, quotas.RESPONSE_TIMEOUT.error)


def _is_origin_port(port: int) -> bool:
    return port in (80, 443) or 1024 <= port <= 65_535


def _check_connection(at: Field, origin: Shape) -> None:
    for member, most in (("ConnectionAttempts", 3), ("ConnectionTimeout", 10)):
        if not 1 <= origin[member] <= most:
            raise at.member(member).refused(f"between 1 and {most}, not {origin[member]}")
    complete_by = origin.get("ResponseCompletionTimeout") or 0
    read_timeout = next(origin[kind].get("OriginReadTimeout", 0) for kind in _KINDS if kind in origin)
    if complete_by and complete_by < read_timeout:
        raise at.member("ResponseCompletionTimeout").refused(
            f"{complete_by} seconds is less than the OriginReadTimeout of {read_timeout}; make it longer"
        )


def _check_custom_headers(at: Field, headers: list[Shape], limits: Quotas) -> None:
    most = limits[quotas.ORIGIN_CUSTOM_HEADERS]
    if len(headers) > most:
        raise at.refused(f"{len(headers)} headers; an origin has at most {most}", quotas.ORIGIN_CUSTOM_HEADERS.error)
    seen: set[str] = set()
    for header in headers:
        name = header["HeaderName"].lower()
        place = at.item(header["HeaderName"])
        _check_header_name(place.member("HeaderName"), name, limits[quotas.CUSTOM_HEADER_NAME_LENGTH])
        _check_header_value(
            place.member("HeaderValue"), header["HeaderValue"], limits[quotas.CUSTOM_HEADER_VALUE_LENGTH]
        )
        if name in seen:
            raise place.refused("is added twice; header names differ in more than their case")
        seen.add(name)
    total = sum(len(header["HeaderName"]) + len(header["HeaderValue"]) for header in headers)
    most = limits[quotas.CUSTOM_HEADERS_LENGTH]
    if total > most:
        raise at.refused(f"names and values have {total} characters together; at most {most}")


def _check_header_name(at: Field, name: str, most: int) -> None:
    if not _TOKEN.fullmatch(name) or len(name) > most:
        raise at.refused(f"is no header name: 1 to {most} letters, digits and !#$%&'*+-.^_`|~")
    if name in _FORBIDDEN_HEADERS or name.startswith(_FORBIDDEN_HEADER_PREFIXES):
        raise at.refused("may not be added to origin requests: CloudFront sets or removes it itself")


def _check_header_value(at: Field, value: str, most: int) -> None:
    """The value itself stays out of the message: it is often a secret."""
    if len(value) > most:
        raise at.refused(f"has {len(value)} characters; at most {most}")
    if not _FIELD_VALUE.fullmatch(value) or value != value.strip():
        raise at.refused("may hold printable ASCII characters, and spaces only inside (RFC 9110 section 5.5)")


def check_origin_groups(config: Shape, limits: Quotas) -> None:
    """Each group joins two of the origins and fails over on statuses that allow it."""
    at = Field("DistributionConfig.OriginGroups")
    groups = items_of(config["OriginGroups"])
    most = limits[quotas.ORIGIN_GROUPS]
    if len(groups) > most:
        message = f"{len(groups)} origin groups; a distribution has at most {most}"
        raise at.refused(message, quotas.ORIGIN_GROUPS.error)
    taken = {origin["Id"] for _, origin in origins(config)}
    origin_ids = frozenset(taken)
    for group in groups:
        if group["Id"] in taken:
            raise at.item(group["Id"]).member("Id").refused("another origin or origin group has this id")
        taken.add(group["Id"])
        _check_origin_group(at.item(group["Id"]), group, origin_ids)


def _check_origin_group(at: Field, group: Shape, origin_ids: frozenset[str]) -> None:
    members = [member["OriginId"] for member in items_of(group["Members"])]
    if len(set(members)) != 2 or len(members) != 2:
        raise at.member("Members").refused("an origin group has exactly two different members")
    for member in members:
        if member not in origin_ids:
            message = f"there is no origin with the id {shown(member)!r}; name two of the origins"
            raise at.member("Members").refused(message, "NoSuchOrigin")
    statuses = items_of(group["FailoverCriteria"]["StatusCodes"])
    if not statuses or not _FAILOVER_STATUSES.issuperset(statuses):
        known = ", ".join(map(str, sorted(_FAILOVER_STATUSES)))
        raise at.member("FailoverCriteria.StatusCodes").refused(f"list one or more of {known}")


_KINDS = ("S3OriginConfig", "CustomOriginConfig", "VpcOriginConfig")
_FAILOVER_STATUSES = frozenset({400, 403, 404, 416, 429, 500, 502, 503, 504})
_URL_PATH = re.compile(r"([A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
_TOKEN = re.compile(r"[a-z0-9!#$%&'*+\-.^_`|~]+")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e]*")

# Developer Guide, "Custom headers that CloudFront can't add to origin requests".
_FORBIDDEN_HEADERS = frozenset(
    {
        "cache-control",
        "connection",
        "content-length",
        "cookie",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "max-forwards",
        "pragma",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "range",
        "request-range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "x-real-ip",
    }
)
_FORBIDDEN_HEADER_PREFIXES = ("x-amz-", "x-edge-")
