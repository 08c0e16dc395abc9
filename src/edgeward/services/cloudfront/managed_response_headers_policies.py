"""The response headers policies that every account has without creating them.

Each is data only: the id that AWS publishes and the `ResponseHeadersPolicyConfig` that `GetResponseHeadersPolicy`
returns for it. Ids and settings: Developer Guide, "Use managed response headers policies".
"""

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.managed_policies import ManagedPolicy


def _policy(policy_id: str, name: str, comment: str, *parts: Shape) -> ManagedPolicy:
    config: Shape = {"Name": f"Managed-{name}", "Comment": comment}
    for part in parts:
        config |= part
    return ManagedPolicy(id=policy_id, config=config)


def _items(*names: str) -> Shape:
    return {"Quantity": len(names), "Items": list(names)}


def _cors(methods: Shape, expose: Shape) -> Shape:
    return {
        "CorsConfig": {
            "AccessControlAllowOrigins": _items("*"),
            "AccessControlAllowHeaders": _items("*"),
            "AccessControlAllowMethods": methods,
            "AccessControlAllowCredentials": False,
            "OriginOverride": False,
            **expose,
        }
    }


_SIMPLE_CORS = _cors(_items("GET", "HEAD"), {})
_PREFLIGHT_CORS = _cors(
    _items("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"), {"AccessControlExposeHeaders": _items("*")}
)
_SECURITY: Shape = {
    "SecurityHeadersConfig": {
        "XSSProtection": {"Override": False, "Protection": True, "ModeBlock": True},
        "FrameOptions": {"Override": False, "FrameOption": "SAMEORIGIN"},
        "ReferrerPolicy": {"Override": False, "ReferrerPolicy": "strict-origin-when-cross-origin"},
        "ContentTypeOptions": {"Override": True},
        "StrictTransportSecurity": {"Override": False, "AccessControlMaxAgeSec": 31_536_000},
    }
}

# Which methods SimpleCORS lists is not documented; simple requests do not ask for them.
MANAGED_RESPONSE_HEADERS_POLICIES: tuple[ManagedPolicy, ...] = (
    _policy(
        "5cc3b908-e619-4b99-88e5-2cf7f45965bd",
        "CORS-With-Preflight",
        "Allows all origins for CORS requests, including preflight requests",
        _PREFLIGHT_CORS,
    ),
    _policy(
        "60669652-455b-4ae9-85a4-c4c02393f86c",
        "SimpleCORS",
        "Allows all origins for simple CORS requests",
        _SIMPLE_CORS,
    ),
    _policy(
        "67f7725c-6f97-4210-82d7-5512b31e9d03",
        "SecurityHeadersPolicy",
        "Adds a set of security headers to every response",
        _SECURITY,
    ),
    _policy(
        "e61eb60c-9c35-4d20-a928-2b84e02af89c",
        "CORS-and-SecurityHeadersPolicy",
        "Allows all origins for simple CORS requests and adds security headers",
        _SIMPLE_CORS,
        _SECURITY,
    ),
    _policy(
        "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
        "CORS-with-preflight-and-SecurityHeadersPolicy",
        "Allows all origins for CORS requests, including preflight requests, and adds security headers",
        _PREFLIGHT_CORS,
        _SECURITY,
    ),
)
