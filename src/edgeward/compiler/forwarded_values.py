"""The legacy cache settings of a behavior, in the plan's words: what a cache policy and an origin request policy say.

What is listed is in the cache key; beside it nearly every viewer header goes to the origin. Source: Developer Guide,
"Request and response behavior for custom origins", "Cache content based on query string parameters".
"""

from typing import Any

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.fields import items_of
from edgeward.services.cloudfront.distribution.forwarded_values import ALL_HEADERS


def compile_legacy_cache(behavior: Shape) -> Shape:
    """The plan's `cache`. With all headers forwarded nothing is cached."""
    values = behavior["ForwardedValues"]
    headers = sorted(name.lower() for name in items_of(values["Headers"]))
    if ALL_HEADERS in headers:
        return {
            **_ttls(0, 0, 0),
            **_encodings(gzip=False),
            **_key(headers=[], cookies=_NOTHING, query_strings=_NOTHING),
        }
    return {
        **_ttls(behavior["MinTTL"], behavior["DefaultTTL"], behavior["MaxTTL"]),
        # Listed, Accept-Encoding is a header like any other.
        **_encodings(gzip="accept-encoding" not in headers),
        **_key(headers=headers, cookies=_cookies(values["Cookies"]), query_strings=_keyed_query_strings(values)),
    }


def compile_legacy_origin_request(behavior: Shape) -> Shape:
    """The plan's `origin_request`."""
    values = behavior["ForwardedValues"]
    forwards_all = ALL_HEADERS in items_of(values["Headers"])
    return {
        "headers": _selection("all") if forwards_all else _selection("all_except", _REMOVED),
        "cookies": _cookies(values["Cookies"]),
        "query_strings": _selection("all") if values["QueryString"] else _NOTHING,
    }


def _ttls(minimum: int, default: int, maximum: int) -> Shape:
    return {"min_ttl": minimum, "default_ttl": default, "max_ttl": maximum}


def _encodings(*, gzip: bool) -> Shape:
    return {"gzip": gzip, "brotli": False}


def _key(*, headers: list[str], cookies: Shape, query_strings: Shape) -> Shape:
    selected = _selection("whitelist", headers) if headers else _NOTHING
    return {"headers": selected, "cookies": cookies, "query_strings": query_strings}


def _cookies(cookies: Shape) -> Shape:
    return _selection(_COOKIE_MODES[cookies["Forward"]], items_of(cookies.get("WhitelistedNames")))


def _keyed_query_strings(values: Shape) -> Shape:
    if not values["QueryString"]:
        return _NOTHING
    names = items_of(values["QueryStringCacheKeys"])
    return _selection("whitelist", names) if names else _selection("all")


def _selection(mode: str, names: Any = ()) -> Shape:
    return {"mode": mode, "names": sorted(set(names))}


_NOTHING = _selection("none")
_COOKIE_MODES = {"none": "none", "whitelist": "patterns", "all": "all"}
_REMOVED = (
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "host",
    "referer",
    "user-agent",
    "x-http-method-override",
)
"""Removed or replaced unless listed; every other header of the viewer is forwarded."""
