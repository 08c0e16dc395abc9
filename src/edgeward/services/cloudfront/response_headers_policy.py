"""Response headers policies: what is added to a response, and removed from it, on its way to the viewer.

Managed policies are part of every account, cannot be changed, and are listed beside the custom ones. A change of a
policy republishes the distributions that use it. Rules: API reference, ResponseHeadersPolicyConfig; Developer Guide,
"Understand response headers policies" and "Quotas".
"""

import re
from datetime import UTC, datetime

from edgeward.aws.engine import Proposal, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.quotas import Quotas
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.managed_resources import managed_resources
from edgeward.services.cloudfront.managed_response_headers_policies import MANAGED_RESPONSE_HEADERS_POLICIES
from edgeward.services.cloudfront.policy_selections import check_text
from edgeward.services.cloudfront.republishing import republish_users


def check(proposal: Proposal) -> None:
    """The rules of a response headers policy that its shape does not state. Raises ApiError with CloudFront's code."""
    config = proposal.config
    check_text(config, "response headers policy")
    parts = [config[name] for name in PARTS if name in config]
    if not any(parts):
        raise ApiError("InvalidArgument", f"The policy does nothing. Give at least one of {', '.join(PARTS)}.")
    _check_cors(config.get("CorsConfig"))
    _check_security(config.get("SecurityHeadersConfig", {}), proposal.quotas)
    _check_server_timing(config.get("ServerTimingHeadersConfig", {}))
    _check_custom(config.get("CustomHeadersConfig", {}).get("Items", []), proposal.quotas)
    _check_removed(config.get("RemoveHeadersConfig", {}).get("Items", []))


def describe(_transaction: Transaction, policy: Resource) -> Shape:
    """The ResponseHeadersPolicy structure."""
    return {"Id": policy.id, "LastModifiedTime": policy.modified, "ResponseHeadersPolicyConfig": policy.config}


def summarize(transaction: Transaction, policy: Resource) -> Shape:
    """The ResponseHeadersPolicySummary structure."""
    kind = "managed" if policy.id in MANAGED else "custom"
    return {"Type": kind, "ResponseHeadersPolicy": describe(transaction, policy)}


def _check_cors(cors: Shape | None) -> None:
    if cors is None:
        return
    lists = {name: cors.get(name, {}).get("Items", []) for name in CORS_LISTS}
    for name in CORS_LISTS[:3]:
        if not lists[name]:
            raise ApiError("InvalidArgument", f"CorsConfig.{name} is empty. List at least one item.")
    _check_cors_items(lists)
    # Browsers take * for a name when credentials are sent (Fetch standard).
    wild = [name for name, items in lists.items() if "*" in items]
    if cors["AccessControlAllowCredentials"] and wild:
        raise ApiError(
            "InvalidArgument",
            f"CorsConfig.{wild[0]} cannot be * when AccessControlAllowCredentials is true. List the values.",
        )
    if cors.get("AccessControlMaxAgeSec", 0) < 0:
        raise ApiError("InvalidArgument", "CorsConfig.AccessControlMaxAgeSec is negative. Give 0 or more seconds.")


def _check_cors_items(lists: Shape) -> None:
    for origin in lists["AccessControlAllowOrigins"]:
        if not ORIGIN.fullmatch(origin):
            raise ApiError(
                "InvalidArgument",
                f"CorsConfig.AccessControlAllowOrigins: '{origin}' is no origin. Write * or https://www.example.com; "
                "a wildcard can only be the whole leftmost label, as in https://*.example.com.",
            )
    for name in ("AccessControlAllowHeaders", "AccessControlExposeHeaders"):
        for header in lists[name]:
            if not TOKEN.fullmatch(header):
                raise ApiError("InvalidArgument", f"CorsConfig.{name}: '{header}' is no header name.")


def _check_security(security: Shape, limits: Quotas) -> None:
    xss = security.get("XSSProtection", {})
    if xss.get("ModeBlock") and xss.get("ReportUri"):
        raise ApiError("InvalidArgument", "XSSProtection has ModeBlock and ReportUri. Choose one of them.")
    if xss and not xss["Protection"] and (xss.get("ModeBlock") or xss.get("ReportUri")):
        raise ApiError("InvalidArgument", "XSSProtection: ModeBlock and ReportUri go with Protection true.")
    csp = security.get("ContentSecurityPolicy", {}).get("ContentSecurityPolicy", "")
    most = limits[quotas.CONTENT_SECURITY_POLICY_LENGTH]
    if len(csp) > most:
        raise ApiError(
            quotas.CONTENT_SECURITY_POLICY_LENGTH.error,
            f"The Content-Security-Policy is longer than {most} characters.",
        )
    for value in (csp, xss.get("ReportUri", "")):
        _check_value("SecurityHeadersConfig", value)
    if security.get("StrictTransportSecurity", {}).get("AccessControlMaxAgeSec", 0) < 0:
        raise ApiError("InvalidArgument", "StrictTransportSecurity.AccessControlMaxAgeSec is negative.")


def _check_server_timing(timing: Shape) -> None:
    rate = timing.get("SamplingRate", 0.0)
    if not 0 <= rate <= 100 or round(rate, 4) != rate:
        raise ApiError("InvalidArgument", "SamplingRate is a percentage from 0 to 100 with up to four decimals.")
    if timing.get("Enabled") and "SamplingRate" not in timing:
        raise ApiError("InvalidArgument", "ServerTimingHeadersConfig is enabled. Give its SamplingRate.")


def _check_custom(headers: list[Shape], limits: Quotas) -> None:
    most, longest = limits[quotas.RESPONSE_HEADERS_POLICY_HEADERS], limits[quotas.CUSTOM_HEADER_VALUE_LENGTH]
    if len(headers) > most:
        raise ApiError(
            quotas.RESPONSE_HEADERS_POLICY_HEADERS.error,
            f"The policy has {len(headers)} custom headers; it can have {most}.",
        )
    _check_names("CustomHeadersConfig", [header["Header"] for header in headers])
    for header in headers:
        name, value = header["Header"], header["Value"]
        if name.lower() in SECURITY_HEADERS or name.lower().startswith("access-control-"):
            raise ApiError(
                "InvalidArgument",
                f"CustomHeadersConfig: '{name}' has a setting of its own. Use SecurityHeadersConfig or CorsConfig.",
            )
        if len(value) > longest:
            raise ApiError("InvalidArgument", f"The value of '{name}' is longer than {longest} characters.")
        _check_value(name, value)


def _check_removed(headers: list[Shape]) -> None:
    if len(headers) > MOST_REMOVED_HEADERS:
        raise ApiError(
            "TooManyRemoveHeadersInResponseHeadersPolicy",
            f"The policy removes {len(headers)} headers; it can remove {MOST_REMOVED_HEADERS}.",
        )
    _check_names("RemoveHeadersConfig", [header["Header"] for header in headers])


def _check_names(where: str, names: list[str]) -> None:
    lower = [name.lower() for name in names]
    for name in lower:
        if not TOKEN.fullmatch(name) or lower.count(name) > 1:
            raise ApiError("InvalidArgument", f"{where}: '{name}' is no header name, or is there twice.")
        if name in KEPT or name.startswith(KEPT_PREFIXES):
            raise ApiError("InvalidArgument", f"{where}: the header '{name}' cannot be added or removed. Leave it out.")


def _check_value(name: str, value: str) -> None:
    if not VALUE.fullmatch(value):
        raise ApiError("InvalidArgument", f"{name}: a value holds visible ASCII characters and spaces between them.")


PARTS = (
    "CorsConfig",
    "SecurityHeadersConfig",
    "ServerTimingHeadersConfig",
    "CustomHeadersConfig",
    "RemoveHeadersConfig",
)
CORS_LISTS = (
    "AccessControlAllowOrigins",
    "AccessControlAllowHeaders",
    "AccessControlAllowMethods",
    "AccessControlExposeHeaders",
)
ORIGIN = re.compile(r"\*|(https?://)?(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(:[0-9]{1,5})?")
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
VALUE = re.compile(r"([!-~]([ -~]*[!-~])?)?")
SECURITY_HEADERS = frozenset(
    {
        "content-security-policy",
        "referrer-policy",
        "server-timing",
        "strict-transport-security",
        "x-content-type-options",
        "x-frame-options",
        "x-xss-protection",
    }
)
KEPT = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "warning",
        "x-amzn-auth",
        "x-amzn-cf-billing",
        "x-amzn-cf-id",
        "x-amzn-cf-xff",
        "x-amzn-errortype",
        "x-amzn-fle-profile",
        "x-amzn-header-count",
        "x-amzn-header-order",
        "x-amzn-lambda-integration-tag",
        "x-amzn-requestid",
        "x-cache",
        "x-forwarded-proto",
        "x-real-ip",
    }
)
"""Developer Guide, "Understand response headers policies": neither removed nor added."""
KEPT_PREFIXES = ("x-accel-", "x-amz-cf-", "x-edge-")
LONGEST_VALUE = 1_783
MOST_REMOVED_HEADERS = 10

MANAGED = managed_resources(
    "response-headers-policy", MANAGED_RESPONSE_HEADERS_POLICIES, datetime(2021, 11, 2, tzinfo=UTC)
)

SPEC = ResourceSpec(
    family="response-headers-policy",
    noun="ResponseHeadersPolicy",
    plural="ResponseHeadersPolicies",
    no_such="NoSuchResponseHeadersPolicy",
    already_exists="ResponseHeadersPolicyAlreadyExists",
    in_use="ResponseHeadersPolicyInUse",
    name_member="Name",
    quota=quotas.RESPONSE_HEADERS_POLICIES,
    managed=MANAGED,
    new_id=lambda identifiers: identifiers.uuid(),
    check=check,
    describe=describe,
    summarize=summarize,
    on_change=republish_users,
)
