"""Distribution configurations that the client tests send."""

import uuid
from typing import Any

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"


def one_origin(domain_name: str, *, enabled: bool = True, comment: str = "made by a test") -> Any:
    """The smallest configuration that serves something: one S3 origin behind an access control, or one without."""
    return {
        "CallerReference": str(uuid.uuid4()),
        "Comment": comment,
        "Enabled": enabled,
        "Origins": {
            "Quantity": 1,
            "Items": [{"Id": "site", "DomainName": domain_name, "S3OriginConfig": {"OriginAccessIdentity": ""}}],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "site",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": CACHING_OPTIMIZED,
        },
    }
