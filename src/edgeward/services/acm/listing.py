"""ListCertificates: by state and by what certificates are for, in order of creation."""

import re
from datetime import datetime

from edgeward.aws.engine import Call, Environment
from edgeward.aws.errors import ApiError
from edgeward.aws.listing import every
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource
from edgeward.services.acm import certificates, quotas
from edgeward.services.acm.certificates import FAMILY

Position = tuple[int, str]
"""Milliseconds since 1970 of the creation, and the id."""


def list_certificates(environment: Environment, call: Call) -> Shape:
    """ListCertificates. The token is the place of the last one, so that one deleted since breaks no listing.

    Raises ApiError `InvalidArgsException` for a token that no answer gave, and for half an order.
    """
    sent = call.members
    if ("SortBy" in sent) != ("SortOrder" in sent):
        raise ApiError("InvalidArgsException", "SortBy and SortOrder go together. Send both, or neither.")
    is_descending = sent.get("SortOrder") == "DESCENDING"
    start = _read_token(sent["NextToken"]) if "NextToken" in sent else None
    size = sent.get("MaxItems", quotas.PAGE_SIZE)
    with environment.store.read() as transaction:
        found = [each for each in every(transaction, FAMILY) if _is_asked_for(sent, each, call.now)]
        found.sort(key=_position, reverse=is_descending)
        following = [each for each in found if start is None or _is_behind(each, start, is_descending=is_descending)]
        page = following[:size]
        answer: Shape = {
            "CertificateSummaryList": [
                certificates.summarized(transaction, each, call.now, most_names=quotas.SUMMARY_NAMES) for each in page
            ]
        }
    if len(following) > size:
        answer["NextToken"] = _write_token(_position(page[-1]))
    return answer


def _is_asked_for(sent: Shape, certificate: Resource, now: datetime) -> bool:
    wanted = sent.get("Includes", {})
    if "keyTypes" not in wanted and not certificates.names(certificate):
        return False
    # Nothing here can be exported, or is CloudFront's own.
    if "managedBy" in wanted or wanted.get("exportOption") == "ENABLED":
        return False
    known = certificates.facts(certificate) if certificates.is_issued(certificate) else None
    shown = (
        (sent.get("CertificateStatuses"), [certificates.status(certificate, now)]),
        (sent.get("CertificateKeyPairOrigins"), [certificates.key_pair_origin(certificate)]),
        (wanted.get("keyTypes", DEFAULT_KEY_TYPES), [certificates.key_algorithm(certificate)]),
        (wanted.get("keyUsage"), known.key_usages if known is not None else ()),
        (wanted.get("extendedKeyUsage"), [name for name, _ in known.extended_key_usages] if known is not None else ()),
    )
    return all(not asked_for or not set(asked_for).isdisjoint(found) for asked_for, found in shown)


def _is_behind(certificate: Resource, start: Position, *, is_descending: bool) -> bool:
    return _position(certificate) < start if is_descending else _position(certificate) > start


def _position(certificate: Resource) -> Position:
    return int(certificate.created.timestamp() * 1_000), certificate.id


def _write_token(position: Position) -> str:
    return f"{position[0]}-{position[1]}"


def _read_token(token: str) -> Position:
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise ApiError("InvalidArgsException", "NextToken is none that an answer before this gave.")
    return int(found["created"]), found["id"]


DEFAULT_KEY_TYPES = ("RSA_1024", "RSA_2048")
"""Of a listing that does not say (API reference, Filters)."""
_TOKEN = re.compile(r"(?P<created>[0-9]{1,15})-(?P<id>[0-9a-f-]{36})")
