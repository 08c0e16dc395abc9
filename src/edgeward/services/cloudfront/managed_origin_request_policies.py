"""The origin request policies that every account has without creating them.

Each is data only: the id that AWS publishes and the `OriginRequestPolicyConfig` that `GetOriginRequestPolicy`
returns for it. Ids and settings: Developer Guide, "Use managed origin request policies".
"""

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.managed_policies import ManagedPolicy


def _policy(policy_id: str, name: str, comment: str, headers: Shape, rest: str) -> ManagedPolicy:
    """`rest` is the behavior of cookies and of query strings, in this order: `all all`."""
    cookies, query_strings = rest.split()
    config = {
        "Name": f"Managed-{name}",
        "Comment": comment,
        "HeadersConfig": headers,
        "CookiesConfig": {"CookieBehavior": cookies},
        "QueryStringsConfig": {"QueryStringBehavior": query_strings},
    }
    return ManagedPolicy(id=policy_id, config=config)


def _headers(behavior: str, *names: str) -> Shape:
    config: Shape = {"HeaderBehavior": behavior}
    return config | {"Headers": {"Quantity": len(names), "Items": list(names)}} if names else config


_CLOUDFRONT_HEADERS_2022_06 = (
    "CloudFront-Forwarded-Proto",
    "CloudFront-Is-Android-Viewer",
    "CloudFront-Is-Desktop-Viewer",
    "CloudFront-Is-IOS-Viewer",
    "CloudFront-Is-Mobile-Viewer",
    "CloudFront-Is-SmartTV-Viewer",
    "CloudFront-Is-Tablet-Viewer",
    "CloudFront-Viewer-ASN",
    "CloudFront-Viewer-Address",
    "CloudFront-Viewer-City",
    "CloudFront-Viewer-Country",
    "CloudFront-Viewer-Country-Name",
    "CloudFront-Viewer-Country-Region",
    "CloudFront-Viewer-Country-Region-Name",
    "CloudFront-Viewer-Http-Version",
    "CloudFront-Viewer-Latitude",
    "CloudFront-Viewer-Longitude",
    "CloudFront-Viewer-Metro-Code",
    "CloudFront-Viewer-Postal-Code",
    "CloudFront-Viewer-TLS",
    "CloudFront-Viewer-Time-Zone",
)
_PREFLIGHT = ("Access-Control-Request-Headers", "Access-Control-Request-Method", "Origin")

MANAGED_ORIGIN_REQUEST_POLICIES: tuple[ManagedPolicy, ...] = (
    _policy(
        "216adef6-5c7f-47e4-b989-5492eafa07d3",
        "AllViewer",
        "Policy to forward all parameters in viewer requests",
        _headers("allViewer"),
        "all all",
    ),
    _policy(
        "33f36d7e-f396-46d9-90e0-52428a34d9dc",
        "AllViewerAndCloudFrontHeaders-2022-06",
        "Policy to forward all parameters in viewer requests and all CloudFront headers that were released "
        "through June 2022",
        _headers("allViewerAndWhitelistCloudFront", *_CLOUDFRONT_HEADERS_2022_06),
        "all all",
    ),
    _policy(
        "59781a5b-3903-41f3-afcb-af62929ccde1",
        "CORS-CustomOrigin",
        "Policy for CORS with a custom origin",
        _headers("whitelist", "Origin"),
        "none none",
    ),
    _policy(
        "775133bc-15f2-49f9-abea-afb2e0bf67d2",
        "Elemental-MediaTailor-PersonalizedManifests",
        "Policy for Elemental MediaTailor Personalized Manifests",
        _headers("whitelist", *_PREFLIGHT, "User-Agent", "X-Forwarded-For"),
        "none all",
    ),
    _policy(
        "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
        "CORS-S3Origin",
        "Policy for CORS with an S3 origin",
        _headers("whitelist", *_PREFLIGHT),
        "none none",
    ),
    _policy(
        "acba4595-bd28-49b8-b9fe-13317c0390fa",
        "UserAgentRefererHeaders",
        "Policy to forward the User-Agent and Referer headers",
        _headers("whitelist", "Referer", "User-Agent"),
        "none none",
    ),
    _policy(
        "b689b0a8-53d0-40ab-baf2-68738e2966ac",
        "AllViewerExceptHostHeader",
        "Policy to forward all parameters in viewer requests except for the Host header",
        _headers("allExcept", "Host"),
        "all all",
    ),
    _policy(
        "bf0718e1-ba1e-49d1-88b1-f726733018ae",
        "HostHeaderOnly",
        "Policy to forward the Host header",
        _headers("whitelist", "Host"),
        "none none",
    ),
)
