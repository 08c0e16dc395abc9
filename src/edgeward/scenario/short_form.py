"""The short form of a distribution that a scenario writes, and how two of them merge.

Every member is optional: a member that is None says nothing, so that a scenario holds only what differs
from the one-origin default and `update:` only what changes. `edgeward.scenario.expansion` turns the merged
short form into the DistributionConfig and policies that the API would receive.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeVar

from edgeward.scenario.reading import Node
from edgeward.scenario.viewer_certificates import Trusted

Short = TypeVar("Short")
SecurityPolicy = Literal[
    "SSLv3",
    "TLSv1",
    "TLSv1_2016",
    "TLSv1.1_2016",
    "TLSv1.2_2018",
    "TLSv1.2_2019",
    "TLSv1.2_2021",
    "TLSv1.2_2025",
    "TLSv1.3_2025",
]
Method = Literal["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which cookies, query strings or headers are in the cache key.

    `none`, `all`, a list of names (whitelist), or `{all_except: [names]}`.
    """

    mode: Literal["none", "all", "whitelist", "allExcept"]
    names: tuple[str, ...] = ()

    @classmethod
    def read_node(cls, node: Node) -> Self:
        if node.is_sequence:
            return cls(mode="whitelist", names=tuple(item.text() for item in node.items()))
        if node.is_scalar:
            return cls(mode="all" if node.choice(("none", "all")) == "all" else "none")
        entries = node.entries()
        if set(entries) != {"all_except"}:
            raise node.error("expected none, all, a list of names, or {all_except: [names]}")
        return cls(mode="allExcept", names=tuple(item.text() for item in entries["all_except"].items()))

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        names = {"type": "array", "items": {"type": "string"}}
        excepted = {"type": "object", "properties": {"all_except": names}, "additionalProperties": False}
        return {"anyOf": [{"enum": ["none", "all"]}, names, excepted]}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortOriginRequest:
    """An origin request policy: what is forwarded without being in the cache key."""

    headers: Annotated[Selection | None, "Viewer headers; all includes Host; default: none"] = None
    cookies: Annotated[Selection | None, "Default: none"] = None
    query_strings: Annotated[Selection | None, "Default: none"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortCors:
    """The CORS part of a response headers policy."""

    allow_origins: Annotated[tuple[str, ...] | None, "Default: every origin"] = None
    allow_headers: Annotated[tuple[str, ...] | None, "Default: every header"] = None
    allow_methods: Annotated[tuple[Method, ...] | None, "Default: GET and HEAD"] = None
    allow_credentials: Annotated[bool | None, "Default: false"] = None
    expose_headers: Annotated[tuple[str, ...] | None, "Default: none"] = None
    max_age: Annotated[int | None, "Seconds; default: not said"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortResponseHeaders:
    """A response headers policy."""

    cors: Annotated[ShortCors | None, "Default: none"] = None
    custom: Annotated[Mapping[str, str] | None, "Custom headers to add"] = None
    remove: Annotated[tuple[str, ...] | None, "Headers to remove"] = None
    override: Annotated[bool | None, "Whether CORS and custom headers replace the origin's; default: false"] = None
    server_timing: Annotated[int | None, "Sampling rate of Server-Timing, 0 to 100; default: not enabled"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortBehavior:
    """A cache behavior together with the cache policy it uses."""

    path: Annotated[str | None, "Path pattern; not for the default behavior"] = None
    origin: Annotated[str | None, "Name of its origin or origin group; default: main"] = None
    viewer_protocol: Annotated[
        Literal["allow-all", "https-only", "redirect-to-https"] | None,
        "Viewer protocol policy; default: allow-all",
    ] = None
    allowed_methods: Annotated[tuple[Method, ...] | None, "Default: GET and HEAD"] = None
    cached_methods: Annotated[tuple[Method, ...] | None, "Default: GET and HEAD"] = None
    min_ttl: Annotated[int | None, "Seconds; default: 0"] = None
    default_ttl: Annotated[int | None, "Seconds; default: 86400"] = None
    max_ttl: Annotated[int | None, "Seconds; default: 31536000"] = None
    compress: Annotated[bool | None, "Whether the edge compresses; default: false"] = None
    gzip: Annotated[bool | None, "EnableAcceptEncodingGzip; default: false"] = None
    brotli: Annotated[bool | None, "EnableAcceptEncodingBrotli; default: false"] = None
    headers: Annotated[Selection | None, "Headers in the cache key: none or a list; default: none"] = None
    cookies: Annotated[Selection | None, "Cookies in the cache key; default: none"] = None
    query_strings: Annotated[Selection | None, "Query strings in the cache key; default: none"] = None
    legacy: Annotated[bool | None, "ForwardedValues in place of policies; cookie names are patterns"] = None
    policy: Annotated[str | None, "Attach the managed cache policy of this name instead"] = None
    response_headers: Annotated[ShortResponseHeaders | None, "Attach a response headers policy"] = None
    forward: Annotated[ShortOriginRequest | None, "Attach an origin request policy"] = None
    grpc: Annotated[bool | None, "Whether gRPC is told from other requests; default: false"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortOrigin:
    """An origin; the runner gives it a domain name and a fake server."""

    kind: Annotated[Literal["custom", "s3"] | None, "Default: custom"] = None
    domain_name: Annotated[str | None, "Default: a name below origin.localhost, which is this machine"] = None
    path: Annotated[str | None, "Origin path such as /prefix"] = None
    headers: Annotated[Mapping[str, str] | None, "Custom headers"] = None
    protocol: Annotated[
        Literal["http-only", "https-only", "match-viewer"] | None,
        "Origin protocol policy; default: http-only",
    ] = None
    certificate: Annotated[
        Literal["trusted", "self-signed", "wrong-name", "expired"] | None,
        "Certificate the fake origin shows over TLS; default: trusted",
    ] = None
    demands_certificate: Annotated[
        bool | None, "Whether the fake origin speaks to nobody without one; default: false"
    ] = None
    client_certificate: Annotated[
        Literal["trusted", "stranger"] | None,
        "The certificate of ACM that the edge shows to the origin, which trusts it or does not; default: none",
    ] = None
    connection_attempts: Annotated[int | None, "1 to 3; default: 3"] = None
    connection_timeout: Annotated[int | None, "Seconds, 1 to 10; default: 10"] = None
    response_timeout: Annotated[int | None, "Seconds, from 1; default: 30"] = None
    keepalive_timeout: Annotated[int | None, "Seconds, from 1; default: 5"] = None
    completion_timeout: Annotated[int | None, "Seconds for a whole response; default: no bound"] = None
    ip_address_type: Annotated[
        Literal["ipv4", "ipv6", "dualstack"] | None,
        "Which of its addresses, 127.0.0.1 and ::1, are used; it listens on 127.0.0.1; default: ipv4",
    ] = None
    signing: Annotated[
        Literal["always", "never", "no-override"] | None, "Attach an origin access control (s3 only)"
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortOriginGroup:
    """An origin group: the second of two origins stands in for the first."""

    members: Annotated[tuple[str, ...], "Names of the primary origin and the secondary one"]
    statuses: Annotated[tuple[int, ...] | None, "Failover criteria; default: 500, 502, 503 and 504"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortErrorResponse:
    """A custom error response."""

    code: Annotated[int, "The error's status code"]
    page: Annotated[str | None, "Path of the page in its place"] = None
    status: Annotated[int | None, "Status code that goes with the page"] = None
    min_ttl: Annotated[int | None, "ErrorCachingMinTTL in seconds; default: 10"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortCountries:
    """A geo restriction: one of the two."""

    served: Annotated[tuple[str, ...] | None, "Country codes of the viewers that are served (whitelist)"] = None
    blocked: Annotated[tuple[str, ...] | None, "Country codes of the viewers that are not (blacklist)"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortChallenge:
    """What a certificate authority may ask for, to see whose a name is."""

    host: Annotated[str, "The name"]
    token: Annotated[str, "Last segment of the path"]
    answer: Annotated[str, "The key authorization"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortViewerMtls:
    """Certificates that viewers are asked for."""

    mode: Annotated[Literal["required", "optional", "passthrough"] | None, "Default: required"] = None
    trusts: Annotated[tuple[Trusted, ...] | None, "Authorities in the trust store; default: clients"] = None
    advertise_names: Annotated[bool | None, "AdvertiseTrustStoreCaNames; default: false"] = None
    ignore_expiry: Annotated[bool | None, "IgnoreCertificateExpiry; default: false"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortDistribution:
    """A distribution, as far as it differs from the one-origin default."""

    default: Annotated[ShortBehavior | None, "The default cache behavior"] = None
    behaviors: Annotated[tuple[ShortBehavior, ...] | None, "Cache behaviors in order, before the default one"] = None
    origins: Annotated[Mapping[str, ShortOrigin] | None, "Origins by name; `main` is always there"] = None
    groups: Annotated[Mapping[str, ShortOriginGroup] | None, "Origin groups by name"] = None
    aliases: Annotated[tuple[str, ...] | None, "Alternate domain names"] = None
    errors: Annotated[tuple[ShortErrorResponse, ...] | None, "Custom error responses"] = None
    cache_tags: Annotated[str | None, "Name of the response header with cache tags"] = None
    default_root_object: Annotated[str | None, "Path of the object for /, without leading slash"] = None
    countries: Annotated[ShortCountries | None, "Geo restriction; default: none"] = None
    enabled: Annotated[bool | None, "Default: true"] = None
    http_version: Annotated[Literal["http1.1", "http2", "http3", "http2and3"] | None, "Default: http2"] = None
    security_policy: Annotated[
        SecurityPolicy | None,
        "MinimumProtocolVersion, with a certificate of its own; default: CloudFront's certificate and policy",
    ] = None
    challenges: Annotated[
        tuple[ShortChallenge, ...] | None, "Challenges that the edge answers, whichever distribution has the name"
    ] = None
    viewer_mtls: Annotated[ShortViewerMtls | None, "Certificates that viewers are asked for; default: none"] = None
    others: Annotated[
        Mapping[str, "ShortDistribution"] | None,
        "More distributions beside this one, by first label of the domain name",
    ] = None


def merge(base: Short, change: Short) -> Short:
    """`base` with every member that `change` gives; records and mappings merge, lists and scalars replace."""
    return dataclasses.replace(base, **_merged_members(base, change))  # type: ignore[type-var]


def _merged_members(base: Any, change: Any) -> dict[str, Any]:
    given = {each.name: getattr(change, each.name) for each in dataclasses.fields(change)}
    return {name: _merged(getattr(base, name), value) for name, value in given.items() if value is not None}


def _merged(base: Any, value: Any) -> Any:
    if base is None:
        return value
    if isinstance(value, Mapping) and isinstance(base, Mapping):
        return {**base, **{key: _merged(base.get(key), each) for key, each in value.items()}}
    if dataclasses.is_dataclass(value) and not isinstance(value, Selection):
        return merge(base, value)
    return value
