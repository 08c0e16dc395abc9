"""A valid input for every operation that is served, as full as its rules allow.

Each sample makes what it refers to through the API, so that the input works as it stands. The generated tests break
it in every way the model knows.
"""

import itertools
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Sample = Callable[[Any], dict[str, Any]]
"""Makes the input, given a client for what has to be there."""

SAMPLES: dict[str, Sample] = {}

_numbers = itertools.count(1)


def sample(operation: str) -> Callable[[Sample], Sample]:
    """Registers the sample of an operation."""

    def register(make: Sample) -> Sample:
        assert operation not in SAMPLES
        SAMPLES[operation] = make
        return make

    return register


def unique(word: str) -> str:
    """A name that no other sample has."""
    return f"{word}-{next(_numbers)}"


def listed(*items: Any) -> dict[str, Any]:
    """A Quantity/Items container."""
    return {"Quantity": len(items), "Items": list(items)}


TAGS = {"Items": [{"Key": "team", "Value": "edge"}]}
KEY_PEM = (
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
MANAGED_CACHE_POLICY = "658327ea-f89d-4fab-a63d-7e88639e58f6"


def payload_family(noun: str, make: Sample, change: dict[str, Any], **names: str) -> None:
    """The samples of a family whose configuration is one member: create, reads, update, delete, list.

    `names` are those of the family that its noun does not give.
    """
    member = names.get("member", f"{noun}Config")
    content = names.get("content", noun)
    create, get = names.get("create", f"Create{noun}"), names.get("get", f"Get{noun}")

    def made(client: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        config = make(client)
        return config, call(client, create, {member: config})

    def target(client: Any) -> dict[str, Any]:
        _, answer = made(client)
        return {"Id": answer[content]["Id"], "IfMatch": answer["ETag"]}

    def update(client: Any) -> dict[str, Any]:
        config, answer = made(client)
        return {member: config | change, "Id": answer[content]["Id"], "IfMatch": answer["ETag"]}

    def reading(client: Any) -> dict[str, Any]:
        return {"Id": target(client)["Id"]}

    SAMPLES[create] = lambda client: {member: make(client)}
    SAMPLES[get] = reading
    SAMPLES[names.get("get_config", f"Get{noun}Config")] = reading
    SAMPLES[names.get("update", f"Update{noun}")] = update
    SAMPLES[names.get("delete", f"Delete{noun}")] = target
    SAMPLES[names["list"]] = lambda client: {"MaxItems": str(len(made(client)))}


def call(client: Any, operation: str, members: dict[str, Any]) -> dict[str, Any]:
    """Calls an operation by its name in the model."""
    answer: dict[str, Any] = client._make_api_call(operation, members)
    return answer


def origin() -> dict[str, Any]:
    return {
        "Id": "site",
        "DomainName": "origin.example.com",
        "OriginPath": "/v1",
        "CustomHeaders": listed({"HeaderName": "X-Secret", "HeaderValue": "1"}),
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
            "OriginSslProtocols": listed("TLSv1.2"),
            "OriginReadTimeout": 20,
            "OriginKeepaliveTimeout": 4,
            "IpAddressType": "ipv4",
        },
        "ConnectionAttempts": 2,
        "ConnectionTimeout": 3,
        "OriginShield": {"Enabled": False},
        "OriginAccessControlId": "",
    }


def behavior() -> dict[str, Any]:
    return {
        "TargetOriginId": "site",
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": listed("GET", "HEAD", "OPTIONS") | {"CachedMethods": listed("GET", "HEAD")},
        "Compress": True,
        "CachePolicyId": MANAGED_CACHE_POLICY,
        "TrustedKeyGroups": {"Enabled": False, "Quantity": 0},
        "GrpcConfig": {"Enabled": False},
    }


def distribution_config(_client: Any = None, **changes: Any) -> dict[str, Any]:
    name = unique("d")
    return {
        "CallerReference": name,
        "Aliases": listed(f"{name}.example.com"),
        "DefaultRootObject": "index.html",
        "Origins": listed(origin()),
        "DefaultCacheBehavior": behavior(),
        "CacheBehaviors": listed({"PathPattern": "/images/*", **behavior()}),
        "CustomErrorResponses": listed(
            {"ErrorCode": 404, "ResponsePagePath": "/404.html", "ResponseCode": "404", "ErrorCachingMinTTL": 5}
        ),
        "Comment": "all of it",
        "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
        "PriceClass": "PriceClass_100",
        "Enabled": False,
        "ViewerCertificate": {"CloudFrontDefaultCertificate": True},
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
        "HttpVersion": "http2",
        "IsIPV6Enabled": False,
        **changes,
    }


def distribution(client: Any, **changes: Any) -> dict[str, Any]:
    """Creates a distribution and answers as CreateDistribution does."""
    answer: dict[str, Any] = client.create_distribution(DistributionConfig=distribution_config(**changes))
    return answer


def staging(client: Any) -> dict[str, Any]:
    primary = distribution(client)
    answer: dict[str, Any] = client.copy_distribution(
        PrimaryDistributionId=primary["Distribution"]["Id"],
        Staging=True,
        IfMatch=primary["ETag"],
        CallerReference=unique("copy"),
    )
    return answer


def public_key(client: Any) -> str:
    answer = client.create_public_key(PublicKeyConfig=public_key_config())
    return str(answer["PublicKey"]["Id"])


def public_key_config(_client: Any = None) -> dict[str, Any]:
    return {"CallerReference": unique("r"), "Name": unique("key"), "EncodedKey": KEY_PEM, "Comment": "first"}


def profile_config(client: Any) -> dict[str, Any]:
    entity = {
        "PublicKeyId": public_key(client),
        "ProviderId": "shop",
        "FieldPatterns": listed("card", "holder*"),
    }
    return {
        "Name": unique("profile"),
        "CallerReference": unique("r"),
        "Comment": "cards",
        "EncryptionEntities": listed(entity),
    }


def encryption_config(client: Any) -> dict[str, Any]:
    profile = client.create_field_level_encryption_profile(FieldLevelEncryptionProfileConfig=profile_config(client))
    profile_id = profile["FieldLevelEncryptionProfile"]["Id"]
    content_type = {
        "Format": "URLEncoded",
        "ProfileId": profile_id,
        "ContentType": "application/x-www-form-urlencoded",
    }
    return {
        "CallerReference": unique("r"),
        "Comment": "forms",
        "QueryArgProfileConfig": {
            "ForwardWhenQueryArgProfileIsUnknown": True,
            "QueryArgProfiles": listed({"QueryArg": "profile", "ProfileId": profile_id}),
        },
        "ContentTypeProfileConfig": {
            "ForwardWhenContentTypeIsUnknown": False,
            "ContentTypeProfiles": listed(content_type),
        },
    }


def deployment_policy(client: Any) -> dict[str, Any]:
    sticky = {"IdleTTL": 300, "MaximumTTL": 600}
    return {
        "StagingDistributionDnsNames": listed(staging(client)["Distribution"]["DomainName"]),
        "Enabled": True,
        "TrafficConfig": {
            "SingleWeightConfig": {"Weight": 0.125, "SessionStickinessConfig": sticky},
            "Type": "SingleWeight",
        },
    }


def streaming_config(_client: Any = None) -> dict[str, Any]:
    return {
        "CallerReference": unique("stream"),
        "S3Origin": {"DomainName": "bucket.s3.amazonaws.com", "OriginAccessIdentity": ""},
        "Aliases": {"Quantity": 0},
        "Comment": "no more",
        "Logging": {"Enabled": False, "Bucket": "", "Prefix": ""},
        "TrustedSigners": {"Enabled": False, "Quantity": 0},
        "PriceClass": "PriceClass_All",
        "Enabled": False,
    }


def selections(policy: str) -> dict[str, Any]:
    headers = {"HeaderBehavior": "whitelist", "Headers": listed("Origin")}
    cookies = {"CookieBehavior": "whitelist", "Cookies": listed("session")}
    query = {"QueryStringBehavior": "allExcept", "QueryStrings": listed("utm")}
    found = {"HeadersConfig": headers, "CookiesConfig": cookies, "QueryStringsConfig": query}
    encodings = {"EnableAcceptEncodingGzip": True, "EnableAcceptEncodingBrotli": False}
    return found | encodings if policy == "cache" else found


def cache_policy_config(_client: Any = None) -> dict[str, Any]:
    return {
        "Comment": "short",
        "Name": unique("policy"),
        "DefaultTTL": 10,
        "MaxTTL": 20,
        "MinTTL": 1,
        "ParametersInCacheKeyAndForwardedToOrigin": selections("cache"),
    }


def response_headers_config(_client: Any = None) -> dict[str, Any]:
    security = {
        "XSSProtection": {"Override": True, "Protection": True, "ModeBlock": True},
        "FrameOptions": {"Override": True, "FrameOption": "DENY"},
        "ReferrerPolicy": {"Override": True, "ReferrerPolicy": "same-origin"},
        "ContentSecurityPolicy": {"Override": False, "ContentSecurityPolicy": "default-src 'self'"},
        "ContentTypeOptions": {"Override": True},
        "StrictTransportSecurity": {
            "Override": True,
            "IncludeSubdomains": True,
            "Preload": False,
            "AccessControlMaxAgeSec": 600,
        },
    }
    return {
        "Comment": "headers",
        "Name": unique("headers"),
        "CorsConfig": {
            "AccessControlAllowOrigins": listed("https://a.example.com"),
            "AccessControlAllowHeaders": listed("X-A"),
            "AccessControlAllowMethods": listed("GET"),
            "AccessControlAllowCredentials": False,
            "AccessControlExposeHeaders": listed("X-B"),
            "AccessControlMaxAgeSec": 60,
            "OriginOverride": True,
        },
        "SecurityHeadersConfig": security,
        "ServerTimingHeadersConfig": {"Enabled": True, "SamplingRate": 50.0},
        "CustomHeadersConfig": listed({"Header": "X-C", "Value": "1", "Override": True}),
        "RemoveHeadersConfig": listed({"Header": "X-D"}),
    }


def access_control_config(_client: Any = None) -> dict[str, Any]:
    return {
        "Name": unique("oac"),
        "Description": "bucket",
        "SigningProtocol": "sigv4",
        "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3",
    }


payload_family("Distribution", distribution_config, {"Comment": "changed"}, list="ListDistributions")
payload_family("CachePolicy", cache_policy_config, {"Comment": "changed"}, list="ListCachePolicies")
payload_family(
    "OriginRequestPolicy",
    lambda _client: {"Comment": "all", "Name": unique("request"), **selections("request")},
    {"Comment": "changed"},
    list="ListOriginRequestPolicies",
)
payload_family(
    "ResponseHeadersPolicy", response_headers_config, {"Comment": "changed"}, list="ListResponseHeadersPolicies"
)
payload_family(
    "OriginAccessControl", access_control_config, {"SigningBehavior": "never"}, list="ListOriginAccessControls"
)
payload_family("PublicKey", public_key_config, {"Comment": "changed"}, list="ListPublicKeys")
payload_family(
    "KeyGroup",
    lambda client: {"Name": unique("group"), "Items": [public_key(client)], "Comment": "signers"},
    {"Comment": "changed"},
    list="ListKeyGroups",
)
payload_family(
    "CloudFrontOriginAccessIdentity",
    lambda _client: {"CallerReference": unique("r"), "Comment": "bucket"},
    {"Comment": "changed"},
    list="ListCloudFrontOriginAccessIdentities",
)
payload_family(
    "FieldLevelEncryptionProfile", profile_config, {"Comment": "changed"}, list="ListFieldLevelEncryptionProfiles"
)
payload_family(
    "FieldLevelEncryption",
    encryption_config,
    {"Comment": "changed"},
    create="CreateFieldLevelEncryptionConfig",
    update="UpdateFieldLevelEncryptionConfig",
    delete="DeleteFieldLevelEncryptionConfig",
    list="ListFieldLevelEncryptionConfigs",
)
payload_family(
    "ContinuousDeploymentPolicy", deployment_policy, {"Enabled": False}, list="ListContinuousDeploymentPolicies"
)
payload_family("StreamingDistribution", streaming_config, {"Comment": "changed"}, list="ListStreamingDistributions")


@sample("CreateStreamingDistributionWithTags")
def _streaming_with_tags(_client: Any) -> dict[str, Any]:
    return {"StreamingDistributionConfigWithTags": {"StreamingDistributionConfig": streaming_config(), "Tags": TAGS}}


@sample("CreateDistributionWithTags")
def _distribution_with_tags(_client: Any) -> dict[str, Any]:
    return {"DistributionConfigWithTags": {"DistributionConfig": distribution_config(), "Tags": TAGS}}


@sample("CopyDistribution")
def _copy(client: Any) -> dict[str, Any]:
    primary = distribution(client)
    return {
        "PrimaryDistributionId": primary["Distribution"]["Id"],
        "Staging": True,
        "IfMatch": primary["ETag"],
        "CallerReference": unique("copy"),
        "Enabled": False,
    }


@sample("CreateInvalidation")
def _invalidation(client: Any) -> dict[str, Any]:
    return {
        "DistributionId": distribution(client)["Distribution"]["Id"],
        "InvalidationBatch": {"Paths": listed("/a", "/b/*"), "CallerReference": unique("r")},
    }


@sample("GetInvalidation")
def _get_invalidation(client: Any) -> dict[str, Any]:
    members = _invalidation(client)
    made = client.create_invalidation(**members)
    return {"DistributionId": members["DistributionId"], "Id": made["Invalidation"]["Id"]}


@sample("ListInvalidations")
def _list_invalidations(client: Any) -> dict[str, Any]:
    return {"DistributionId": _get_invalidation(client)["DistributionId"], "MaxItems": "1"}


@sample("ListTagsForResource")
def _list_tags(client: Any) -> dict[str, Any]:
    return {"Resource": distribution(client)["Distribution"]["ARN"]}


@sample("TagResource")
def _tag(client: Any) -> dict[str, Any]:
    return {**_list_tags(client), "Tags": TAGS}


@sample("UntagResource")
def _untag(client: Any) -> dict[str, Any]:
    return {**_list_tags(client), "TagKeys": {"Items": ["team"]}}


STREAM = {
    "RoleARN": "arn:aws:iam::123456789012:role/logs",
    "StreamARN": "arn:aws:kinesis:us-east-1:123456789012:stream/logs",
}


@sample("CreateRealtimeLogConfig")
def _log_config(_client: Any) -> dict[str, Any]:
    return {
        "EndPoints": [{"StreamType": "Kinesis", "KinesisStreamConfig": STREAM}],
        "Fields": ["timestamp", "c-ip"],
        "Name": unique("log"),
        "SamplingRate": 10,
    }


def log_config(client: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.create_realtime_log_config(**_log_config(client))["RealtimeLogConfig"]
    return answer


@sample("UpdateRealtimeLogConfig")
def _update_log_config(client: Any) -> dict[str, Any]:
    made = log_config(client)
    return {**_log_config(client), "Name": made["Name"], "ARN": made["ARN"], "SamplingRate": 20}


SAMPLES["GetRealtimeLogConfig"] = lambda client: {"ARN": log_config(client)["ARN"]}
SAMPLES["DeleteRealtimeLogConfig"] = lambda client: {"Name": log_config(client)["Name"]}
SAMPLES["ListRealtimeLogConfigs"] = lambda client: {"MaxItems": str(len(log_config(client)))}
SAMPLES["ListDistributionsByRealtimeLogConfig"] = lambda client: {"RealtimeLogConfigArn": log_config(client)["ARN"]}


@sample("CreateMonitoringSubscription")
def _subscription(client: Any) -> dict[str, Any]:
    return {
        "DistributionId": distribution(client)["Distribution"]["Id"],
        "MonitoringSubscription": {
            "RealtimeMetricsSubscriptionConfig": {"RealtimeMetricsSubscriptionStatus": "Enabled"}
        },
    }


@sample("GetMonitoringSubscription")
def _get_subscription(client: Any) -> dict[str, Any]:
    members = _subscription(client)
    client.create_monitoring_subscription(**members)
    return {"DistributionId": members["DistributionId"]}


SAMPLES["DeleteMonitoringSubscription"] = _get_subscription


@sample("CreateKeyValueStore")
def _store(_client: Any) -> dict[str, Any]:
    return {"Name": unique("store"), "Comment": "table", "Tags": TAGS}


def key_value_store(client: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.create_key_value_store(**_store(client))
    return answer


@sample("DeleteKeyValueStore")
def _delete_store(client: Any) -> dict[str, Any]:
    made = key_value_store(client)
    return {"Name": made["KeyValueStore"]["Name"], "IfMatch": made["ETag"]}


SAMPLES["DescribeKeyValueStore"] = lambda client: {"Name": key_value_store(client)["KeyValueStore"]["Name"]}
SAMPLES["UpdateKeyValueStore"] = lambda client: {**_delete_store(client), "Comment": "changed"}
SAMPLES["ListKeyValueStores"] = lambda client: {"Status": key_value_store(client)["KeyValueStore"]["Status"]}


def function_family(noun: str, target: str, word: str) -> None:
    """The samples of functions; `target` and `word` are the members that name one to write and to read."""
    config, code, content = f"{noun}Config", f"{noun}Code", f"{noun}Summary"

    def create(client: Any) -> dict[str, Any]:
        store = key_value_store(client)["KeyValueStore"]["ARN"]
        return {
            "Name": unique("function"),
            config: {
                "Comment": "rewrite",
                "Runtime": "cloudfront-js-2.0",
                "KeyValueStoreAssociations": listed({"KeyValueStoreARN": store}),
            },
            code: b"function handler(event) { return event.request }",
            "Tags": TAGS,
        }

    def made(client: Any) -> dict[str, Any]:
        answer = call(client, f"Create{noun}", create(client))
        return {target: answer[content][target], "IfMatch": answer["ETag"]}

    def read(client: Any) -> dict[str, Any]:
        return {word: made(client)[target], "Stage": "DEVELOPMENT"}

    def update(client: Any) -> dict[str, Any]:
        changed = {member: value for member, value in create(client).items() if member not in ("Name", "Tags")}
        return changed | made(client)

    SAMPLES[f"Create{noun}"] = create
    SAMPLES[f"Get{noun}"] = SAMPLES[f"Describe{noun}"] = read
    SAMPLES[f"Update{noun}"] = update
    SAMPLES[f"Publish{noun}"] = SAMPLES[f"Delete{noun}"] = made
    SAMPLES[f"List{noun}s"] = lambda client: {"Stage": read(client)["Stage"]}


function_family("Function", "Name", "Name")
function_family("ConnectionFunction", "Id", "Identifier")


SAMPLES["ListDistributionsByCachePolicyId"] = lambda _client: {"CachePolicyId": MANAGED_CACHE_POLICY}
SAMPLES["ListDistributionsByOriginRequestPolicyId"] = lambda client: {
    "OriginRequestPolicyId": SAMPLES["GetOriginRequestPolicy"](client)["Id"]
}
SAMPLES["ListDistributionsByResponseHeadersPolicyId"] = lambda client: {
    "ResponseHeadersPolicyId": SAMPLES["GetResponseHeadersPolicy"](client)["Id"]
}
SAMPLES["ListDistributionsByKeyGroup"] = lambda client: {"KeyGroupId": SAMPLES["GetKeyGroup"](client)["Id"]}
SAMPLES["ListDistributionsByWebACLId"] = lambda _client: {"WebACLId": "null"}
SAMPLES["ListDistributionsByConnectionMode"] = lambda _client: {"ConnectionMode": "direct"}
SAMPLES["ListDistributionsByConnectionFunction"] = lambda client: {
    "ConnectionFunctionIdentifier": SAMPLES["GetConnectionFunction"](client)["Identifier"]
}


def member_family(noun: str, make: Sample, change: dict[str, Any], reader: str = "Id", **names: str) -> None:
    """The samples of a family whose configuration is the members of the input."""
    content = names.get("content", noun)

    def made(client: Any) -> dict[str, Any]:
        answer = call(client, f"Create{noun}", make(client))
        return {"Id": answer[content]["Id"], "IfMatch": answer["ETag"]}

    def list_all(client: Any) -> dict[str, Any]:
        return {"MaxItems": str(len(made(client)))}

    SAMPLES[f"Create{noun}"] = make
    SAMPLES[f"Get{noun}"] = lambda client: {reader: made(client)["Id"]}
    SAMPLES[f"Update{noun}"] = lambda client: change | made(client)
    SAMPLES[f"Delete{noun}"] = made
    SAMPLES[names.get("list", f"List{noun}s")] = list_all


ENDPOINT = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"


def endpoint_config(**changes: Any) -> dict[str, Any]:
    return {
        "Name": unique("vpc"),
        "Arn": ENDPOINT,
        "HTTPPort": 80,
        "HTTPSPort": 443,
        "OriginProtocolPolicy": "https-only",
        "OriginSslProtocols": listed("TLSv1.2"),
        "IpAddressType": "ipv4",
        **changes,
    }


def vpc_origin(client: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.create_vpc_origin(VpcOriginEndpointConfig=endpoint_config())["VpcOrigin"]
    return answer


BUNDLE = {
    "CaCertificatesBundleS3Location": {"Bucket": "ca", "Key": "bundle.pem", "Region": "us-east-1", "Version": "1"}
}

member_family(
    "VpcOrigin",
    lambda _client: {"VpcOriginEndpointConfig": endpoint_config(), "Tags": TAGS},
    {"VpcOriginEndpointConfig": endpoint_config(HTTPPort=8080)},
)
member_family(
    "AnycastIpList",
    lambda _client: {"Name": unique("ips"), "IpCount": 3, "Tags": TAGS, "IpAddressType": "ipv4"},
    {"IpAddressType": "dualstack"},
)
member_family(
    "TrustStore",
    lambda _client: {
        "Name": unique("trust"),
        "CaCertificatesBundleSource": BUNDLE,
        "UseClientCertificateOCSPEndpoint": False,
        "Tags": TAGS,
    },
    {"CaCertificatesBundleSource": BUNDLE, "UseClientCertificateOCSPEndpoint": False},
    reader="Identifier",
)
member_family(
    "ConnectionGroup",
    lambda client: {
        "Name": unique("group"),
        "Ipv6Enabled": False,
        "Tags": TAGS,
        "AnycastIpListId": SAMPLES["GetAnycastIpList"](client)["Id"],
        "Enabled": False,
    },
    {"Ipv6Enabled": True, "Enabled": False},
    reader="Identifier",
)


@sample("GetConnectionGroupByRoutingEndpoint")
def _by_endpoint(client: Any) -> dict[str, Any]:
    made = call(client, "CreateConnectionGroup", SAMPLES["CreateConnectionGroup"](client))
    return {"RoutingEndpoint": made["ConnectionGroup"]["RoutingEndpoint"]}


POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]}'


@sample("PutResourcePolicy")
def _put_policy(client: Any) -> dict[str, Any]:
    return {"ResourceArn": vpc_origin(client)["Arn"], "PolicyDocument": POLICY}


@sample("GetResourcePolicy")
def _get_policy(client: Any) -> dict[str, Any]:
    members = _put_policy(client)
    client.put_resource_policy(**members)
    return {"ResourceArn": members["ResourceArn"]}


SAMPLES["DeleteResourcePolicy"] = _get_policy
SAMPLES["ListDistributionsByVpcOriginId"] = lambda client: {"VpcOriginId": vpc_origin(client)["Id"]}
SAMPLES["ListDistributionsByOwnedResource"] = lambda client: {"ResourceArn": vpc_origin(client)["Arn"]}
SAMPLES["ListDistributionsByAnycastIpListId"] = lambda client: {
    "AnycastIpListId": SAMPLES["GetAnycastIpList"](client)["Id"]
}
SAMPLES["ListDistributionsByTrustStore"] = lambda client: {
    "TrustStoreIdentifier": SAMPLES["GetTrustStore"](client)["Identifier"]
}


PARAMETER = {
    "Name": "shop",
    "Definition": {"StringSchema": {"Comment": "path", "DefaultValue": "a", "Required": False}},
}


def multi_tenant(client: Any) -> str:
    """The id of a distribution for tenants."""
    made = distribution(
        client,
        Aliases={"Quantity": 0},
        ConnectionMode="tenant-only",
        TenantConfig={"ParameterDefinitions": [PARAMETER]},
    )
    return str(made["Distribution"]["Id"])


WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/web/a1b2"


def tenant_members(client: Any) -> dict[str, Any]:
    name = unique("tenant")
    return {
        "DistributionId": multi_tenant(client),
        "Name": name,
        "Domains": [{"Domain": f"{name}.example.com"}, {"Domain": f"www.{name}.example.com"}],
        "Tags": TAGS,
        "Customizations": {
            "WebAcl": {"Action": "override", "Arn": WEB_ACL},
            "Certificate": {"Arn": "arn:aws:acm:us-east-1:123456789012:certificate/a1b2"},
            "GeoRestrictions": {"RestrictionType": "whitelist", "Locations": ["DE"]},
        },
        "Parameters": [{"Name": "shop", "Value": "b"}],
        "ConnectionGroupId": SAMPLES["GetConnectionGroup"](client)["Identifier"],
        "Enabled": False,
    }


def tenant(client: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.create_distribution_tenant(**tenant_members(client))
    return answer


member_family("DistributionTenant", tenant_members, {"Enabled": False}, reader="Identifier")


@sample("GetDistributionTenantByDomain")
def _tenant_by_domain(client: Any) -> dict[str, Any]:
    return {"Domain": tenant(client)["DistributionTenant"]["Domains"][0]["Domain"]}


@sample("ListDistributionTenantsByCustomization")
def _customized(client: Any) -> dict[str, Any]:
    return {"WebACLArn": tenant(client)["DistributionTenant"]["Customizations"]["WebAcl"]["Arn"], "MaxItems": 1}


@sample("DisassociateDistributionTenantWebACL")
def _tenant_without_web_acl(client: Any) -> dict[str, Any]:
    made = tenant(client)
    return {"Id": made["DistributionTenant"]["Id"], "IfMatch": made["ETag"]}


SAMPLES["AssociateDistributionTenantWebACL"] = lambda client: {
    **_tenant_without_web_acl(client),
    "WebACLArn": WEB_ACL,
}


@sample("CreateInvalidationForDistributionTenant")
def _tenant_invalidation(client: Any) -> dict[str, Any]:
    batch = {"Paths": listed("/a"), "CallerReference": unique("r")}
    return {"Id": tenant(client)["DistributionTenant"]["Id"], "InvalidationBatch": batch}


@sample("GetInvalidationForDistributionTenant")
def _get_tenant_invalidation(client: Any) -> dict[str, Any]:
    members = _tenant_invalidation(client)
    made = client.create_invalidation_for_distribution_tenant(**members)
    return {"DistributionTenantId": members["Id"], "Id": made["Invalidation"]["Id"]}


SAMPLES["ListInvalidationsForDistributionTenant"] = lambda client: {
    "Id": _get_tenant_invalidation(client)["DistributionTenantId"]
}
SAMPLES["VerifyDnsConfiguration"] = lambda client: {"Identifier": tenant(client)["DistributionTenant"]["Id"]}


@sample("AssociateAlias")
def _associate_alias(client: Any) -> dict[str, Any]:
    owner = distribution(client)["Distribution"]
    alias = owner["DistributionConfig"]["Aliases"]["Items"][0]
    return {"TargetDistributionId": distribution(client)["Distribution"]["Id"], "Alias": alias}


@sample("ListConflictingAliases")
def _conflicting(client: Any) -> dict[str, Any]:
    members = _associate_alias(client)
    return {"DistributionId": members["TargetDistributionId"], "Alias": members["Alias"]}


@sample("ListDomainConflicts")
def _domain_conflicts(client: Any) -> dict[str, Any]:
    members = _associate_alias(client)
    return {
        "Domain": members["Alias"],
        "DomainControlValidationResource": {"DistributionId": members["TargetDistributionId"]},
    }


@sample("UpdateDomainAssociation")
def _move_domain(client: Any) -> dict[str, Any]:
    made = tenant(client)
    return {
        "Domain": _associate_alias(client)["Alias"],
        "TargetResource": {"DistributionTenantId": made["DistributionTenant"]["Id"]},
        "IfMatch": made["ETag"],
    }


@sample("UpdateDistributionWithStagingConfig")
def _promote(client: Any) -> dict[str, Any]:
    primary, copied = distribution(client), staging(client)
    return {
        "Id": primary["Distribution"]["Id"],
        "StagingDistributionId": copied["Distribution"]["Id"],
        "IfMatch": f"{primary['ETag']}, {copied['ETag']}",
    }


@sample("DisassociateDistributionWebACL")
def _without_web_acl(client: Any) -> dict[str, Any]:
    made = distribution(client)
    return {"Id": made["Distribution"]["Id"], "IfMatch": made["ETag"]}


SAMPLES["AssociateDistributionWebACL"] = lambda client: {**_without_web_acl(client), "WebACLArn": WEB_ACL}
