"""Every quota is AWS's, and another one where the settings say so: one case for each row of the table."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from authorities import authority, signed
from edgeward.aws.quotas import AWS_QUOTAS, Quotas, QuotaSettingsError, ServiceQuota, read_quotas
from edgeward.services import quotas as table
from edgeward.services.acm import quotas as acm
from edgeward.services.cloudfront import quotas
from edgeward.services.iam import quotas as iam
from policies import trust
from unit.services.cloudfront.generated.samples import (
    SAMPLES,
    call,
    distribution,
    distribution_config,
    listed,
    multi_tenant,
    origin,
    public_key,
    unique,
)

Act = Callable[["Clients"], Any]
"""Does what the quota allows by default, and not in a case."""
Build = Callable[..., Any]
MADE_UP = ServiceQuota(service="cloudfront", name="Wishes", also="Wishes per fairy", default=3, section="", error="No")


@dataclass(frozen=True)
class Clients:
    """boto3's clients of one control plane."""

    connect: Callable[..., Any]
    known: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, service: str) -> Any:
        name = service.replace("_", "-")
        return self.known.setdefault(name, self.connect(service=name))


def sample(operation: str, **changes: Any) -> Act:
    return lambda clients: call(clients.cloudfront, operation, SAMPLES[operation](clients.cloudfront) | changes)


def made(operation: str, content: str) -> Callable[[Clients], Any]:
    return lambda clients: sample(operation)(clients)[content]["Id"]


def with_behavior(**members: Any) -> Act:
    """A distribution whose default cache behavior has other members; functions are called for their values."""

    def act(clients: Clients) -> Any:
        config = distribution_config()
        for member, value in members.items():
            config["DefaultCacheBehavior"][member] = value(clients) if callable(value) else value
        return clients.cloudfront.create_distribution(DistributionConfig=config)

    return act


def with_origin(**members: Any) -> Act:
    def act(clients: Clients) -> Any:
        changed = origin() | {name: value(clients) if callable(value) else value for name, value in members.items()}
        return distribution(clients.cloudfront, Origins=listed(changed))

    return act


def legacy(**values: Any) -> Act:
    forwarded = {"QueryString": True, "Cookies": {"Forward": "none"}, **values}

    def act(clients: Clients) -> Any:
        config = distribution_config(CacheBehaviors={"Quantity": 0})
        del config["DefaultCacheBehavior"]["CachePolicyId"]
        config["DefaultCacheBehavior"] |= {"ForwardedValues": forwarded, "MinTTL": 0}
        return clients.cloudfront.create_distribution(DistributionConfig=config)

    return act


def key_groups(clients: Clients) -> dict[str, Any]:
    group = sample("CreateKeyGroup")(clients)["KeyGroup"]["Id"]
    return {"Enabled": True, **listed(group)}


def live_function(clients: Clients) -> dict[str, Any]:
    function = sample("CreateFunction")(clients)
    summary = function["FunctionSummary"]
    clients.cloudfront.publish_function(Name=summary["Name"], IfMatch=function["ETag"])
    return listed({"FunctionARN": summary["FunctionMetadata"]["FunctionARN"], "EventType": "viewer-request"})


def with_groups(clients: Clients) -> Any:
    criteria = {"StatusCodes": {"Quantity": 1, "Items": [503]}}
    members = listed({"OriginId": "site"}, {"OriginId": "spare"})
    origins = listed(origin(), origin() | {"Id": "spare"})
    groups = listed({"Id": "both", "FailoverCriteria": criteria, "Members": members})
    return distribution(clients.cloudfront, Origins=origins, OriginGroups=groups)


def bucket_with(control: Any) -> Act:
    members = {"Id": "site", "DomainName": "b.s3.us-east-1.amazonaws.com", "S3OriginConfig": {}}

    def act(clients: Clients) -> Any:
        bucket = members | {"S3OriginConfig": {"OriginAccessIdentity": ""}, "OriginAccessControlId": control(clients)}
        return distribution(clients.cloudfront, Origins=listed(bucket))

    return act


def asking_viewers(clients: Clients) -> Any:
    store = sample("CreateTrustStore")(clients)["TrustStore"]["Id"]
    asked = {"Mode": "required", "TrustStoreConfig": {"TrustStoreId": store}}
    config = distribution_config(HttpVersion="http2", ViewerMtlsConfig=asked, CacheBehaviors={"Quantity": 0})
    config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] = "https-only"
    return clients.cloudfront.create_distribution(DistributionConfig=config)


def two_keys(clients: Clients) -> Any:
    keys = [public_key(clients.cloudfront), public_key(clients.cloudfront)]
    return clients.cloudfront.create_key_group(KeyGroupConfig={"Name": unique("group"), "Items": keys})


def keys(**changes: Any) -> Act:
    def act(clients: Clients) -> Any:
        arn = sample("CreateKeyValueStore")(clients)["KeyValueStore"]["ARN"]
        etag = clients.cloudfront_keyvaluestore.describe_key_value_store(KvsARN=arn)["ETag"]
        return clients.cloudfront_keyvaluestore.update_keys(KvsARN=arn, IfMatch=etag, **changes)

    return act


def invalidation(*paths: str) -> Act:
    def act(clients: Clients) -> Any:
        batch = {"Paths": listed(*paths), "CallerReference": unique("r")}
        distribution_id = distribution(clients.cloudfront)["Distribution"]["Id"]
        return clients.cloudfront.create_invalidation(DistributionId=distribution_id, InvalidationBatch=batch)

    return act


def user(clients: Clients) -> str:
    return str(clients.iam.create_user(UserName=unique("user"))["User"]["UserName"])


def role(clients: Clients, **principals: Any) -> str:
    document = trust({"AWS": "*"}, **principals)
    made = clients.iam.create_role(RoleName=unique("role"), AssumeRolePolicyDocument=document)
    return str(made["Role"]["RoleName"])


def policy(clients: Clients) -> str:
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
    made = clients.iam.create_policy(PolicyName=unique("policy"), PolicyDocument=document)
    return str(made["Policy"]["Arn"])


def second_version(clients: Clients) -> Any:
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    return clients.iam.create_policy_version(PolicyArn=policy(clients), PolicyDocument=document)


def server_certificate(clients: Clients) -> str:
    name = unique("web")
    material = {"CertificateBody": WEB.pem.decode(), "PrivateKey": WEB.key_pem.decode()}
    clients.iam.upload_server_certificate(ServerCertificateName=name, **material)
    return name


def tagged_server_certificate(clients: Clients) -> Any:
    return clients.iam.tag_server_certificate(ServerCertificateName=server_certificate(clients), Tags=TAG)


def certificate(*names: str) -> Act:
    return lambda clients: clients.acm.request_certificate(DomainName="a.test", SubjectAlternativeNames=[*names])


WEB = signed(["www.example.com"], issuer=authority(), number=1)
TAG = [{"Key": "team", "Value": "edge"}]
AWS_POLICY = "arn:aws:iam::aws:policy/CloudFrontFullAccess"
LONG = {"StringEquals": {"aws:username": "u" * 300}}
CASES: dict[ServiceQuota, tuple[int, Act]] = {
    quotas.TAGS: (0, sample("CreateDistributionWithTags")),
    quotas.REALTIME_LOG_CONFIGS: (0, sample("CreateRealtimeLogConfig")),
    quotas.ALIASES: (0, sample("CreateDistribution")),
    quotas.CACHE_BEHAVIORS: (0, sample("CreateDistribution")),
    quotas.RESPONSE_TIMEOUT: (
        30,
        with_origin(CustomOriginConfig=origin()["CustomOriginConfig"] | {"OriginReadTimeout": 31}),
    ),
    quotas.KEEP_ALIVE_TIMEOUT: (
        5,
        with_origin(CustomOriginConfig=origin()["CustomOriginConfig"] | {"OriginKeepaliveTimeout": 6}),
    ),
    quotas.DISTRIBUTIONS: (0, sample("CreateDistribution")),
    quotas.DISTRIBUTIONS_PER_ORIGIN_ACCESS_CONTROL: (
        0,
        bucket_with(made("CreateOriginAccessControl", "OriginAccessControl")),
    ),
    quotas.ORIGIN_ACCESS_CONTROLS: (0, sample("CreateOriginAccessControl")),
    quotas.ORIGIN_ACCESS_IDENTITIES: (0, sample("CreateCloudFrontOriginAccessIdentity")),
    quotas.ORIGINS: (0, sample("CreateDistribution")),
    quotas.ORIGIN_GROUPS: (0, with_groups),
    quotas.STAGING_DISTRIBUTIONS: (0, sample("CopyDistribution")),
    quotas.STREAMING_DISTRIBUTIONS: (0, sample("CreateStreamingDistribution")),
    quotas.VPC_ORIGINS: (0, sample("CreateVpcOrigin")),
    quotas.CACHE_POLICIES: (0, sample("CreateCachePolicy")),
    quotas.DISTRIBUTIONS_PER_CACHE_POLICY: (0, with_behavior(CachePolicyId=made("CreateCachePolicy", "CachePolicy"))),
    quotas.CACHE_POLICY_QUERY_STRINGS: (0, sample("CreateCachePolicy")),
    quotas.CACHE_POLICY_HEADERS: (0, sample("CreateCachePolicy")),
    quotas.CACHE_POLICY_COOKIES: (0, sample("CreateCachePolicy")),
    quotas.CACHE_POLICY_NAMES_LENGTH: (0, sample("CreateCachePolicy")),
    quotas.ORIGIN_REQUEST_POLICIES: (0, sample("CreateOriginRequestPolicy")),
    quotas.DISTRIBUTIONS_PER_ORIGIN_REQUEST_POLICY: (
        0,
        with_behavior(OriginRequestPolicyId=made("CreateOriginRequestPolicy", "OriginRequestPolicy")),
    ),
    quotas.ORIGIN_REQUEST_POLICY_QUERY_STRINGS: (0, sample("CreateOriginRequestPolicy")),
    quotas.ORIGIN_REQUEST_POLICY_HEADERS: (0, sample("CreateOriginRequestPolicy")),
    quotas.ORIGIN_REQUEST_POLICY_COOKIES: (0, sample("CreateOriginRequestPolicy")),
    quotas.ORIGIN_REQUEST_POLICY_NAMES_LENGTH: (0, sample("CreateOriginRequestPolicy")),
    quotas.RESPONSE_HEADERS_POLICIES: (0, sample("CreateResponseHeadersPolicy")),
    quotas.DISTRIBUTIONS_PER_RESPONSE_HEADERS_POLICY: (
        0,
        with_behavior(ResponseHeadersPolicyId=made("CreateResponseHeadersPolicy", "ResponseHeadersPolicy")),
    ),
    quotas.RESPONSE_HEADERS_POLICY_HEADERS: (0, sample("CreateResponseHeadersPolicy")),
    quotas.CONTINUOUS_DEPLOYMENT_POLICIES: (0, sample("CreateContinuousDeploymentPolicy")),
    quotas.TRUST_STORES: (0, sample("CreateTrustStore")),
    quotas.DISTRIBUTIONS_PER_TRUST_STORE: (0, asking_viewers),
    quotas.FUNCTIONS: (0, sample("CreateFunction")),
    quotas.FUNCTION_SIZE: (0, sample("CreateFunction")),
    quotas.DISTRIBUTIONS_PER_FUNCTION: (0, with_behavior(FunctionAssociations=live_function)),
    quotas.CONNECTION_FUNCTIONS: (0, sample("CreateConnectionFunction")),
    quotas.CONNECTION_FUNCTION_SIZE: (0, sample("CreateConnectionFunction")),
    quotas.KEY_BYTES: (1, keys(Puts=[{"Key": "ab", "Value": ""}])),
    quotas.VALUE_BYTES: (0, keys(Puts=[{"Key": "a", "Value": "1"}])),
    quotas.UPDATE_KEYS: (1, keys(Puts=[{"Key": "a", "Value": ""}, {"Key": "b", "Value": ""}])),
    quotas.UPDATE_BYTES: (1, keys(Puts=[{"Key": "a", "Value": "1"}])),
    quotas.STORE_BYTES: (0, keys(Puts=[{"Key": "a", "Value": "1"}])),
    quotas.FUNCTIONS_PER_STORE: (0, sample("CreateFunction")),
    quotas.STORES_PER_FUNCTION: (0, sample("CreateFunction")),
    quotas.KEY_VALUE_STORES: (0, sample("CreateKeyValueStore")),
    quotas.INVALIDATION_PATHS: (1, invalidation("/a", "/b")),
    quotas.INVALIDATION_WILDCARDS: (0, invalidation("/*")),
    quotas.KEYS_PER_GROUP: (1, two_keys),
    quotas.KEY_GROUPS_PER_BEHAVIOR: (0, with_behavior(TrustedKeyGroups=key_groups)),
    quotas.KEY_GROUPS: (0, sample("CreateKeyGroup")),
    quotas.DISTRIBUTIONS_PER_KEY_GROUP: (0, with_behavior(TrustedKeyGroups=key_groups)),
    quotas.ENCRYPTION_CONFIGS: (0, sample("CreateFieldLevelEncryptionConfig")),
    quotas.ENCRYPTION_PROFILES: (0, sample("CreateFieldLevelEncryptionProfile")),
    quotas.PUBLIC_KEYS: (0, sample("CreatePublicKey")),
    quotas.ENCRYPTED_FIELDS: (1, sample("CreateFieldLevelEncryptionProfile")),
    quotas.DISTRIBUTIONS_PER_ENCRYPTION_CONFIG: (
        0,
        with_behavior(FieldLevelEncryptionId=made("CreateFieldLevelEncryptionConfig", "FieldLevelEncryption")),
    ),
    quotas.QUERY_ARGUMENT_PROFILES: (0, sample("CreateFieldLevelEncryptionConfig")),
    quotas.FORWARDED_COOKIES: (0, legacy(Cookies={"Forward": "whitelist", "WhitelistedNames": listed("a")})),
    quotas.FORWARDED_QUERY_STRINGS: (0, legacy(QueryStringCacheKeys=listed("a"))),
    quotas.FORWARDED_HEADERS: (0, legacy(Headers=listed("Origin"))),
    quotas.ORIGIN_CUSTOM_HEADERS: (0, sample("CreateDistribution")),
    quotas.CUSTOM_HEADER_NAME_LENGTH: (1, sample("CreateDistribution")),
    quotas.CUSTOM_HEADER_VALUE_LENGTH: (0, sample("CreateDistribution")),
    quotas.CUSTOM_HEADERS_LENGTH: (0, sample("CreateDistribution")),
    quotas.CONTENT_SECURITY_POLICY_LENGTH: (0, sample("CreateResponseHeadersPolicy")),
    quotas.TENANTS: (0, sample("CreateDistributionTenant")),
    quotas.MULTI_TENANT_DISTRIBUTIONS: (0, lambda clients: multi_tenant(clients.cloudfront)),
    quotas.CONNECTION_GROUPS: (0, sample("CreateConnectionGroup")),
    quotas.TENANT_DOMAINS: (1, sample("CreateDistributionTenant")),
    quotas.TENANT_PARAMETERS: (0, sample("CreateDistributionTenant")),
    iam.POLICIES: (0, policy),
    iam.POLICIES_PER_ROLE: (
        0,
        lambda clients: clients.iam.attach_role_policy(RoleName=role(clients), PolicyArn=AWS_POLICY),
    ),
    iam.POLICIES_PER_USER: (
        0,
        lambda clients: clients.iam.attach_user_policy(UserName=user(clients), PolicyArn=AWS_POLICY),
    ),
    iam.TRUST_POLICY_LENGTH: (256, lambda clients: role(clients, **LONG)),
    iam.ROLES: (0, role),
    iam.SERVER_CERTIFICATES: (0, server_certificate),
    iam.SERVER_CERTIFICATE_TAGS: (0, tagged_server_certificate),
    iam.ACCESS_KEYS: (0, lambda clients: clients.iam.create_access_key(UserName=user(clients))),
    iam.ROLE_TAGS: (0, lambda clients: clients.iam.tag_role(RoleName=role(clients), Tags=TAG)),
    iam.USER_TAGS: (0, lambda clients: clients.iam.tag_user(UserName=user(clients), Tags=TAG)),
    iam.USERS: (0, user),
    iam.POLICY_VERSIONS: (1, second_version),
    acm.CERTIFICATES: (0, certificate("a.test")),
    acm.NAMES: (1, certificate("b.test")),
}
BATCHES = {quotas.INVALIDATION_PATHS, quotas.INVALIDATION_WILDCARDS}
"""What one batch is refused for has a code of its own."""
NOT_SERVED = {
    quotas.DISTRIBUTIONS_PER_FUNCTION,
    quotas.DISTRIBUTIONS_PER_KEY_GROUP,
    quotas.DISTRIBUTIONS_PER_ENCRYPTION_CONFIG,
    quotas.KEY_GROUPS_PER_BEHAVIOR,
}
"""The edge lacks what they are about, so that a distribution that is within the quota is refused for that."""


@pytest.fixture
def clients_with(build_control_plane: Build, edge: Any, connect: Callable[..., Any]) -> Callable[[Quotas], Any]:
    """A running control plane with the given quotas, as its clients; on the state of the one before."""

    @contextmanager
    def running(limits: Quotas) -> Iterator[Clients]:
        plane = build_control_plane(edge, quotas=limits)
        plane.start()
        try:
            yield Clients(lambda service: connect(plane, service=service))
        finally:
            plane.stop()

    return running


def code_of(act: Act, clients: Clients) -> str | None:
    try:
        act(clients)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


def test_there_is_a_case_for_each_quota() -> None:
    assert set(CASES) == set(table.ALL)


@pytest.mark.parametrize("quota", CASES, ids=lambda quota: quota.name)
def test_a_quota_is_that_of_aws_unless_the_settings_say_otherwise(
    clients_with: Callable[[Quotas], Any], quota: ServiceQuota
) -> None:
    lowered, act = CASES[quota]

    changed: dict[ServiceQuota, int] = {}

    with clients_with(Quotas(changed)) as clients:
        code = code_of(act, clients)
        assert code != quota.error if quota in NOT_SERVED else code is None
        changed[quota] = lowered
        assert code_of(act, clients) == ("BatchTooLarge" if quota in BATCHES else quota.error)


def test_what_is_there_stays_when_a_quota_is_lowered(clients_with: Callable[[Quotas], Any]) -> None:
    with clients_with(AWS_QUOTAS) as clients:
        for _ in range(2):
            made = distribution(clients.cloudfront)

    with clients_with(Quotas({quotas.DISTRIBUTIONS: 1})) as clients:
        config = made["Distribution"]["DistributionConfig"] | {"Comment": "changed"}
        changed = clients.cloudfront.update_distribution(
            Id=made["Distribution"]["Id"], IfMatch=made["ETag"], DistributionConfig=config
        )
        assert changed["Distribution"]["DistributionConfig"]["Comment"] == "changed"
        assert len(clients.cloudfront.list_distributions()["DistributionList"]["Items"]) == 2


def test_more_than_aws_allows_are_possible(clients_with: Callable[[Quotas], Any]) -> None:
    with clients_with(Quotas({quotas.PUBLIC_KEYS: 12})) as clients:
        for _ in range(12):
            public_key(clients.cloudfront)
        assert code_of(sample("CreatePublicKey"), clients) == quotas.PUBLIC_KEYS.error


def test_managed_policies_are_shared_by_all(clients_with: Callable[[Quotas], Any]) -> None:
    with clients_with(Quotas({quotas.DISTRIBUTIONS_PER_CACHE_POLICY: 0})) as clients:
        distribution(clients.cloudfront)


def test_the_page_has_the_table() -> None:
    assert Path("docs/reference/quotas.md").read_text() == table.page(), "run python -m edgeward.services.quotas"


def test_no_name_means_two_quotas() -> None:
    names = [(quota.service, name) for quota in table.ALL for name in (quota.name, quota.also) if name]

    assert len(names) == len(set(names))
    assert all(quota.lowest <= quota.default <= quota.highest for quota in table.ALL)


@pytest.mark.parametrize("name", ["Wishes", "Wishes per fairy"])
def test_a_quota_is_known_by_both_its_names(name: str) -> None:
    limits = read_quotas({"cloudfront": {name: 7}}, [MADE_UP])

    assert limits[MADE_UP] == 7
    assert read_quotas({}, [MADE_UP])[MADE_UP] == 3


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "is not an object with services"),
        ({"cloudfrnt": {}}, "no service called 'cloudfrnt'; did you mean 'cloudfront'"),
        ({"cloudfront": 3}, "3 is not an object with quotas"),
        ({"cloudfront": {"Wish": 1}}, "no quota of cloudfront called 'Wish'; did you mean 'Wishes'"),
        ({"cloudfront": {"@": 1}}, "there are Wishes, Wishes per fairy"),
        ({"cloudfront": {"Wishes": -1}}, "'Wishes' has to be a whole number from 0 to 1000000, not -1"),
        ({"cloudfront": {"Wishes": 1.5}}, "not 1.5"),
        ({"cloudfront": {"Wishes": True}}, "not True"),
        ({"cloudfront": {"Wishes": "9" * 100}}, "not '999"),
        ({"cloudfront": {"Wishes": 10**7}}, "whole number from 0 to 1000000"),
        ({"cloudfront": {"Wishes": 1, "Wishes per fairy": 2}}, "given twice"),
    ],
)
def test_settings_that_mean_nothing_are_refused_and_say_what_to_write(document: Any, words: str) -> None:
    with pytest.raises(QuotaSettingsError) as refusal:
        read_quotas(document, [MADE_UP])

    assert words in str(refusal.value)
    assert len(str(refusal.value)) < 200
