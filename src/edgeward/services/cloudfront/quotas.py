"""The quotas of CloudFront and of its key value stores.

Names and numbers: Developer Guide, "Quotas"; `also`: AWS General Reference, "Amazon CloudFront endpoints and quotas".
What the page says of viewers' requests (lengths, rates, sizes of content) is the edge's, and no quota of an account.
"""

from functools import partial

from edgeward.aws.quotas import ServiceQuota

PAGE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html"

_general = partial(ServiceQuota, service="cloudfront", section="General quotas")
_distribution = partial(ServiceQuota, service="cloudfront", section="General quotas on distributions")
_policy = partial(ServiceQuota, service="cloudfront", section="General quotas on policies")
_trust = partial(ServiceQuota, service="cloudfront", section="Quotas on mTLS and trust stores")
_function = partial(ServiceQuota, service="cloudfront", section="Quotas on CloudFront Functions")
_connection_function = partial(ServiceQuota, service="cloudfront", section="Quotas on Connection Functions")
_store = partial(ServiceQuota, service="cloudfront", section="Quotas on key value stores")
_invalidation = partial(ServiceQuota, service="cloudfront", section="Quotas on invalidations")
_key_group = partial(ServiceQuota, service="cloudfront", section="Quotas on key groups")
_encryption = partial(ServiceQuota, service="cloudfront", section="Quotas on field-level encryption")
_cookies = partial(ServiceQuota, service="cloudfront", section="Quotas on cookies (legacy cache settings)")
_query_strings = partial(ServiceQuota, service="cloudfront", section="Quotas on query strings (legacy cache settings)")
_headers = partial(ServiceQuota, service="cloudfront", section="Quotas on headers")
_tenant = partial(ServiceQuota, service="cloudfront", section="Quotas on multi-tenant distributions")

TAGS = _general(name="Tags that can be added to a distribution", default=50, highest=1_000, error="InvalidTagging")
"""Of every resource that can have tags."""
REALTIME_LOG_CONFIGS = _general(
    name="Maximum number of real-time access log delivery configurations per AWS account",
    default=150,
    error="TooManyRealtimeLogConfigs",
)

ALIASES = _distribution(
    name="Alternate domain names (CNAMEs) per distribution", default=100, error="TooManyDistributionCNAMEs"
)
CACHE_BEHAVIORS = _distribution(name="Cache behaviors per distribution", default=75, error="TooManyCacheBehaviors")
"""Counted without the default cache behavior; the guide does not say whether it counts."""
RESPONSE_TIMEOUT = _distribution(
    name="Response timeout per origin",
    default=120,
    unit="seconds",
    lowest=30,
    highest=3_600,
    error="InvalidOriginReadTimeout",
)
"""Never less than what CloudFront fills in."""
KEEP_ALIVE_TIMEOUT = _distribution(
    name="Keep-alive timeout per origin",
    default=120,
    unit="seconds",
    lowest=5,
    highest=3_600,
    error="InvalidOriginKeepaliveTimeout",
)
DISTRIBUTIONS = _distribution(
    name="Distributions per AWS account",
    also="Web distributions per AWS account",
    default=500,
    error="TooManyDistributions",
)
DISTRIBUTIONS_PER_ORIGIN_ACCESS_CONTROL = _distribution(
    name="Distributions per origin access control",
    default=100,
    error="TooManyDistributionsAssociatedToOriginAccessControl",
)
ORIGIN_ACCESS_CONTROLS = _distribution(
    name="Origin access controls per AWS account", default=100, error="TooManyOriginAccessControls"
)
ORIGIN_ACCESS_IDENTITIES = _distribution(
    name="Origin access identities per AWS account",
    also="Origin access identities per account",
    default=100,
    error="TooManyCloudFrontOriginAccessIdentities",
)
ORIGINS = _distribution(name="Origins per distribution", default=100, error="TooManyOrigins")
ORIGIN_GROUPS = _distribution(
    name="Origin groups per distribution", default=10, error="TooManyOriginGroupsPerDistribution"
)
STAGING_DISTRIBUTIONS = _distribution(
    name="Staging distributions per AWS account", default=20, error="TooManyDistributions"
)
STREAMING_DISTRIBUTIONS = _distribution(
    name="RTMP distributions per AWS account", default=100, error="TooManyStreamingDistributions"
)
"""As the page had it while there were some."""
VPC_ORIGINS = _distribution(name="VPC origins per AWS account", default=25, error="EntityLimitExceeded")

CACHE_POLICIES = _policy(
    name="Custom cache policies per AWS account",
    also="Cache policies per AWS account",
    default=20,
    error="TooManyCachePolicies",
)
DISTRIBUTIONS_PER_CACHE_POLICY = _policy(
    name="Distributions associated with the same cache policy",
    default=100,
    error="TooManyDistributionsAssociatedToCachePolicy",
)
CACHE_POLICY_QUERY_STRINGS = _policy(
    name="Query strings per cache policy", default=10, error="TooManyQueryStringsInCachePolicy"
)
CACHE_POLICY_HEADERS = _policy(name="Headers per cache policy", default=10, error="TooManyHeadersInCachePolicy")
CACHE_POLICY_COOKIES = _policy(name="Cookies per cache policy", default=10, error="TooManyCookiesInCachePolicy")
CACHE_POLICY_NAMES_LENGTH = _policy(
    name="Total combined length of all query string, header, and cookie names in a cache policy",
    default=1_024,
    unit="characters",
    highest=16_384,
    error="InvalidArgument",
)
ORIGIN_REQUEST_POLICIES = _policy(
    name="Custom origin request policies per AWS account",
    also="Origin request policies per AWS account",
    default=20,
    error="TooManyOriginRequestPolicies",
)
DISTRIBUTIONS_PER_ORIGIN_REQUEST_POLICY = _policy(
    name="Distributions associated with the same origin request policy",
    default=100,
    error="TooManyDistributionsAssociatedToOriginRequestPolicy",
)
ORIGIN_REQUEST_POLICY_QUERY_STRINGS = _policy(
    name="Query strings per origin request policy", default=10, error="TooManyQueryStringsInOriginRequestPolicy"
)
ORIGIN_REQUEST_POLICY_HEADERS = _policy(
    name="Headers per origin request policy", default=10, error="TooManyHeadersInOriginRequestPolicy"
)
ORIGIN_REQUEST_POLICY_COOKIES = _policy(
    name="Cookies per origin request policy", default=10, error="TooManyCookiesInOriginRequestPolicy"
)
ORIGIN_REQUEST_POLICY_NAMES_LENGTH = _policy(
    name="Total combined length of all query string, header, and cookie names in an origin request policy",
    default=1_024,
    unit="characters",
    highest=16_384,
    error="InvalidArgument",
)
RESPONSE_HEADERS_POLICIES = _policy(
    name="Custom response headers policies per AWS account",
    also="Response headers policies per AWS account",
    default=20,
    error="TooManyResponseHeadersPolicies",
)
DISTRIBUTIONS_PER_RESPONSE_HEADERS_POLICY = _policy(
    name="Distributions associated with the same response headers policy",
    default=100,
    error="TooManyDistributionsAssociatedToResponseHeadersPolicy",
)
RESPONSE_HEADERS_POLICY_HEADERS = _policy(
    name="Custom headers per response headers policy",
    also="Custom headers: maximum number of custom headers that you can add to a response headers policy",
    default=10,
    error="TooManyCustomHeadersInResponseHeadersPolicy",
)
CONTINUOUS_DEPLOYMENT_POLICIES = _policy(
    name="Continuous deployment policies per AWS account", default=20, error="TooManyContinuousDeploymentPolicies"
)

DISTRIBUTIONS_PER_TRUST_STORE = _trust(name="Distributions per trust store", default=25, error="InvalidArgument")
"""No error of CreateDistribution is for it."""
TRUST_STORES = _trust(name="Trust stores per AWS account", default=20, error="EntityLimitExceeded")

FUNCTIONS = _function(name="Functions per AWS account", default=100, error="TooManyFunctions")
FUNCTION_SIZE = _function(
    name="Maximum function size", default=10_240, unit="bytes", highest=40_960, error="FunctionSizeLimitExceeded"
)
DISTRIBUTIONS_PER_FUNCTION = _function(
    name="Distributions associated with the same function",
    default=100,
    error="TooManyDistributionsWithSingleFunctionARN",
)

CONNECTION_FUNCTIONS = _connection_function(
    name="Connection Functions per AWS account", default=100, error="EntityLimitExceeded"
)
CONNECTION_FUNCTION_SIZE = _connection_function(
    name="Maximum Connection Function size",
    default=10_240,
    unit="bytes",
    highest=40_960,
    error="EntitySizeLimitExceeded",
)

KEY_BYTES = _store(
    name="Maximum size of a key in a key-value pair",
    default=512,
    unit="bytes",
    lowest=1,
    highest=1_024,
    error="ValidationException",
)
VALUE_BYTES = _store(
    name="Maximum size of the value in a key-value pair",
    default=1_024,
    unit="bytes",
    highest=1_048_576,
    error="ValidationException",
)
UPDATE_KEYS = _store(
    name="Maximum key values pairs that you can update in a single API request",
    default=50,
    lowest=1,
    error="ValidationException",
)
UPDATE_BYTES = _store(
    name="Maximum payload of a single API request that updates key values pairs",
    default=3 * 1_024 * 1_024,
    unit="bytes",
    lowest=1,
    highest=7 * 1_024 * 1_024,
    error="ValidationException",
)
"""The page has it in the line of the number of pairs."""
STORE_BYTES = _store(
    name="Maximum size of an individual key value store",
    default=5 * 1_024 * 1_024,
    unit="bytes",
    highest=64 * 1_024 * 1_024,
    error="ServiceQuotaExceededException",
)
FUNCTIONS_PER_STORE = _store(
    name="Maximum number of functions that a single key value store can be associated with",
    default=10,
    error="InvalidArgument",
)
STORES_PER_FUNCTION = _store(
    name="Maximum number of key value stores per function", default=1, highest=1, error="InvalidArgument"
)
"""The runtime of functions opens one."""
KEY_VALUE_STORES = _store(
    name="Maximum number of key value stores per account", default=50, error="EntityLimitExceeded"
)

INVALIDATION_PATHS = _invalidation(
    name="File invalidation: maximum number of files allowed in active invalidation requests, excluding wildcard "
    "invalidations",
    default=3_000,
    lowest=1,
    highest=100_000,
    error="TooManyInvalidationsInProgress",
)
"""Of a distribution, and so also of one batch."""
INVALIDATION_WILDCARDS = _invalidation(
    name="File invalidation: maximum number of active wildcard invalidations allowed",
    default=15,
    highest=100_000,
    error="TooManyInvalidationsInProgress",
)

KEYS_PER_GROUP = _key_group(
    name="Public keys in a single key group", default=5, lowest=1, error="TooManyPublicKeysInKeyGroup"
)
KEY_GROUPS_PER_BEHAVIOR = _key_group(
    name="Key groups associated with a single cache behavior",
    default=4,
    error="TooManyKeyGroupsAssociatedToDistribution",
)
KEY_GROUPS = _key_group(name="Key groups per AWS account", default=10, error="TooManyKeyGroups")
DISTRIBUTIONS_PER_KEY_GROUP = _key_group(
    name="Distributions associated with a single key group",
    default=100,
    error="TooManyDistributionsAssociatedToKeyGroup",
)

ENCRYPTION_CONFIGS = _encryption(
    name="Maximum number of field-level encryption configurations that can be associated with one AWS account",
    default=10,
    error="TooManyFieldLevelEncryptionConfigs",
)
ENCRYPTION_PROFILES = _encryption(
    name="Maximum number of field-level encryption profiles that can be associated with one AWS account",
    default=10,
    error="TooManyFieldLevelEncryptionProfiles",
)
PUBLIC_KEYS = _encryption(
    name="Maximum number of public keys that can be added to one AWS account", default=10, error="TooManyPublicKeys"
)
ENCRYPTED_FIELDS = _encryption(
    name="Maximum number of fields to encrypt that can be specified in one profile",
    default=10,
    lowest=1,
    error="TooManyFieldLevelEncryptionFieldPatterns",
)
DISTRIBUTIONS_PER_ENCRYPTION_CONFIG = _encryption(
    name="Maximum number of CloudFront distributions that can be associated with a field-level encryption "
    "configuration",
    default=20,
    error="TooManyDistributionsAssociatedToFieldLevelEncryptionConfig",
)
QUERY_ARGUMENT_PROFILES = _encryption(
    name="Maximum number of query argument profile mappings that can be included in a field-level encryption "
    "configuration",
    default=5,
    error="TooManyFieldLevelEncryptionQueryArgProfiles",
)

FORWARDED_COOKIES = _cookies(
    name="Cookies per cache behavior",
    also="Whitelisted cookies per cache behavior",
    default=10,
    error="TooManyCookieNamesInWhiteList",
)
FORWARDED_QUERY_STRINGS = _query_strings(
    name="Query strings per cache behavior",
    also="Whitelisted query strings per cache behavior",
    default=10,
    error="TooManyQueryStringParameters",
)
FORWARDED_HEADERS = _headers(
    name="Headers per cache behavior (legacy cache settings)",
    also="Whitelisted headers per cache behavior",
    default=10,
    error="TooManyHeadersInForwardedValues",
)
ORIGIN_CUSTOM_HEADERS = _headers(
    name="Custom headers: maximum number of custom headers that you can configure CloudFront to add to origin requests",
    default=30,
    error="TooManyOriginCustomHeaders",
)
CUSTOM_HEADER_NAME_LENGTH = _headers(
    name="Custom headers: maximum length of a header name",
    default=256,
    unit="characters",
    lowest=1,
    highest=4_096,
    error="InvalidArgument",
)
CUSTOM_HEADER_VALUE_LENGTH = _headers(
    name="Custom headers: maximum length of a header value",
    default=1_783,
    unit="characters",
    highest=10_240,
    error="InvalidArgument",
)
CUSTOM_HEADERS_LENGTH = _headers(
    name="Custom headers: maximum length of all header values and names combined",
    default=10_240,
    unit="characters",
    highest=16_384,
    error="InvalidArgument",
)
"""Of all custom headers of one origin."""
CONTENT_SECURITY_POLICY_LENGTH = _headers(
    name="Maximum length of the Content-Security-Policy header value",
    default=1_783,
    unit="characters",
    highest=10_240,
    error="TooLongCSPInResponseHeadersPolicy",
)

TENANTS = _tenant(
    name="Maximum number of distribution tenants per AWS account", default=10_000, error="EntityLimitExceeded"
)
MULTI_TENANT_DISTRIBUTIONS = _tenant(
    name="Maximum number of multi-tenant distributions per AWS account", default=20, error="EntityLimitExceeded"
)
CONNECTION_GROUPS = _tenant(
    name="Maximum number of connection groups per AWS account", default=100, error="EntityLimitExceeded"
)
TENANT_DOMAINS = _tenant(
    name="Maximum number of aliases per distribution tenant", default=100, lowest=1, error="InvalidArgument"
)
TENANT_PARAMETERS = _tenant(
    name="Maximum number of parameters per distribution tenant", default=5, error="InvalidArgument"
)

ALL = tuple(each for each in globals().copy().values() if isinstance(each, ServiceQuota))
"""In the order of the page."""
