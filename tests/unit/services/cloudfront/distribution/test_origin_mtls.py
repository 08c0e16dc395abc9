"""The rules of the certificate that an edge shows to an origin."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from edgeward.aws.model import Shape
from edgeward.services.cloudfront.distribution.origin_mtls import client_certificate_arns
from edgeward.services.cloudfront.distribution.references import References
from edgeward.services.cloudfront.distribution.rules import check_distribution

AssertRefused = Callable[[Mapping[str, Any], str, str], None]
ACM = "arn:aws:acm:us-east-1:123456789012:certificate/1"
MEMBER = "ClientCertificateArn"
CUSTOM = "Origins.Items.1.CustomOriginConfig"


def showing(arn: str, **changes: str) -> dict[str, Any]:
    policy = {f"{CUSTOM}.OriginProtocolPolicy": "https-only"}
    return policy | {f"{CUSTOM}.OriginMtlsConfig": {"ClientCertificateArn": arn}} | changes


@pytest.mark.parametrize(
    ("arn", "named"),
    [
        pytest.param(f"{ACM}-lost", "there is no certificate", id="missing"),
        pytest.param(f"{ACM}-client-expired", "the certificate's status is EXPIRED", id="expired"),
        pytest.param(ACM, "the certificate's extended key usage lacks TLS Web Client Authentication", id="a server's"),
    ],
)
def test_a_certificate_that_cannot_be_shown_is_refused_by_name(
    arn: str, named: str, assert_refused: AssertRefused
) -> None:
    assert_refused(showing(arn), "InvalidArgument", f"Items[api].CustomOriginConfig.OriginMtlsConfig.{MEMBER}: {named}")


@pytest.mark.parametrize("policy", ["http-only", "match-viewer"])
def test_an_origin_that_may_be_asked_without_tls_is_shown_no_certificate(
    policy: str, assert_refused: AssertRefused
) -> None:
    changes = showing(f"{ACM}-client") | {f"{CUSTOM}.OriginProtocolPolicy": policy}
    assert_refused(changes, "InvalidArgument", f"OriginProtocolPolicy: {policy} does not always show")


def test_a_certificate_for_clients_is_accepted(
    config_with: Callable[[Mapping[str, Any]], Shape], known: References
) -> None:
    config = config_with(showing(f"{ACM}-client"))
    check_distribution(config, known)
    assert list(client_certificate_arns(config)) == [f"{ACM}-client"]


@pytest.mark.parametrize("target", ["api", "both"])
def test_grpc_does_not_go_together_with_a_certificate_for_the_origin(
    target: str, assert_refused: AssertRefused
) -> None:
    members = {"Quantity": 2, "Items": [{"OriginId": "site"}, {"OriginId": "api"}]}
    statuses = {"StatusCodes": {"Quantity": 1, "Items": [503]}}
    group = {"Id": "both", "FailoverCriteria": statuses, "Members": members}
    grpc = {
        "OriginGroups": {"Quantity": 1, "Items": [group]},
        "CacheBehaviors.Items.0.TargetOriginId": target,
        "CacheBehaviors.Items.0.AllowedMethods": {
            "Quantity": 7,
            "Items": ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"],
            "CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
        },
        "CacheBehaviors.Items.0.GrpcConfig": {"Enabled": True},
    }
    assert_refused(showing(f"{ACM}-client") | grpc, "InvalidArgument", "GrpcConfig.Enabled: gRPC does not go together")
