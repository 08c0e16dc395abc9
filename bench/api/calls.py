"""Calls as an SDK sends them: serialized by botocore and signed, ready to be sent over one connection."""

import http.client
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import ServiceModel
from botocore.serialize import create_serializer

from bench.failure import BenchError

ACCESS_KEY, SECRET_KEY = "AKIABENCH", "secret"
HOST = "127.0.0.1"
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"


@dataclass(frozen=True, slots=True)
class SignedCall:
    """One HTTP request."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes


class Caller:
    """One caller of one server, on one connection."""

    def __init__(self, port: int) -> None:
        self._authority = f"{HOST}:{port}"
        self._connection = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT_SECONDS)
        loader = botocore.session.get_session().get_component("data_loader")
        self._model = ServiceModel(loader.load_service_model("cloudfront", "service-2"), "cloudfront")
        self._serializer = create_serializer("rest-xml", include_validation=False)

    def prepare(self, operation: str, **members: Any) -> SignedCall:
        """Serialize and sign a call."""
        wire = self._serializer.serialize_to_request(members, self._model.operation_model(operation))
        query = "&".join(f"{name}={value}" for name, value in wire["query_string"].items())
        target = wire["url_path"] + (f"?{query}" if query else "")
        content = wire["body"] or b""
        request = AWSRequest(
            method=wire["method"],
            url=f"http://{self._authority}{target}",
            headers={"Host": self._authority, "Content-Type": "application/xml", **wire["headers"]},
            data=content,
        )
        SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "cloudfront", "us-east-1").add_auth(request)
        return SignedCall(wire["method"], target, dict(request.headers.items()), content)

    def send(self, call: SignedCall) -> bytes:
        """Send it and return the answer's content. Raises BenchError unless it is a success."""
        self._connection.request(call.method, call.target, call.content, dict(call.headers))
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= http.client.MULTIPLE_CHOICES:
            raise BenchError(f"{call.method} {call.target} was answered {answer.status}: {content[:500]!r}")
        return content

    def create_distribution(self) -> SignedCall:
        """A CreateDistribution with one custom origin and a managed cache policy."""
        return self.prepare("CreateDistribution", DistributionConfig=_config())

    def created(self) -> str:
        """Create a distribution and return its id."""
        found = re.search(rb"<Id>([A-Z0-9]+)</Id>", self.send(self.create_distribution()))
        if found is None:
            raise BenchError("the answer to CreateDistribution names no distribution")
        return found[1].decode()

    def create_invalidation(self, distribution_id: str) -> SignedCall:
        """A CreateInvalidation of one path."""
        batch = {"CallerReference": _reference(), "Paths": {"Quantity": 1, "Items": ["/images/a.png"]}}
        return self.prepare("CreateInvalidation", DistributionId=distribution_id, InvalidationBatch=batch)


def _config() -> dict[str, Any]:
    custom = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
    return {
        "CallerReference": _reference(),
        "Comment": "",
        "Enabled": True,
        "Origins": {
            "Quantity": 1,
            "Items": [{"Id": "site", "DomainName": "www.example.com", "CustomOriginConfig": custom}],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "site",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": CACHING_OPTIMIZED,
        },
    }


def _reference() -> str:
    return f"bench {time.time_ns()}"


TIMEOUT_SECONDS = 60
