"""AWS Signature Version 4 and 4A: who signed this request, and did anything change since.

A function of the request, a look-up of credentials and the time. The signature is checked over the bytes
that arrived (the hash of the body is never taken from the caller); 4 is recomputed and compared in constant
time, 4A verified by the public key that `sigv4a` derives. Called by `aws.api` before a request's content is
looked at. Rules: "Signature Version 4 signing process" of the AWS General Reference.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import quote

from edgeward.aws import sigv4a
from edgeward.aws.access import DEFAULT_REGION, Access, Caller
from edgeward.aws.errors import ApiError
from edgeward.aws.routing import parse_query
from edgeward.aws.wire import WireRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signature:
    algorithm: str
    access_key: str
    scope: tuple[str, ...]
    """Date (yyyymmdd), region (not in 4A), service, the word aws4_request."""
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: datetime
    session_token: str | None
    """What comes with temporary credentials."""
    lifetime: timedelta | None
    """Of a query-form signature only: how long after `timestamp` it holds."""


def verify(request: WireRequest, *, access: Access, service: str, now: datetime) -> Caller:
    """Who signed the request.

    Any region in the credential scope is accepted: with an endpoint URL of its own, an SDK signs for the
    region its user configured. Raises ApiError `MissingAuthenticationToken`, `IncompleteSignature`,
    `InvalidClientTokenId`, `ExpiredToken`, `SignatureDoesNotMatch` or `RequestExpired`.
    """
    signature = _read_signature(request)
    credentials = access.credentials(signature.access_key, signature.session_token, now)
    if credentials is None:
        raise ApiError("InvalidClientTokenId", "The security token included in the request is invalid.")
    _check_scope(signature, service)
    _check_time(signature, now)
    _check_signed_headers(request, signature)
    if not _is_signed(request, signature, credentials.secret):
        raise ApiError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. "
            "Consult the service documentation for details.",
        )
    return replace(credentials.caller, region=_region(signature))


def _region(signature: _Signature) -> str:
    """The region of the scope. One that names no region of AWS's form counts as the default one."""
    region = signature.scope[1]
    return region if signature.algorithm == ALGORITHM and _REGION.fullmatch(region) else DEFAULT_REGION


def _read_signature(request: WireRequest) -> _Signature:
    authorization = request.header("authorization")
    if authorization is not None:
        return _read_header_form(request, authorization)
    arguments = dict(parse_query(request.raw_query))
    if "X-Amz-Algorithm" in arguments or "X-Amz-Signature" in arguments:
        return _read_query_form(arguments)
    raise ApiError("MissingAuthenticationToken", "Request is missing Authentication Token. Sign it with SigV4.")


def _read_header_form(request: WireRequest, authorization: str) -> _Signature:
    algorithm, _, rest = authorization.strip().partition(" ")
    if algorithm not in SCOPE_LENGTHS:
        known = " or ".join(SCOPE_LENGTHS)
        raise ApiError("IncompleteSignature", f"The Authorization header has to use the algorithm {known}.")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not parts.get(name):
            raise ApiError("IncompleteSignature", f"Authorization header requires '{name}' parameter.")
    access_key, scope = _read_credential(parts["Credential"], SCOPE_LENGTHS[algorithm])
    return _Signature(
        algorithm=algorithm,
        access_key=access_key,
        scope=scope,
        signed_headers=tuple(parts["SignedHeaders"].split(";")),
        signature=parts["Signature"],
        timestamp=_read_request_date(request),
        session_token=request.header("x-amz-security-token"),
        lifetime=None,
    )


def _read_query_form(arguments: dict[str, str]) -> _Signature:
    algorithm = arguments.get("X-Amz-Algorithm", "")
    if algorithm not in SCOPE_LENGTHS:
        raise ApiError("IncompleteSignature", f"X-Amz-Algorithm has to be {' or '.join(SCOPE_LENGTHS)}.")
    for name in ("Credential", "Date", "Expires", "SignedHeaders", "Signature"):
        if not arguments.get(f"X-Amz-{name}"):
            raise ApiError("IncompleteSignature", f"AWS query-string parameters must include 'X-Amz-{name}'.")
    seconds = arguments["X-Amz-Expires"]
    if not re.fullmatch(r"[0-9]{1,6}", seconds) or not 1 <= int(seconds) <= LONGEST_LIFETIME_SECONDS:
        raise ApiError("IncompleteSignature", f"X-Amz-Expires has to be 1 to {LONGEST_LIFETIME_SECONDS} seconds.")
    access_key, scope = _read_credential(arguments["X-Amz-Credential"], SCOPE_LENGTHS[algorithm])
    return _Signature(
        algorithm=algorithm,
        access_key=access_key,
        scope=scope,
        signed_headers=tuple(arguments["X-Amz-SignedHeaders"].split(";")),
        signature=arguments["X-Amz-Signature"],
        timestamp=_read_basic_date(arguments["X-Amz-Date"]),
        session_token=arguments.get("X-Amz-Security-Token"),
        lifetime=timedelta(seconds=int(seconds)),
    )


def _read_credential(credential: str, scope_length: int) -> tuple[str, tuple[str, ...]]:
    parts = credential.split("/")
    if len(parts) <= scope_length or not all(parts):
        raise ApiError(
            "IncompleteSignature",
            f"Credential must have at least {scope_length + 1} slash-delimited elements, "
            f"e.g. {CREDENTIAL_EXAMPLE}, got '{credential}'.",
        )
    return "/".join(parts[:-scope_length]), tuple(parts[-scope_length:])


def _read_request_date(request: WireRequest) -> datetime:
    basic = request.header("x-amz-date")
    if basic is not None:
        return _read_basic_date(basic)
    date = request.header("date")
    if date is None:
        raise ApiError(
            "IncompleteSignature",
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError as error:
        raise ApiError("IncompleteSignature", f"The Date header is not an HTTP date: '{date}'.") from error


def _read_basic_date(text: str) -> datetime:
    if _BASIC_DATE.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass  # A month 13 and its like: the same refusal as any other text.
    raise ApiError("IncompleteSignature", f"Date must be in ISO-8601 'basic format'. Got '{text}'.")


def _check_scope(signature: _Signature, service: str) -> None:
    date, *_region, scope_service, terminator = signature.scope
    if scope_service != service:
        raise ApiError("SignatureDoesNotMatch", f"Credential should be scoped to correct service: '{service}'.")
    if terminator != "aws4_request":
        raise ApiError("SignatureDoesNotMatch", "Credential should be scoped with a valid terminator: 'aws4_request'.")
    if date != signature.timestamp.strftime("%Y%m%d"):
        raise ApiError(
            "SignatureDoesNotMatch",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.",
        )


def _check_time(signature: _Signature, now: datetime) -> None:
    signed = signature.timestamp
    if signed > now + ALLOWED_SKEW:
        raise ApiError(
            "SignatureDoesNotMatch",
            f"Signature not yet current: {_basic(signed)} is still later than {_basic(now + ALLOWED_SKEW)} "
            f"({_basic(now)} + 5 min.)",
        )
    if signature.lifetime is not None and signed + signature.lifetime < now:
        raise ApiError("RequestExpired", f"The signed URL expired at {_basic(signed + signature.lifetime)}. Sign anew.")
    if signature.lifetime is None and signed < now - ALLOWED_SKEW:
        raise ApiError(
            "SignatureDoesNotMatch",
            f"Signature expired: {_basic(signed)} is now earlier than {_basic(now - ALLOWED_SKEW)} "
            f"({_basic(now)} - 5 min.)",
        )


def _check_signed_headers(request: WireRequest, signature: _Signature) -> None:
    signed = frozenset(signature.signed_headers)
    for name in ["host", *(name for name, _ in request.headers if name.startswith("x-amz-"))]:
        if name not in signed:
            raise ApiError("SignatureDoesNotMatch", f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")


def _is_signed(request: WireRequest, signature: _Signature, secret: str) -> bool:
    canonical = _canonical_request(request, signature)
    to_sign = "\n".join(
        [
            signature.algorithm,
            _basic(signature.timestamp),
            "/".join(signature.scope),
            hashlib.sha256(canonical.encode("latin-1")).hexdigest(),
        ]
    )
    if signature.algorithm == sigv4a.ALGORITHM:
        return sigv4a.is_signed(to_sign.encode(), signature.signature, signature.access_key, secret)
    expected = _sign(to_sign, signature.scope, secret)
    return hmac.compare_digest(expected.encode(), signature.signature.encode())


def _sign(to_sign: str, scope: tuple[str, ...], secret: str) -> str:
    return hmac.digest(_signing_key(scope, secret), to_sign.encode(), "sha256").hex()


@lru_cache(maxsize=256)
def _signing_key(scope: tuple[str, ...], secret: str) -> bytes:
    """The same for all requests of a key and a day."""
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _canonical_request(request: WireRequest, signature: _Signature) -> str:
    header_lines = [f"{name}:{_canonical_header(request, name)}\n" for name in signature.signed_headers]
    return "\n".join(
        [
            request.method,
            _canonical_path(request.raw_path),
            _canonical_query(request.raw_query),
            "".join(header_lines),
            ";".join(signature.signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )


def _canonical_path(raw_path: str) -> str:
    segments: list[str] = []
    for segment in raw_path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    trailing = "/" if segments and raw_path.endswith("/") else ""
    return quote(f"/{'/'.join(segments)}{trailing}", safe="/~", encoding="latin-1")


def _canonical_query(raw_query: str) -> str:
    pairs = [(name, value) for name, value in parse_query(raw_query) if name != "X-Amz-Signature"]
    return "&".join(
        f"{name}={value}" for name, value in sorted((_encode(name), _encode(value)) for name, value in pairs)
    )


def _canonical_header(request: WireRequest, name: str) -> str:
    return ",".join(" ".join(value.split()) for field_name, value in request.headers if field_name == name)


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")


def _basic(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(BASIC_FORMAT)


ALGORITHM = "AWS4-HMAC-SHA256"
SCOPE_LENGTHS = {ALGORITHM: 4, sigv4a.ALGORITHM: 3}
"""How many parts the credential scope has behind the access key id; 4A's is good for several regions."""
BASIC_FORMAT = "%Y%m%dT%H%M%SZ"
_REGION = re.compile(r"[a-z]{2}(-[a-z]{1,16}){1,3}-[0-9]{1,2}")
_BASIC_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z")
ALLOWED_SKEW = timedelta(minutes=5)
LONGEST_LIFETIME_SECONDS = 604_800
CREDENTIAL_EXAMPLE = "<access key>/20260101/us-east-1/cloudfront/aws4_request"
