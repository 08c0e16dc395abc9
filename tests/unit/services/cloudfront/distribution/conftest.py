"""A sound distribution to alter one member at a time, and the resources that it names."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.defaults import fill_defaults
from edgeward.services.cloudfront.distribution.references import NamedTrustStore, OwnCertificate
from edgeward.services.cloudfront.distribution.rules import check_distribution


@dataclass(kw_only=True)
class KnownResources:
    """Implements `references.References` from dictionaries."""

    cache_policies: dict[str, Shape] = field(default_factory=dict)
    origin_request_policies: dict[str, Shape] = field(default_factory=dict)
    response_headers_policies: dict[str, Shape] = field(default_factory=dict)
    origin_access_controls: dict[str, Shape] = field(default_factory=dict)
    alias_owners: dict[str, str] = field(default_factory=dict)
    certificates: dict[str, OwnCertificate] = field(default_factory=dict)
    trust_stores: dict[str, NamedTrustStore] = field(default_factory=dict)

    def cache_policy(self, policy_id: str, /) -> Shape | None:
        return self.cache_policies.get(policy_id)

    def origin_request_policy(self, policy_id: str, /) -> Shape | None:
        return self.origin_request_policies.get(policy_id)

    def response_headers_policy(self, policy_id: str, /) -> Shape | None:
        return self.response_headers_policies.get(policy_id)

    def origin_access_control(self, control_id: str, /) -> Shape | None:
        return self.origin_access_controls.get(control_id)

    def own_certificate(self, arn: str, /) -> OwnCertificate | None:
        return self.certificates.get(arn)

    def trusted_authorities(self, _store_id: str, /) -> str | None:
        return None

    def trust_store(self, store_id: str, /) -> NamedTrustStore | None:
        return self.trust_stores.get(store_id)

    def alias_owner(self, alias: str, /) -> str | None:
        return self.alias_owners.get(alias)


@pytest.fixture
def known() -> KnownResources:
    """One cache policy `policy`, and origin access controls named after what is special about them."""
    control = {"OriginAccessControlOriginType": "s3", "SigningBehavior": "always", "SigningProtocol": "sigv4"}
    return KnownResources(
        cache_policies={
            "policy": {"Name": "policy", "MinTTL": 1},
            "certificate": {
                "Name": "certificate",
                "MinTTL": 1,
                "ParametersInCacheKeyAndForwardedToOrigin": _listing("CloudFront-Is-Robot-Viewer"),
            },
        },
        origin_request_policies={"robot": _listing("Referer", "CloudFront-Is-Robot-Viewer")},
        origin_access_controls={
            "always": control,
            "never": control | {"SigningBehavior": "never"},
            "no-override": control | {"SigningBehavior": "no-override"},
            "always-amz-auth": control | {"SigningBehavior": "always-amz-auth"},
            "sigv4a": control | {"SigningProtocol": "sigv4a"},
            "lambda": control | {"OriginAccessControlOriginType": "lambda"},
        },
        certificates={
            ACM: OwnCertificate(status="ISSUED", names=("*.example.com", "example.com")),
            f"{ACM}-expired": OwnCertificate(status="EXPIRED", names=("*.example.com",)),
            f"{ACM}-client": OwnCertificate(status="ISSUED", names=(), is_for_clients=True),
            f"{ACM}-client-expired": OwnCertificate(status="EXPIRED", names=(), is_for_clients=True),
        },
        trust_stores={
            "ts_1": NamedTrustStore(is_active=True),
            "ts_pending": NamedTrustStore(is_active=False),
        },
        alias_owners={"taken.example.com": "E1OTHER", "*.taken.example.net": "E1OTHER"},
    )


def _listing(*headers: str) -> Shape:
    return {
        "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": {"Quantity": len(headers), "Items": [*headers]}}
    }


@pytest.fixture
def config_with() -> Callable[[Mapping[str, Any]], Shape]:
    """Gives SOUND, filled with defaults, with other values at dotted paths; `...` removes what is there."""
    return lambda changes: _changed(fill_defaults(SOUND), changes)


@pytest.fixture
def assert_refused(
    config_with: Callable[[Mapping[str, Any]], Shape], known: KnownResources
) -> Callable[[Mapping[str, Any], str, str], None]:
    """Asserts that SOUND with these changes is refused with a code and a message that names something."""

    def assert_refused(changes: Mapping[str, Any], code: str, named: str) -> None:
        with pytest.raises(ApiError) as refusal:
            check_distribution(config_with(changes), known)

        assert refusal.value.code == code
        assert named in refusal.value.message

    return assert_refused


@pytest.fixture
def sparse() -> Shape:
    """SOUND as a caller sends it: with required members and little more."""
    return deepcopy(SOUND)


def _changed(config: Shape, changes: Mapping[str, Any]) -> Shape:
    for path, value in changes.items():
        *parents, last = (int(step) if step.isdigit() else step for step in path.split("."))
        place: Any = config
        for step in parents:
            place = place[step]
        if value is ...:
            del place[last]
        else:
            place[last] = deepcopy(value)
    return config


ACM = "arn:aws:acm:us-east-1:123456789012:certificate/1"
SOUND: Shape = {
    "CallerReference": "first",
    "Comment": "",
    "Enabled": True,
    "Aliases": {"Quantity": 2, "Items": ["www.example.com", "*.example.org"]},
    "Origins": {
        "Quantity": 2,
        "Items": [
            {
                "Id": "site",
                "DomainName": "site.s3.us-east-1.amazonaws.com",
                "OriginAccessControlId": "always",
                "S3OriginConfig": {"OriginAccessIdentity": ""},
            },
            {
                "Id": "api",
                "DomainName": "api.example.com",
                "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": "X-Token", "HeaderValue": "secret"}]},
                "CustomOriginConfig": {
                    "HTTPPort": 8080,
                    "HTTPSPort": 443,
                    "OriginProtocolPolicy": "http-only",
                },
            },
        ],
    },
    "DefaultCacheBehavior": {
        "TargetOriginId": "site",
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": "policy",
    },
    "CacheBehaviors": {
        "Quantity": 1,
        "Items": [
            {
                "PathPattern": "/api/*",
                "TargetOriginId": "api",
                "ViewerProtocolPolicy": "https-only",
                "CachePolicyId": "policy",
            },
        ],
    },
}
