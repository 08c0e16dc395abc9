"""Which members of a DistributionConfig have an effect here, and which need none.

With the refusals of `unsupported` these tables account for every member of the shape: a member in none of them is
refused, and a test compares them with the pinned service model, so that a new member cannot be accepted and
ignored. Paths are relative to DistributionConfig; `[]` stands for every item of a Quantity/Items container, and
Quantity itself needs no row. A row for a structure covers all below it.
"""

from collections.abc import Iterator, Mapping

_ORIGIN_EFFECTS = {
    "Id": "cache behaviors name their origin by it",
    "DomainName": "where the edge connects, what it verifies and sends as Host; the region that signs",
    "OriginPath": "put before the path of every request to the origin",
    "CustomHeaders.Items[].HeaderName": "added to every request to the origin",
    "CustomHeaders.Items[].HeaderValue": "added to every request to the origin",
    "S3OriginConfig.OriginReadTimeout": "bounds the wait for the origin's bytes",
    "CustomOriginConfig.HTTPPort": "the port for http",
    "CustomOriginConfig.HTTPSPort": "the port for https",
    "CustomOriginConfig.OriginProtocolPolicy": "which scheme the edge uses",
    "CustomOriginConfig.OriginReadTimeout": "bounds the wait for the origin's bytes",
    "CustomOriginConfig.OriginKeepaliveTimeout": "how long an idle connection is kept",
    "CustomOriginConfig.OriginMtlsConfig.ClientCertificateArn": "the certificate that the edge shows to the origin",
    "CustomOriginConfig.IpAddressType": "which of the origin's addresses the edge connects to",
    "OriginAccessControlId": "requests to a bucket are signed by it",
    "ConnectionAttempts": "how often a connection is tried",
    "ConnectionTimeout": "bounds one attempt to connect",
    "ResponseCompletionTimeout": "bounds a whole response, all attempts to get it included",
}

_ORIGIN_GROUP_EFFECTS = {
    "Id": "cache behaviors name the group by it",
    "FailoverCriteria.StatusCodes.Items[]": "the failures of the primary origin after which the secondary one is asked",
    "Members.Items[].OriginId": "the primary origin, then the secondary one",
}

_BEHAVIOR_EFFECTS = {
    "TargetOriginId": "where misses go",
    "ViewerProtocolPolicy": "whether http is served, refused or redirected",
    "AllowedMethods.Items[]": "other methods are refused",
    "AllowedMethods.CachedMethods.Items[]": "responses to other methods are not stored",
    "Compress": "responses are compressed for viewers who accept it",
    "CachePolicyId": "the cache key, the TTLs and the encodings",
    "ForwardedValues.QueryString": "whether query strings are in the cache key and forwarded",
    "ForwardedValues.QueryStringCacheKeys.Items[]": "the query strings of the cache key, when it does not hold all",
    "ForwardedValues.Cookies.Forward": "which cookies are in the cache key and forwarded",
    "ForwardedValues.Cookies.WhitelistedNames.Items[]": "the cookies of the cache key",
    "ForwardedValues.Headers.Items[]": "the headers of the cache key; * turns caching off",
    "MinTTL": "the shortest time a response is fresh, without a cache policy",
    "DefaultTTL": "how long a response is fresh when the origin does not say, without a cache policy",
    "MaxTTL": "the longest time a response is fresh, without a cache policy",
    "OriginRequestPolicyId": "what goes to the origin beside the cache key",
    "ResponseHeadersPolicyId": "what is added to responses, and removed from them",
    "GrpcConfig.Enabled": "gRPC requests go to the origin over HTTP/2, both ways at once, and are never cached",
}


def _below(prefix: str, rows: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((f"{prefix}.{path}", words) for path, words in rows.items())


EFFECTS: Mapping[str, str] = {
    "Aliases.Items[]": "the edge serves the distribution under these names",
    "CustomErrorResponses.Items[].ErrorCode": "the error that the rest is about",
    "CustomErrorResponses.Items[].ResponsePagePath": "the page that viewers get in its place",
    "CustomErrorResponses.Items[].ResponseCode": "the status that viewers see with the page",
    "CustomErrorResponses.Items[].ErrorCachingMinTTL": "for how long the error is kept at least",
    "CacheTagConfig.HeaderName": "the response header with the tags by which stored responses are invalidated",
    "DefaultRootObject": "answers requests for /",
    "Restrictions.GeoRestriction": "viewers of which countries are served",
    "ViewerCertificate.CloudFrontDefaultCertificate": "the local authority issues a certificate for the aliases",
    "ViewerCertificate.ACMCertificateArn": "viewers are shown this certificate of ACM's",
    "ViewerCertificate.IAMCertificateId": "viewers are shown this server certificate of IAM's",
    "ViewerCertificate.MinimumProtocolVersion": "which TLS viewers may use; never less than TLSv1.2_2021 gives",
    "ViewerMtlsConfig.Mode": "whether viewers have to show a certificate, may, or are asked on behalf of the origin",
    "ViewerMtlsConfig.TrustStoreConfig.TrustStoreId": "whose certificates are taken",
    "ViewerMtlsConfig.TrustStoreConfig.AdvertiseTrustStoreCaNames": "whether viewers are told the authorities' names",
    "ViewerMtlsConfig.TrustStoreConfig.IgnoreCertificateExpiry": "whether certificates are taken beyond their time",
    "HttpVersion": "whether viewers are offered HTTP/2 and HTTP/3",
    "Enabled": "a disabled distribution serves no viewer",
    **dict(_below("Origins.Items[]", _ORIGIN_EFFECTS)),
    **dict(_below("DefaultCacheBehavior", _BEHAVIOR_EFFECTS)),
    **dict(_below("OriginGroups.Items[]", _ORIGIN_GROUP_EFFECTS)),
    "CacheBehaviors.Items[].PathPattern": "which requests the cache behavior is for",
    **dict(_below("CacheBehaviors.Items[]", _BEHAVIOR_EFFECTS)),
}
"""Members that the edge acts upon, each with what it does."""

INERT: Mapping[str, str] = {
    "CallerReference": "names the request to create, so that a repeated one is recognized; the edge has no use for it",
    "Comment": "words for people",
    "PriceClass": "one point of presence belongs to every price class, so each of them is honored",
    "ViewerCertificate.Certificate": "repeats ACMCertificateArn or IAMCertificateId",
    "ViewerCertificate.CertificateSource": "repeats which of ACMCertificateArn and IAMCertificateId is set",
    "IsIPV6Enabled": "says what CloudFront's DNS answers; which addresses the edge listens on is its own setting",
}
"""Members that by their nature ask nothing of this edge, each with the reason."""
