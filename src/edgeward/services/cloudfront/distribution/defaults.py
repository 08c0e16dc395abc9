"""The members of a DistributionConfig that CloudFront fills in when the caller leaves them out.

CreateDistribution, UpdateDistribution and every Get answer with the filled config. What the caller sent
stays as it is, items in their order; filling a filled config changes nothing. Called by the distribution
family before it checks and stores a config, and by the compiler, so that a config stored before a default
existed still has it.
"""

from edgeward.aws.model import Shape, copy_of
from edgeward.services.cloudfront.distribution.fields import items_of


def fill_defaults(config: Shape) -> Shape:
    """A new DistributionConfig: `config` and, where it is silent, what CloudFront answers."""
    filled: Shape = copy_of(config)
    _fill(filled, _DISTRIBUTION)
    _fill_viewer_certificate(filled["ViewerCertificate"])
    _fill_viewer_mtls(filled.get("ViewerMtlsConfig"))
    for origin in items_of(filled.get("Origins")):
        _fill_origin(origin)
    for behavior in (filled.get("DefaultCacheBehavior"), *items_of(filled["CacheBehaviors"])):
        if behavior is not None:
            _fill_behavior(behavior)
    return filled


def _fill(shape: Shape, defaults: Shape) -> None:
    """Adds what is missing, at every level; a member that is there is never replaced.

    A Quantity/Items container is one value: items of a default never mix with those of the caller.
    """
    for name, default in defaults.items():
        if name not in shape:
            shape[name] = copy_of(default)
        elif isinstance(default, dict) and "Quantity" not in default:
            _fill(shape[name], default)


def _fill_viewer_certificate(certificate: Shape) -> None:
    if not (certificate.get("ACMCertificateArn") or certificate.get("IAMCertificateId")):
        certificate.setdefault("CloudFrontDefaultCertificate", True)
    elif not certificate.get("CloudFrontDefaultCertificate"):
        _fill(certificate, _OWN_CERTIFICATE)
    if certificate.get("CloudFrontDefaultCertificate"):
        _fill(certificate, _DEFAULT_CERTIFICATE)


def _fill_viewer_mtls(asked: Shape | None) -> None:
    if asked:
        _fill(asked, {"Mode": "required"})
        if asked.get("TrustStoreConfig"):
            _fill(asked["TrustStoreConfig"], _TRUST_STORE)


def _fill_origin(origin: Shape) -> None:
    _fill(origin, _ORIGIN)
    if "S3OriginConfig" in origin:
        _fill(origin["S3OriginConfig"], _S3_ORIGIN)
    if "CustomOriginConfig" in origin:
        _fill(origin["CustomOriginConfig"], _CUSTOM_ORIGIN)


def _fill_behavior(behavior: Shape) -> None:
    _fill(behavior, _BEHAVIOR)
    _fill(behavior["AllowedMethods"], {"CachedMethods": _GET_AND_HEAD})
    if "ForwardedValues" in behavior:
        _fill(behavior["ForwardedValues"], _FORWARDED_VALUES)
        _fill(behavior, _legacy_ttls(behavior))


def _legacy_ttls(behavior: Shape) -> Shape:
    """A longer MinTTL lifts the default of DefaultTTL, and that lifts the default of MaxTTL."""
    minimum = behavior.get("MinTTL", 0)
    default = behavior.get("DefaultTTL", max(DEFAULT_TTL, minimum))
    return {"MinTTL": minimum, "DefaultTTL": default, "MaxTTL": max(MAX_TTL, default)}


DEFAULT_TTL = 86_400
"""Seconds, where neither the policy nor the origin says how long."""
MAX_TTL = 31_536_000
"""Seconds, the longest a response is fresh where the policy does not say."""
ERROR_CACHING_MIN_TTL = 10
"""Seconds for which an error is kept at least (Developer Guide, "How CloudFront caches errors")."""

_EMPTY: Shape = {"Quantity": 0}

_DISTRIBUTION: Shape = {
    "Aliases": _EMPTY,
    "DefaultRootObject": "",
    "OriginGroups": _EMPTY,
    "CacheBehaviors": _EMPTY,
    "CustomErrorResponses": _EMPTY,
    "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
    "PriceClass": "PriceClass_All",
    "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
    "ViewerCertificate": {},
    "WebACLId": "",
    "HttpVersion": "http2",
    "IsIPV6Enabled": True,
    "ContinuousDeploymentPolicyId": "",
    "Staging": False,
}

# With CloudFront's own certificate the answer always shows these two, and they mean nothing.
_DEFAULT_CERTIFICATE: Shape = {
    "SSLSupportMethod": "vip",
    "MinimumProtocolVersion": "TLSv1",
    "CertificateSource": "cloudfront",
}

# The policy of a caller who names none is common knowledge; the guide does not say.
_OWN_CERTIFICATE: Shape = {"CloudFrontDefaultCertificate": False, "MinimumProtocolVersion": "TLSv1"}

_TRUST_STORE: Shape = {"AdvertiseTrustStoreCaNames": False, "IgnoreCertificateExpiry": False}

_ORIGIN: Shape = {
    "OriginPath": "",
    "CustomHeaders": _EMPTY,
    "ConnectionAttempts": 3,
    "ConnectionTimeout": 10,
    "OriginShield": {"Enabled": False},
    "OriginAccessControlId": "",
}

_S3_ORIGIN: Shape = {"OriginAccessIdentity": "", "OriginReadTimeout": 30}

# The default protocols are common knowledge; the guide does not list them.
_CUSTOM_ORIGIN: Shape = {
    "OriginSslProtocols": {"Quantity": 3, "Items": ["TLSv1", "TLSv1.1", "TLSv1.2"]},
    "OriginReadTimeout": 30,
    "OriginKeepaliveTimeout": 5,
    "IpAddressType": "ipv4",
}

_GET_AND_HEAD: Shape = {"Quantity": 2, "Items": ["HEAD", "GET"]}

_BEHAVIOR: Shape = {
    "TrustedSigners": {"Enabled": False, "Quantity": 0},
    "TrustedKeyGroups": {"Enabled": False, "Quantity": 0},
    "AllowedMethods": _GET_AND_HEAD,
    "SmoothStreaming": False,
    "Compress": False,
    "LambdaFunctionAssociations": _EMPTY,
    "FunctionAssociations": _EMPTY,
    "FieldLevelEncryptionId": "",
    "GrpcConfig": {"Enabled": False},
}

_FORWARDED_VALUES: Shape = {"Headers": _EMPTY, "QueryStringCacheKeys": _EMPTY}
