"""The rules of the members that concern the distribution as a whole.

Sources: API reference (DistributionConfig, GeoRestriction, CustomErrorResponse),
Developer Guide ("Specify a default root object", "Quotas"). Called by `rules` with a config that
`fill_defaults` has filled.
"""

import re

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution import lengths
from edgeward.services.cloudfront.distribution.fields import Field, items_of, shown
from edgeward.services.cloudfront.distribution.viewer_certificate import check_viewer_certificate


def check_settings(config: Shape) -> None:
    """Comment, default root object, viewer certificate, geo restriction, cache tags and error pages."""
    at = Field()
    if not config["CallerReference"]:
        raise at.member("CallerReference").refused("is empty; give a text that is new for every distribution")
    if len(config["Comment"]) > lengths.COMMENT_CHARACTERS:
        message = f"has {len(config['Comment'])} characters; at most {lengths.COMMENT_CHARACTERS}"
        raise at.member("Comment").refused(message)
    _check_default_root_object(at.member("DefaultRootObject"), config["DefaultRootObject"])
    check_viewer_certificate(config)
    _check_geo_restriction(at.member("Restrictions.GeoRestriction"), config["Restrictions"]["GeoRestriction"])
    if "CacheTagConfig" in config:
        _check_cache_tag_header(at.member("CacheTagConfig.HeaderName"), config["CacheTagConfig"]["HeaderName"])
    _check_error_responses(at.member("CustomErrorResponses"), items_of(config["CustomErrorResponses"]))


def _check_default_root_object(at: Field, name: str) -> None:
    if name.startswith("/"):
        message = f"{shown(name)!r} starts with /; write it without, as in index.html"
        raise at.refused(message, "InvalidDefaultRootObject")
    if len(name) > lengths.PATH_CHARACTERS:
        message = f"has {len(name)} characters; at most {lengths.PATH_CHARACTERS}"
        raise at.refused(message, "InvalidDefaultRootObject")
    if not _ROOT_OBJECT.fullmatch(name):
        message = "holds A-Z a-z 0-9 _ - . * $ / ~ \" ' & @ : + and nothing else"
        raise at.refused(message, "InvalidDefaultRootObject")


def _check_geo_restriction(at: Field, restriction: Shape) -> None:
    countries = items_of(restriction)
    if bool(countries) == (restriction["RestrictionType"] == "none"):
        message = "list countries with blacklist or whitelist, and none with RestrictionType none"
        raise at.refused(message, "InvalidGeoRestrictionParameter")
    for country in countries:
        if not _COUNTRY.fullmatch(country):
            message = f"{shown(country)!r} is no two-letter country code in capitals (ISO 3166-1)"
            raise at.item(country).refused(message, "InvalidLocationCode")


def _check_cache_tag_header(at: Field, name: str) -> None:
    if not _HEADER_NAME.fullmatch(name):
        most = lengths.CACHE_TAG_HEADER_CHARACTERS
        raise at.refused(f"is no header name: 1 to {most} letters, digits and !#$%&'*+-.^_`|~")


def _check_error_responses(at: Field, responses: list[Shape]) -> None:
    seen: set[int] = set()
    for response in responses:
        code, place = response["ErrorCode"], at.item(response["ErrorCode"])
        if code not in _ERROR_CODES or code in seen:
            known = ", ".join(map(str, sorted(_ERROR_CODES)))
            raise place.member("ErrorCode").refused(f"list each of {known} at most once", "InvalidErrorCode")
        seen.add(code)
        _check_error_page(place, response)


def _check_error_page(at: Field, response: Shape) -> None:
    page, status = response.get("ResponsePagePath", ""), response.get("ResponseCode", "")
    if bool(page) != bool(status):
        message = "ResponsePagePath and ResponseCode go together; set both, or neither"
        raise at.refused(message, "InvalidResponseCode")
    if page and (not page.startswith("/") or len(page) > lengths.PATH_CHARACTERS):
        message = f"starts with / and has at most {lengths.PATH_CHARACTERS} characters"
        raise at.member("ResponsePagePath").refused(message, "InvalidRelativePath")
    if page and not _ERROR_PAGE.fullmatch(page):
        message = "holds A-Z a-z 0-9 _ - . * $ / ~ \" ' & @ : + % and nothing else; write anything else as %XX"
        raise at.member("ResponsePagePath").refused(message, "InvalidRelativePath")
    if response.get("ErrorCachingMinTTL", 0) < 0:
        raise at.member("ErrorCachingMinTTL").refused("is less than 0; give a number of seconds, or leave it out")
    if status and status not in _RESPONSE_CODES:
        message = f"{shown(status)!r}: choose one of {', '.join(sorted(_RESPONSE_CODES))}"
        raise at.member("ResponseCode").refused(message, "InvalidResponseCode")


_ROOT_OBJECT = re.compile(r"""[A-Za-z0-9_\-.*$/~"'&@:+]*""")
_ERROR_PAGE = re.compile(r"""/[A-Za-z0-9_\-.*$/~"'&@:+%]*""")
_HEADER_NAME = re.compile(rf"[A-Za-z0-9!#$%&'*+\-.^_`|~]{{1,{lengths.CACHE_TAG_HEADER_CHARACTERS}}}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_ERROR_CODES = frozenset({400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504})
_RESPONSE_CODES = frozenset({"200"} | {str(code) for code in _ERROR_CODES})
