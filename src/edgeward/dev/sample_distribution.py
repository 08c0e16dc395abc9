"""The sample distribution, made as a user would make it: with boto3, through the public API and nothing else.

Two origins (a private bucket behind origin access control, and an HTTP server), three cache behaviors, a cache policy
of its own. Invariant: one state folder has one sample distribution, whatever interrupted an earlier start.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from edgeward.dev.aws_clients import REGION
from edgeward.dev.state_folder import StateFolder, read_record, write_private

if TYPE_CHECKING:  # the types are installed for checking only
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_cloudfront.type_defs import (
        CacheBehaviorTypeDef,
        CachePolicyConfigTypeDef,
        DefaultCacheBehaviorTypeDef,
        DistributionConfigTypeDef,
        DistributionSummaryTypeDef,
        OriginAccessControlConfigTypeDef,
        OriginUnionTypeDef,
    )

DYNAMIC_ORIGIN_NAME = "api.localhost"
"""The HTTP origin's domain name; names that end in .localhost are loopback."""
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
"""Managed-CachingOptimized (Developer Guide, "Use managed cache policies")."""
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""Managed-CachingDisabled, from the same page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where the sample distribution gets its content."""

    bucket: str
    """The private bucket that holds the site."""
    dynamic_port: int
    """The loopback port of the HTTP origin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleDistribution:
    """The distribution as the API and viewers know it."""

    id: str
    domain_name: str


def deploy_sample(cloudfront: "CloudFrontClient", origins: Origins, folder: StateFolder) -> SampleDistribution:
    """The sample distribution of `folder`: made at the first call, deployed when this returns.

    Raises botocore's `ClientError` when the API refuses, its `WaiterError` when deployment takes over a minute.
    """
    sample = _existing_sample(cloudfront, folder)
    if sample is None:
        sample = _create_distribution(cloudfront, origins)
    else:
        _follow_dynamic_port(cloudfront, sample.id, origins.dynamic_port)
    write_private(folder.sample, json.dumps({"distribution_id": sample.id, "dynamic_port": origins.dynamic_port}))
    cloudfront.get_waiter("distribution_deployed").wait(Id=sample.id, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return sample


def preferred_dynamic_port(folder: StateFolder) -> int:
    """The port the HTTP origin had at the last start, so that the distribution need not change; 0 at the first."""
    return int(read_record(folder.sample).get("dynamic_port", "0"))


def sample_config(origins: Origins, access_control_id: str, assets_policy_id: str) -> "DistributionConfigTypeDef":
    """The sample distribution's configuration."""
    behaviors: list[CacheBehaviorTypeDef] = [
        {"PathPattern": "/api/*", **_behavior(_DYNAMIC, CACHING_DISABLED)},
        {"PathPattern": "/assets/*", **_behavior(_SITE, assets_policy_id)},
    ]
    return {
        "CallerReference": str(uuid.uuid4()),
        "Comment": _COMMENT,
        "Enabled": True,
        "DefaultRootObject": "index.html",
        "Origins": {"Quantity": 2, "Items": [_site_origin(origins, access_control_id), _dynamic_origin(origins)]},
        "DefaultCacheBehavior": _behavior(_SITE, CACHING_OPTIMIZED),
        "CacheBehaviors": {"Quantity": len(behaviors), "Items": behaviors},
    }


def _existing_sample(cloudfront: "CloudFrontClient", folder: StateFolder) -> SampleDistribution | None:
    """The one on record, else the one with the sample's comment: an earlier start may have died before recording it."""
    pages = cloudfront.get_paginator("list_distributions").paginate()
    known = [item for page in pages for item in page["DistributionList"].get("Items", [])]
    recorded = read_record(folder.sample).get("distribution_id")

    def rank(item: "DistributionSummaryTypeDef") -> int:
        return 2 if item["Id"] == recorded else 1 if item["Comment"] == _COMMENT else 0

    best = max(known, key=rank, default=None)
    if best is None or rank(best) == 0:
        return None
    return SampleDistribution(id=best["Id"], domain_name=best["DomainName"])


def _create_distribution(cloudfront: "CloudFrontClient", origins: Origins) -> SampleDistribution:
    access_control_id, assets_policy_id = _access_control(cloudfront), _assets_policy(cloudfront)
    config = sample_config(origins, access_control_id, assets_policy_id)
    created = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
    return SampleDistribution(id=created["Id"], domain_name=created["DomainName"])


def _access_control(cloudfront: "CloudFrontClient") -> str:
    """The id of the origin access control, made when missing."""
    for item in _every(cloudfront.list_origin_access_controls, "OriginAccessControlList"):
        if item["Name"] == _ACCESS_CONTROL["Name"]:
            return str(item["Id"])
    made = cloudfront.create_origin_access_control(OriginAccessControlConfig=_ACCESS_CONTROL)
    return made["OriginAccessControl"]["Id"]


def _assets_policy(cloudfront: "CloudFrontClient") -> str:
    """The id of the custom cache policy, made when missing."""
    for item in _every(partial(cloudfront.list_cache_policies, Type="custom"), "CachePolicyList"):
        if item["CachePolicy"]["CachePolicyConfig"]["Name"] == _ASSETS_POLICY["Name"]:
            return str(item["CachePolicy"]["Id"])
    return cloudfront.create_cache_policy(CachePolicyConfig=_ASSETS_POLICY)["CachePolicy"]["Id"]


def _every(page: Callable[..., Any], member: str) -> Iterator[Any]:
    """The items of all pages; quotas may let there be more than one page holds."""
    marker: dict[str, str] = {}
    while True:
        found = page(**marker)[member]
        yield from found.get("Items", [])
        if "NextMarker" not in found:
            return
        marker = {"Marker": found["NextMarker"]}


def _follow_dynamic_port(cloudfront: "CloudFrontClient", distribution_id: str, port: int) -> None:
    """Tells the distribution when its HTTP origin had to move to another port."""
    current = cloudfront.get_distribution_config(Id=distribution_id)
    config, moved = current["DistributionConfig"], False
    for origin in config["Origins"]["Items"]:
        custom = origin.get("CustomOriginConfig")
        if origin["Id"] == _DYNAMIC and custom is not None and custom["HTTPPort"] != port:
            custom["HTTPPort"], moved = port, True
    if moved:
        cloudfront.update_distribution(Id=distribution_id, DistributionConfig=config, IfMatch=current["ETag"])


def _site_origin(origins: Origins, access_control_id: str) -> "OriginUnionTypeDef":
    return {
        "Id": _SITE,
        "DomainName": f"{origins.bucket}.s3.{REGION}.amazonaws.com",
        "OriginAccessControlId": access_control_id,
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }


def _dynamic_origin(origins: Origins) -> "OriginUnionTypeDef":
    return {
        "Id": _DYNAMIC,
        "DomainName": DYNAMIC_ORIGIN_NAME,
        "CustomOriginConfig": {
            "HTTPPort": origins.dynamic_port,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "http-only",
        },
    }


def _behavior(origin_id: str, cache_policy_id: str) -> "DefaultCacheBehaviorTypeDef":
    return {"TargetOriginId": origin_id, "ViewerProtocolPolicy": "allow-all", "CachePolicyId": cache_policy_id}


_SITE = "site"
_DYNAMIC = "dynamic"
_COMMENT = "Edgeward sample site"
_ACCESS_CONTROL: "OriginAccessControlConfigTypeDef" = {
    "Name": "edgeward-sample",
    "Description": "The edge signs its requests to the sample site's bucket",
    "SigningProtocol": "sigv4",
    "SigningBehavior": "always",
    "OriginAccessControlOriginType": "s3",
}
_ASSETS_POLICY: "CachePolicyConfigTypeDef" = {
    "Name": "edgeward-sample-assets",
    "Comment": "One hour, whatever the query string",
    "MinTTL": 1,
    "DefaultTTL": 3600,
    "MaxTTL": 86400,
    "ParametersInCacheKeyAndForwardedToOrigin": {
        "EnableAcceptEncodingGzip": True,
        "EnableAcceptEncodingBrotli": True,
        "HeadersConfig": {"HeaderBehavior": "none"},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
    },
}
