"""A response headers policy of the plan: names and values as the edge writes them.

Source: Developer Guide, "Understand response headers policies".
"""

from collections.abc import Iterator

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.fields import items_of


def compile_response_headers(policy: Shape) -> Shape:
    """The plan's `response_headers`."""
    custom = items_of(policy.get("CustomHeadersConfig"))
    return {
        "remove": sorted(header["Header"].lower() for header in items_of(policy.get("RemoveHeadersConfig"))),
        "cors": _cors(policy["CorsConfig"]) if policy.get("CorsConfig") else None,
        "fields": sorted(
            [
                *_security_fields(policy.get("SecurityHeadersConfig", {})),
                *(_field(header["Header"], header["Value"], header) for header in custom),
            ],
            key=lambda field: field["name"],
        ),
        "server_timing": _server_timing(policy.get("ServerTimingHeadersConfig", {})),
    }


def _field(name: str, value: str, setting: Shape) -> Shape:
    return {"name": name.lower(), "value": value, "overrides": setting["Override"]}


def _cors(cors: Shape) -> Shape:
    credentials = [["access-control-allow-credentials", "true"]] if cors["AccessControlAllowCredentials"] else []
    exposed = items_of(cors.get("AccessControlExposeHeaders"))
    preflight = [
        ["access-control-allow-headers", ", ".join(items_of(cors["AccessControlAllowHeaders"]))],
        ["access-control-allow-methods", ", ".join(_methods(items_of(cors["AccessControlAllowMethods"])))],
    ]
    if "AccessControlMaxAgeSec" in cors:
        preflight.append(["access-control-max-age", str(cors["AccessControlMaxAgeSec"])])
    return {
        "allow_origins": sorted(items_of(cors["AccessControlAllowOrigins"])),
        "overrides": cors["OriginOverride"],
        "preflight": [*credentials, *preflight],
        "simple": [*credentials, *([["access-control-expose-headers", ", ".join(exposed)]] if exposed else [])],
    }


def _methods(methods: list[str]) -> list[str]:
    return list(_ALL_METHODS) if "ALL" in methods else methods


def _security_fields(security: Shape) -> Iterator[Shape]:
    if xss := security.get("XSSProtection"):
        yield _field("x-xss-protection", _xss_protection(xss), xss)
    if frame := security.get("FrameOptions"):
        yield _field("x-frame-options", frame["FrameOption"], frame)
    if referrer := security.get("ReferrerPolicy"):
        yield _field("referrer-policy", referrer["ReferrerPolicy"], referrer)
    if csp := security.get("ContentSecurityPolicy"):
        yield _field("content-security-policy", csp["ContentSecurityPolicy"], csp)
    if options := security.get("ContentTypeOptions"):
        yield _field("x-content-type-options", "nosniff", options)
    if transport := security.get("StrictTransportSecurity"):
        yield _field("strict-transport-security", _transport_security(transport), transport)


def _xss_protection(xss: Shape) -> str:
    if not xss["Protection"]:
        return "0"
    if xss.get("ModeBlock"):
        return "1; mode=block"
    return f"1; report={xss['ReportUri']}" if xss.get("ReportUri") else "1"


def _transport_security(transport: Shape) -> str:
    subdomains = "; includeSubDomains" if transport.get("IncludeSubdomains") else ""
    preload = "; preload" if transport.get("Preload") else ""
    return f"max-age={transport['AccessControlMaxAgeSec']}{subdomains}{preload}"


def _server_timing(timing: Shape) -> int | None:
    """In millionths; a rate is a percentage with four decimals."""
    return round(timing["SamplingRate"] * 10_000) if timing.get("Enabled") else None


_ALL_METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")
