"""What shows that the edge does what a member or an operation says: scenarios and tests, by name.

A name is a scenario (`cache/fresh-hit`, a file below tests/scenarios), a test of Python (`tests/....py::test_...`) or
one of Rust (`crates/....rs::name`). A test checks that each is there, that a scenario sets the member it stands for,
and that nothing is called enforced without one. Read by `coverage`.
"""

from collections.abc import Mapping, Sequence

_OF_BEHAVIORS: Mapping[str, Sequence[str]] = {
    "TargetOriginId": ("behaviors/path-first-match",),
    "ViewerProtocolPolicy": ("behaviors/https-only", "behaviors/redirect-to-https"),
    "AllowedMethods.Items[]": ("behaviors/methods-not-allowed", "cache/options-has-its-own-key"),
    "AllowedMethods.CachedMethods.Items[]": ("cache/options-has-its-own-key", "cache/options-is-not-cached"),
    "Compress": ("compression/codings", "compression/not-asked-for"),
    "CachePolicyId": ("behaviors/own-cache-policy",),
    "ForwardedValues.QueryString": ("forwarding/legacy",),
    "ForwardedValues.QueryStringCacheKeys.Items[]": ("forwarding/legacy",),
    "ForwardedValues.Cookies.Forward": ("forwarding/legacy",),
    "ForwardedValues.Cookies.WhitelistedNames.Items[]": ("forwarding/legacy",),
    "ForwardedValues.Headers.Items[]": ("forwarding/legacy-listed", "forwarding/legacy-all-headers"),
    "MinTTL": ("tests/unit/compiler/test_forwarded_values.py::test_what_is_listed_is_in_the_key",),
    "DefaultTTL": ("tests/unit/compiler/test_forwarded_values.py::test_what_is_listed_is_in_the_key",),
    "MaxTTL": ("tests/unit/compiler/test_forwarded_values.py::test_what_is_listed_is_in_the_key",),
    "OriginRequestPolicyId": ("forwarding/cookies-and-query",),
    "ResponseHeadersPolicyId": ("response-headers/cors", "response-headers/remove"),
    "GrpcConfig.Enabled": ("tests/clients/test_grpc.py::test_both_stream_and_wait_for_each_other",),
}
"""By member of a cache behavior, with a path pattern or the default one: the edge knows one kind."""

MEMBERS: Mapping[str, Sequence[str]] = {
    "Aliases.Items[]": ("behaviors/alias", "behaviors/alias-most-specific"),
    "CustomErrorResponses.Items[].ErrorCode": ("errors/page",),
    "CustomErrorResponses.Items[].ResponsePagePath": ("errors/page",),
    "CustomErrorResponses.Items[].ResponseCode": ("errors/page",),
    "CustomErrorResponses.Items[].ErrorCachingMinTTL": ("errors/minimum", "errors/not-kept"),
    "CacheTagConfig.HeaderName": ("api/invalidate-tag",),
    "DefaultRootObject": ("behaviors/default-root-object",),
    "Restrictions.GeoRestriction": ("behaviors/geo-restriction",),
    "ViewerCertificate.CloudFrontDefaultCertificate": ("tls/default-certificate", "tls/alias-certificate"),
    "ViewerCertificate.ACMCertificateArn": (
        "tests/clients/test_certificates.py::test_viewers_are_shown_the_certificate_that_the_distribution_names",
    ),
    "ViewerCertificate.IAMCertificateId": (
        "tests/unit/services/iam/test_server_certificates.py::test_a_distribution_shows_one_and_holds_it",
    ),
    "ViewerCertificate.MinimumProtocolVersion": ("tls/policy-tls12", "tls/policy-tls13-only"),
    "ViewerMtlsConfig.Mode": ("tls/mtls-required", "tls/mtls-optional", "tls/mtls-passthrough"),
    "ViewerMtlsConfig.TrustStoreConfig.TrustStoreId": ("tls/mtls-required", "tls/mtls-intermediate-trusted"),
    "ViewerMtlsConfig.TrustStoreConfig.AdvertiseTrustStoreCaNames": (
        "tests/clients/test_viewer_certificates.py::test_openssl_learns_the_authorities_and_takes_up_its_session",
    ),
    "ViewerMtlsConfig.TrustStoreConfig.IgnoreCertificateExpiry": (
        "tls/mtls-ignore-expiry",
        "tls/mtls-expires-with-time",
    ),
    "HttpVersion": ("http3/requests", "http3/alt-svc"),
    "Enabled": ("api/disabled",),
    "Origins.Items[].Id": ("behaviors/path-first-match",),
    "Origins.Items[].DomainName": ("behaviors/path-first-match",),
    "Origins.Items[].OriginPath": ("origins/path-prefix",),
    "Origins.Items[].CustomHeaders.Items[].HeaderName": ("origins/custom-headers",),
    "Origins.Items[].CustomHeaders.Items[].HeaderValue": ("origins/custom-headers",),
    "Origins.Items[].S3OriginConfig.OriginReadTimeout": (
        "tests/unit/compiler/test_compiler.py::test_a_distribution_is_compiled_in_full",
    ),
    "Origins.Items[].CustomOriginConfig.HTTPPort": ("origins/match-viewer",),
    "Origins.Items[].CustomOriginConfig.HTTPSPort": ("origins/match-viewer",),
    "Origins.Items[].CustomOriginConfig.OriginProtocolPolicy": ("origins/match-viewer", "origins/tls-trusted"),
    "Origins.Items[].CustomOriginConfig.OriginReadTimeout": ("slow/origin-never-answers", "slow/content-stalls"),
    "Origins.Items[].CustomOriginConfig.OriginKeepaliveTimeout": (
        "crates/net/tests/net/origins.rs::an_idle_connection_is_closed_after_the_keepalive_timeout",
    ),
    "Origins.Items[].CustomOriginConfig.IpAddressType": ("origins/ip-address-type", "origins/ip-address-type-ipv6"),
    "Origins.Items[].CustomOriginConfig.OriginMtlsConfig.ClientCertificateArn": (
        "origins/mutual-tls",
        "origins/mutual-tls-replaced",
    ),
    "Origins.Items[].ResponseCompletionTimeout": ("slow/completion-timeout", "slow/completion-timeout-of-retries"),
    "Origins.Items[].OriginAccessControlId": ("origins/s3-signed",),
    "Origins.Items[].ConnectionAttempts": ("explain/retries",),
    "Origins.Items[].ConnectionTimeout": ("slow/origin-unreachable",),
    "OriginGroups.Items[].Id": ("origins/group-listed-status",),
    "OriginGroups.Items[].FailoverCriteria.StatusCodes.Items[]": (
        "origins/group-listed-status",
        "origins/group-other-status",
    ),
    "OriginGroups.Items[].Members.Items[].OriginId": ("origins/group-listed-status",),
    "CacheBehaviors.Items[].PathPattern": ("behaviors/path-patterns", "behaviors/path-first-match"),
    **{f"DefaultCacheBehavior.{member}": names for member, names in _OF_BEHAVIORS.items()},
    **{f"CacheBehaviors.Items[].{member}": names for member, names in _OF_BEHAVIORS.items()},
}
"""By member of a DistributionConfig, as in `distribution.support.EFFECTS`."""

_FAMILY = "tests/unit/services/cloudfront"
OPERATIONS: Mapping[str, Sequence[str]] = {
    "Alias": (f"{_FAMILY}/test_domains.py::test_an_alias_moves_with_its_etags_and_reaches_the_edges",),
    "CachePolic": ("behaviors/own-cache-policy",),
    "ConflictingAliases": (f"{_FAMILY}/test_domains.py::test_overlapping_names_are_listed_and_others_are_not",),
    "CreateDistribution": (f"{_FAMILY}/test_distributions.py::test_a_distribution_is_created_deployed_and_echoed",),
    "CreateDistributionWithTags": (f"{_FAMILY}/test_distributions.py::test_a_distribution_can_be_created_with_tags",),
    "DeleteDistribution": (f"{_FAMILY}/test_distributions.py::test_only_a_disabled_distribution_can_be_deleted",),
    "Distribution": ("api/update-is-live",),
    "ListDistributionsBy": (  # of policies; the others are about what nothing enabled can name
        f"{_FAMILY}/test_attachable_families.py::test_distributions_are_found_by_the_policy_they_use",
    ),
    "ListDistributions": (f"{_FAMILY}/test_distributions.py::test_a_list_is_paged_without_gaps_or_repetitions",),
    "DomainAssociation": (f"{_FAMILY}/test_domains.py::test_a_domain_moves_between_a_distribution_and_a_tenant",),
    "DomainConflicts": (f"{_FAMILY}/test_domains.py::test_overlapping_names_are_listed_and_others_are_not",),
    "Invalidation": ("api/invalidate-exact", "api/invalidate-wildcard"),
    "OriginAccessControl": ("origins/s3-signed",),
    "OriginRequestPolic": ("forwarding/cookies-and-query",),
    "ResponseHeadersPolic": ("response-headers/cors",),
    "TagResource": (
        "tests/unit/services/iam/test_tag_conditions.py::test_tags_of_the_resource_decide_on_every_operation",
    ),
    "TagsForResource": (f"{_FAMILY}/test_tagging.py::test_tags_are_added_replaced_and_removed",),
    "TrustStore": ("tls/mtls-required", "tls/mtls-trust-store-changes"),
    "UntagResource": (f"{_FAMILY}/test_tagging.py::test_tags_are_added_replaced_and_removed",),
    "WithStagingConfig": (f"{_FAMILY}/test_domains.py::test_promoting_copies_all_but_what_makes_a_primary",),
}
"""By word in the names of operations whose resources have an effect; the longest that a name holds counts."""
