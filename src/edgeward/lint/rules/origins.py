"""Rules about the way from the edge to origins: TLS, gRPC, failover.

Buckets have rules of their own, in `buckets`. Called through `rules.findings`.
"""

from collections.abc import Iterator

from edgeward.lint.rules.subject import Finding, Subject, items


def origin_in_clear(subject: Subject) -> Iterator[Finding]:
    """Guide, "Require HTTPS for communication between CloudFront and your custom origin"."""
    for name, origin in subject.origins.items():
        custom = origin.get("CustomOriginConfig", {})
        is_private = "." not in origin["DomainName"] or origin["DomainName"].endswith((".internal", ".localhost"))
        if custom.get("OriginProtocolPolicy") == "http-only" and not is_private:
            is_website = "s3-website" in origin["DomainName"]
            yield Finding(
                "origin-in-clear",
                "hint" if is_website else "warning",
                f"Origins[{name}]",
                "requests travel to the origin without TLS, cookies and credentials included",
                "use the bucket's own domain name" if is_website else "set OriginProtocolPolicy to https-only",
            )


def grpc_in_clear(subject: Subject) -> Iterator[Finding]:
    """Guide, "Using gRPC with CloudFront distributions"."""
    for where, behavior in subject.behaviors():
        is_grpc = behavior.get("GrpcConfig", {}).get("Enabled")
        for origin in subject.targets(behavior)[:1] if is_grpc else ():
            if origin.get("CustomOriginConfig", {}).get("OriginProtocolPolicy", "http-only") == "http-only":
                yield Finding(
                    "grpc-in-clear",
                    "error",
                    f"{where}.GrpcConfig",
                    f"gRPC goes over HTTPS alone, and {origin['Id']} is asked in clear: every call fails",
                    "set OriginProtocolPolicy to https-only or match-viewer",
                )


def old_tls_to_origin(subject: Subject) -> Iterator[Finding]:
    """RFC 8996."""
    for name, origin in subject.origins.items():
        old = [each for each in items(origin.get("CustomOriginConfig", {}).get("OriginSslProtocols")) if each in _OLD]
        if old:
            yield Finding(
                "old-tls-to-origin",
                "hint",
                f"Origins[{name}]",
                f"{', '.join(old)} may be spoken with the origin; this edge speaks TLS 1.2 and 1.3 alone",
                "list TLSv1.2",
            )


def failover_to_itself(subject: Subject) -> Iterator[Finding]:
    """Guide, "Optimize high availability with CloudFront origin failover"."""
    for group in items(subject.config.get("OriginGroups")):
        names = [each["OriginId"] for each in items(group.get("Members"))]
        domains = {subject.origins[name]["DomainName"] for name in names if name in subject.origins}
        if len(names) > 1 and len(domains) == 1:
            yield Finding(
                "failover-to-itself",
                "warning",
                f"OriginGroups[{group['Id']}]",
                "both origins have one domain name: they fail together",
                "let the second one be another server or region",
            )


_OLD = ("SSLv3", "TLSv1", "TLSv1.1")
