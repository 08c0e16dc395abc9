"""Classic mistakes in the configuration of a distribution. Pure: a configuration in, findings out.

Each rule is a function that yields findings and says in its docstring where the advice comes from. A policy that is not
known here (there is no API to ask, or it is gone) is passed over: a rule never guesses. Called by the command `lint`
and by the API, for every change.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

Config = Mapping[str, Any]
Severity = Literal["error", "warning", "hint"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is likely a mistake."""

    rule: str
    severity: Severity
    where: str
    what: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A DistributionConfig, and the policies that it attaches as far as they are known, by their ids."""

    config: Config
    cache_policies: Mapping[str, Config] = field(default_factory=dict)
    origin_request_policies: Mapping[str, Config] = field(default_factory=dict)

    @property
    def origins(self) -> dict[str, Config]:
        """By id."""
        return {origin["Id"]: origin for origin in _items(self.config.get("Origins"))}

    def behaviors(self) -> Iterator[tuple[str, Config]]:
        """Each with its place in the configuration, in the order in which they are tried."""
        for behavior in _items(self.config.get("CacheBehaviors")):
            yield f"CacheBehaviors[{behavior['PathPattern']}]", behavior
        if "DefaultCacheBehavior" in self.config:
            yield "DefaultCacheBehavior", self.config["DefaultCacheBehavior"]

    def key(self, behavior: Config) -> Config | None:
        """ParametersInCacheKeyAndForwardedToOrigin of its cache policy, if that is known."""
        policy = self.cache_policies.get(behavior.get("CachePolicyId", ""))
        return None if policy is None else policy.get("ParametersInCacheKeyAndForwardedToOrigin", {})

    def targets(self, behavior: Config) -> list[Config]:
        """The origins it may ask."""
        groups = {group["Id"]: group for group in _items(self.config.get("OriginGroups"))}
        target = behavior.get("TargetOriginId")
        members = _items(groups[target].get("Members")) if target in groups else [{"OriginId": target}]
        return [self.origins[each["OriginId"]] for each in members if each["OriginId"] in self.origins]


def findings(subject: Subject) -> list[Finding]:
    """What every rule finds, errors first."""
    found = [finding for rule in RULES for finding in rule(subject)]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def spa_page_masks_errors(subject: Subject) -> Iterator[Finding]:
    """Guide, "Custom error pages": they belong to the whole distribution, not to one cache behavior."""
    masked = [
        each["ErrorCode"]
        for each in _items(subject.config.get("CustomErrorResponses"))
        if str(each.get("ResponseCode", "")) == "200" and each["ErrorCode"] in (403, 404)
    ]
    apis = [where for where, behavior in subject.behaviors() if _writes(behavior) or "api" in where.lower()]
    if masked and apis:
        yield Finding(
            "spa-page-masks-errors",
            "error",
            "CustomErrorResponses",
            f"errors {', '.join(map(str, masked))} of {apis[0]} reach clients as 200 with the page of the site",
            "let a function rewrite the paths of the single-page application, and leave errors as they are",
        )


def cors_without_origin(subject: Subject) -> Iterator[Finding]:
    """Guide, "Cache content based on request headers", CORS."""
    for where, behavior in subject.behaviors():
        key = subject.key(behavior)
        forwarded = subject.origin_request_policies.get(behavior.get("OriginRequestPolicyId", ""), {})
        headers = {name.lower() for name in _items(forwarded.get("HeadersConfig", {}).get("Headers"))}
        if key is None or "origin" not in headers or behavior.get("ResponseHeadersPolicyId"):
            continue
        if "origin" not in _key_headers(key) and _is_caching(subject, behavior):
            yield Finding(
                "cors-without-origin",
                "error",
                where,
                "the origin is told the viewer's Origin, and its answer for one site is cached for all others",
                "put Origin into the cache policy, or let a response headers policy write the CORS fields",
            )


def all_cookies_in_key(subject: Subject) -> Iterator[Finding]:
    """Guide, "Cache content based on cookies"."""
    for where, behavior in subject.behaviors():
        key = subject.key(behavior) or {}
        legacy = behavior.get("ForwardedValues", {}).get("Cookies", {}).get("Forward")
        if key.get("CookiesConfig", {}).get("CookieBehavior") == "all" or legacy == "all":
            yield Finding(
                "all-cookies-in-key",
                "warning",
                where,
                "every cookie is in the cache key, those of analytics too: hardly two viewers share a response",
                "name the cookies that change the answer, or forward them by an origin request policy",
            )


def unique_header_in_key(subject: Subject) -> Iterator[Finding]:
    """Guide, "Cache content based on request headers": headers with many values."""
    for where, behavior in subject.behaviors():
        headers = _key_headers(subject.key(behavior) or {})
        headers |= {name.lower() for name in _items(behavior.get("ForwardedValues", {}).get("Headers"))}
        for name in sorted(headers & _UNIQUE_HEADERS):
            yield Finding(
                "unique-header-in-key",
                "warning",
                where,
                f"{name} differs from viewer to viewer and is in the cache key",
                "leave it out, or put a CloudFront-Is-... header into the key in its place",
            )


def all_headers_forwarded(subject: Subject) -> Iterator[Finding]:
    """Guide, "Cache content based on request headers": all headers means no caching."""
    for where, behavior in subject.behaviors():
        if "*" in _items(behavior.get("ForwardedValues", {}).get("Headers")):
            yield Finding(
                "all-headers-forwarded",
                "warning",
                where,
                "forwarding all headers turns caching off",
                "name the headers that change the answer, or say it with the policy CachingDisabled",
            )


def minimum_ttl_overrules(subject: Subject) -> Iterator[Finding]:
    """Guide, "Manage how long content stays in the cache": a minimum TTL above 0 outweighs no-store and private."""
    for where, behavior in subject.behaviors():
        policy = subject.cache_policies.get(behavior.get("CachePolicyId", ""), behavior)
        if int(policy.get("MinTTL") or 0) > LONG_MINIMUM:
            yield Finding(
                "minimum-ttl-overrules",
                "warning",
                where,
                f"a MinTTL of {policy['MinTTL']} s caches what the origin marks no-store or private",
                "set MinTTL to 0 or 1 and let the origin say how long",
            )


def authorization_in_key(subject: Subject) -> Iterator[Finding]:
    """Guide, "Configure caching based on the Authorization header"."""
    for where, behavior in subject.behaviors():
        key = subject.key(behavior)
        if key is not None and "authorization" in _key_headers(key) and _is_caching(subject, behavior):
            yield Finding(
                "authorization-in-key",
                "hint",
                where,
                "responses are cached for each value of Authorization: a response for each session",
                "use CachingDisabled with an origin request policy for what belongs to one user",
            )


def alias_without_certificate(subject: Subject) -> Iterator[Finding]:
    """Guide, "Use custom URLs by adding alternate domain names": a certificate has to cover them."""
    aliases = _items(subject.config.get("Aliases"))
    if aliases and subject.config.get("ViewerCertificate", {}).get("CloudFrontDefaultCertificate", True):
        yield Finding(
            "alias-without-certificate",
            "warning",
            "ViewerCertificate",
            f"no certificate covers {aliases[0]}: CloudFront refuses this, and here the local authority steps in",
            "name a certificate for all aliases before it serves the public",
        )


def certificate_of_other_region(subject: Subject) -> Iterator[Finding]:
    """Guide, "Requirements for using SSL/TLS certificates with CloudFront": the region is us-east-1."""
    arn = subject.config.get("ViewerCertificate", {}).get("ACMCertificateArn") or ""
    region = arn.split(":")[3] if arn.count(":") > 3 else CERTIFICATE_REGION
    if region != CERTIFICATE_REGION:
        yield Finding(
            "certificate-of-other-region",
            "warning",
            "ViewerCertificate",
            f"the certificate is of {region}: CloudFront itself takes only {CERTIFICATE_REGION}'s",
            f"request or import it in {CERTIFICATE_REGION}",
        )


def access_control_with_website(subject: Subject) -> Iterator[Finding]:
    """Guide, "Restrict access to an Amazon S3 origin": not for website endpoints."""
    for name, origin in subject.origins.items():
        if "s3-website" in origin["DomainName"] and origin.get("OriginAccessControlId"):
            yield Finding(
                "access-control-with-website",
                "error",
                f"Origins[{name}]",
                "a website endpoint of S3 takes no signed requests",
                "use the bucket's own domain name, bucket.s3.<region>.amazonaws.com",
            )


def bucket_without_access_control(subject: Subject) -> Iterator[Finding]:
    """Guide, "Restrict access to an Amazon S3 origin"."""
    for name, origin in subject.origins.items():
        identity = origin.get("S3OriginConfig", {}).get("OriginAccessIdentity")
        if "S3OriginConfig" in origin and not identity and not origin.get("OriginAccessControlId"):
            yield Finding(
                "bucket-without-access-control",
                "warning",
                f"Origins[{name}]",
                "requests to the bucket are not signed, so the bucket has to be open to everybody",
                "attach an origin access control and close the bucket",
            )


def host_sent_to_bucket(subject: Subject) -> Iterator[Finding]:
    """Guide, "Control origin requests with a policy": S3 takes the Host for the name of the bucket."""
    for where, behavior in subject.behaviors():
        policy = subject.origin_request_policies.get(behavior.get("OriginRequestPolicyId", ""), {})
        headers = policy.get("HeadersConfig", {})
        listed = {name.lower() for name in _items(headers.get("Headers"))}
        is_sent = headers.get("HeaderBehavior") in ("allViewer", "allViewerAndWhitelistCloudFront") or "host" in listed
        is_bucket = any("S3OriginConfig" in origin for origin in subject.targets(behavior))
        if headers.get("HeaderBehavior") != "allExcept" and is_sent and is_bucket:
            yield Finding(
                "host-sent-to-bucket",
                "error",
                where,
                "the viewer's Host reaches an S3 bucket, which finds no bucket of that name",
                "use AllViewerExceptHostHeader, or a policy that names what is needed",
            )


def writes_to_bucket(subject: Subject) -> Iterator[Finding]:
    """Guide, "Cache behavior settings", allowed HTTP methods."""
    for where, behavior in subject.behaviors():
        if _writes(behavior) and any("S3OriginConfig" in origin for origin in subject.targets(behavior)):
            yield Finding(
                "writes-to-bucket",
                "warning",
                where,
                "viewers may PUT and DELETE, and the origin is a bucket",
                "allow GET, HEAD and OPTIONS, unless viewers are meant to write into the bucket",
            )


def viewers_in_clear(subject: Subject) -> Iterator[Finding]:
    """Guide, "Require HTTPS for communication between viewers and CloudFront"."""
    for where, behavior in subject.behaviors():
        if behavior.get("ViewerProtocolPolicy") == "allow-all":
            yield Finding(
                "viewers-in-clear",
                "hint",
                where,
                "viewers are served over http as well",
                "set ViewerProtocolPolicy to redirect-to-https",
            )


def origin_in_clear(subject: Subject) -> Iterator[Finding]:
    """Guide, "Require HTTPS for communication between CloudFront and your custom origin"."""
    for name, origin in subject.origins.items():
        custom = origin.get("CustomOriginConfig", {})
        is_private = "." not in origin["DomainName"] or origin["DomainName"].endswith((".internal", ".localhost"))
        if custom.get("OriginProtocolPolicy") == "http-only" and not is_private:
            is_website = "s3-website" in origin["DomainName"]
            yield Finding(
                "origin-in-clear",
                "hint" if is_website else "warning",
                f"Origins[{name}]",
                "requests travel to the origin without TLS, cookies and credentials included",
                "use the bucket's own domain name" if is_website else "set OriginProtocolPolicy to https-only",
            )


def grpc_in_clear(subject: Subject) -> Iterator[Finding]:
    """Guide, "Using gRPC with CloudFront distributions"."""
    for where, behavior in subject.behaviors():
        is_grpc = behavior.get("GrpcConfig", {}).get("Enabled")
        for origin in subject.targets(behavior)[:1] if is_grpc else ():
            if origin.get("CustomOriginConfig", {}).get("OriginProtocolPolicy", "http-only") == "http-only":
                yield Finding(
                    "grpc-in-clear",
                    "error",
                    f"{where}.GrpcConfig",
                    f"gRPC goes over HTTPS alone, and {origin['Id']} is asked in clear: every call fails",
                    "set OriginProtocolPolicy to https-only or match-viewer",
                )


def old_tls_to_origin(subject: Subject) -> Iterator[Finding]:
    """RFC 8996."""
    for name, origin in subject.origins.items():
        old = [each for each in _items(origin.get("CustomOriginConfig", {}).get("OriginSslProtocols")) if each in _OLD]
        if old:
            yield Finding(
                "old-tls-to-origin",
                "hint",
                f"Origins[{name}]",
                f"{', '.join(old)} may be spoken with the origin; this edge speaks TLS 1.2 and 1.3 alone",
                "list TLSv1.2",
            )


def old_tls_to_viewers(subject: Subject) -> Iterator[Finding]:
    """Guide, "Supported protocols and ciphers between viewers and CloudFront"."""
    certificate = subject.config.get("ViewerCertificate", {})
    policy = certificate.get("MinimumProtocolVersion", "TLSv1")
    is_own = certificate.get("ACMCertificateArn") or certificate.get("IAMCertificateId")
    if is_own and policy in _OLD_POLICIES:
        yield Finding(
            "old-tls-to-viewers",
            "warning",
            "ViewerCertificate",
            f"{policy} allows ciphers that are broken or not forward secret at CloudFront, and none of them here: "
            "viewers who have nothing else are turned away",
            "set MinimumProtocolVersion to TLSv1.2_2021 or newer",
        )


def errors_kept_long(subject: Subject) -> Iterator[Finding]:
    """Guide, "How CloudFront caches errors"."""
    for each in _items(subject.config.get("CustomErrorResponses")):
        if each["ErrorCode"] >= FIRST_SERVER_ERROR and int(each.get("ErrorCachingMinTTL", 10)) > LONG_ERROR:
            yield Finding(
                "errors-kept-long",
                "warning",
                f"CustomErrorResponses[{each['ErrorCode']}]",
                f"viewers see the error for {each['ErrorCachingMinTTL']} s after the origin is well again",
                "set ErrorCachingMinTTL to ten seconds or so",
            )


def no_root_object(subject: Subject) -> Iterator[Finding]:
    """Guide, "Specify a default root object"."""
    default = subject.config.get("DefaultCacheBehavior", {})
    is_bucket = any("S3OriginConfig" in origin for origin in subject.targets(default))
    if is_bucket and not subject.config.get("DefaultRootObject"):
        yield Finding(
            "no-root-object",
            "hint",
            "DefaultRootObject",
            "a request for / lists the bucket, or is refused by it",
            "set DefaultRootObject, to index.html for most sites",
        )


def compression_without_codings(subject: Subject) -> Iterator[Finding]:
    """Guide, "Serve compressed files": it takes Compress and a cache policy with gzip or Brotli."""
    for where, behavior in subject.behaviors():
        key = subject.key(behavior)
        if key is None or not _is_caching(subject, behavior):
            continue
        has_codings = key.get("EnableAcceptEncodingGzip") or key.get("EnableAcceptEncodingBrotli")
        if bool(behavior.get("Compress")) != bool(has_codings):
            yield Finding(
                "compression-without-codings",
                "warning" if behavior.get("Compress") else "hint",
                where,
                "Compress has no effect: the cache policy has neither gzip nor Brotli"
                if behavior.get("Compress")
                else "the cache policy has gzip or Brotli in the key, and Compress is off",
                "turn both on",
            )


def unreachable_behavior(subject: Subject) -> Iterator[Finding]:
    """Guide, "Cache behavior settings", path pattern: the first that matches is used."""
    earlier: list[str] = []
    for behavior in _items(subject.config.get("CacheBehaviors")):
        pattern = behavior["PathPattern"]
        shadow = next((each for each in earlier if _covers(each, pattern)), None)
        if shadow is not None:
            yield Finding(
                "unreachable-behavior",
                "error",
                f"CacheBehaviors[{pattern}]",
                f"every path it matches is taken by {shadow}, which stands before it",
                "move it to the front, or remove it",
            )
        earlier.append(pattern)


def unused_origin(subject: Subject) -> Iterator[Finding]:
    """No source but sense: an origin that nothing asks."""
    used = {origin["Id"] for _, behavior in subject.behaviors() for origin in subject.targets(behavior)}
    for name in subject.origins:
        if name not in used:
            yield Finding(
                "unused-origin",
                "hint",
                f"Origins[{name}]",
                "no cache behavior asks this origin",
                "remove it, or use it",
            )


def signers_by_account(subject: Subject) -> Iterator[Finding]:
    """Guide, "Specify signers": key groups are recommended over accounts."""
    for where, behavior in subject.behaviors():
        if behavior.get("TrustedSigners", {}).get("Enabled"):
            yield Finding(
                "signers-by-account",
                "warning",
                where,
                "signed URLs are checked against key pairs of an account, which need its root user",
                "use a trusted key group",
            )


def failover_to_itself(subject: Subject) -> Iterator[Finding]:
    """Guide, "Optimize high availability with CloudFront origin failover"."""
    for group in _items(subject.config.get("OriginGroups")):
        names = [each["OriginId"] for each in _items(group.get("Members"))]
        domains = {subject.origins[name]["DomainName"] for name in names if name in subject.origins}
        if len(names) > 1 and len(domains) == 1:
            yield Finding(
                "failover-to-itself",
                "warning",
                f"OriginGroups[{group['Id']}]",
                "both origins have one domain name: they fail together",
                "let the second one be another server or region",
            )


def _items(container: Any) -> list[Any]:
    return list(container.get("Items") or []) if isinstance(container, Mapping) else []


def _key_headers(key: Config) -> set[str]:
    return {name.lower() for name in _items(key.get("HeadersConfig", {}).get("Headers"))}


def _is_caching(subject: Subject, behavior: Config) -> bool:
    policy = subject.cache_policies.get(behavior.get("CachePolicyId", ""), behavior)
    return int(policy.get("MaxTTL") or 0) > 0


def _writes(behavior: Config) -> bool:
    return bool({"PUT", "POST", "DELETE", "PATCH"} & set(_items(behavior.get("AllowedMethods"))))


def _covers(pattern: str, other: str) -> bool:
    """Whether every path that `other` matches is matched by `pattern`: `*` and `?` of it stand for themselves."""
    literal = pattern.replace("[", "[[]").lstrip("/")
    return fnmatchcase(other.lstrip("/"), literal)


SEVERITIES: tuple[Severity, ...] = ("error", "warning", "hint")
LONG_MINIMUM = 60
LONG_ERROR = 60
"""Seconds."""
FIRST_SERVER_ERROR = 500
_UNIQUE_HEADERS = {"user-agent", "cookie", "referer", "x-forwarded-for", "x-request-id", "traceparent", "date"}
_OLD_POLICIES = ("SSLv3", "TLSv1", "TLSv1_2016", "TLSv1.1_2016", "TLSv1.2_2018", "TLSv1.2_2019")
_OLD = ("SSLv3", "TLSv1", "TLSv1.1")
CERTIFICATE_REGION = "us-east-1"
RULES: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    spa_page_masks_errors,
    cors_without_origin,
    all_cookies_in_key,
    unique_header_in_key,
    all_headers_forwarded,
    minimum_ttl_overrules,
    authorization_in_key,
    alias_without_certificate,
    certificate_of_other_region,
    access_control_with_website,
    bucket_without_access_control,
    host_sent_to_bucket,
    writes_to_bucket,
    viewers_in_clear,
    origin_in_clear,
    grpc_in_clear,
    old_tls_to_origin,
    old_tls_to_viewers,
    errors_kept_long,
    no_root_object,
    compression_without_codings,
    unreachable_behavior,
    unused_origin,
    signers_by_account,
    failover_to_itself,
)
