"""The rules of the legacy cache settings: ForwardedValues and the TTLs of a cache behavior.

Sources: API reference (ForwardedValues, CookiePreference), Developer Guide ("Cache content based on request headers",
"Quotas"). Called by `behaviors` for every cache behavior without a cache policy.
"""

from edgeward.aws.model import Shape
from edgeward.aws.quotas import Quotas
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.distribution.fields import Field, items_of
from edgeward.services.cloudfront.viewer_headers import NOT_IN_CACHE_KEY, unwritten


def check_forwarded_values(at: Field, behavior: Shape, origin: Shape | None, limits: Quotas) -> None:
    """The settings of the behavior at `at`, whose requests go to `origin` (None for an origin group)."""
    if behavior.get("OriginRequestPolicyId"):
        message = "goes with a cache policy; replace ForwardedValues by CachePolicyId"
        raise at.member("OriginRequestPolicyId").refused(message)
    _check_ttls(at, behavior)
    values, place = behavior["ForwardedValues"], at.member("ForwardedValues")
    _check_cookies(place.member("Cookies"), values["Cookies"], limits[quotas.FORWARDED_COOKIES])
    _check_query_strings(place.member("QueryStringCacheKeys"), values, limits[quotas.FORWARDED_QUERY_STRINGS])
    _check_header_count(place.member("Headers"), items_of(values["Headers"]), limits[quotas.FORWARDED_HEADERS])
    _check_headers(place.member("Headers"), items_of(values["Headers"]), origin)
    if ALL_HEADERS in items_of(values["Headers"]) and behavior["MinTTL"] > 0:
        raise at.member("MinTTL").refused("is 0 when all headers are forwarded: nothing is cached then")


def _check_ttls(at: Field, behavior: Shape) -> None:
    minimum, default, maximum = behavior["MinTTL"], behavior["DefaultTTL"], behavior["MaxTTL"]
    if not 0 <= minimum <= default <= maximum:
        message = f"0 <= MinTTL <= DefaultTTL <= MaxTTL; they are {minimum}, {default} and {maximum}"
        raise at.member("MinTTL").refused(message, "InvalidTTLOrder")


def _check_cookies(at: Field, cookies: Shape, most: int) -> None:
    names = items_of(cookies.get("WhitelistedNames"))
    if bool(names) != (cookies["Forward"] == "whitelist"):
        message = "WhitelistedNames goes with Forward whitelist, and only with it"
        raise at.refused(message, "InvalidForwardCookies")
    if len(names) > most:
        message = f"{len(names)} names; at most {most}"
        raise at.member("WhitelistedNames").refused(message, quotas.FORWARDED_COOKIES.error)


def _check_query_strings(at: Field, values: Shape, most: int) -> None:
    names = items_of(values["QueryStringCacheKeys"])
    if names and not values["QueryString"]:
        raise at.refused("goes with QueryString true; set it, or leave this out", "InvalidQueryStringParameters")
    if len(names) > most:
        message = f"{len(names)} names; at most {most}"
        raise at.refused(message, quotas.FORWARDED_QUERY_STRINGS.error)


def _check_header_count(at: Field, names: list[str], most: int) -> None:
    if len(names) > most:
        raise at.refused(f"{len(names)} headers; at most {most}", quotas.FORWARDED_HEADERS.error)


def _check_headers(at: Field, names: list[str], origin: Shape | None) -> None:
    lower = [name.lower() for name in names]
    if len(set(lower)) != len(lower) or "" in lower or (ALL_HEADERS in lower and len(lower) > 1):
        raise at.refused("list each header once, none empty; or * alone, for all of them")
    if refused := sorted(set(lower) & _NEVER_FORWARDED):
        raise at.refused(f"{', '.join(refused)} cannot be forwarded; leave it out")
    if "host" in lower and origin is not None and "S3OriginConfig" in origin:
        message = "Host cannot be forwarded to an S3 origin, which goes by its own name; leave it out"
        raise at.refused(message, "InvalidHeadersForS3Origin")
    if missing := unwritten(lower):
        raise at.refused(f"this edge cannot write these headers yet: {', '.join(missing)}; leave them out")


ALL_HEADERS = "*"
_NEVER_FORWARDED = NOT_IN_CACHE_KEY | {"connection", "cookie", "proxy-authorization", "te", "upgrade"}
"""Not for a cache key (guide, "Cache content based on request headers" and "Add CloudFront request headers")."""
