"""Rules about origins that are S3 buckets.

A bucket is closed to all but signed requests, answers under its own name alone, and has no page for `/`. Called through
`rules.findings`.
"""

from collections.abc import Iterator

from edgeward.lint.rules.subject import Finding, Subject, items, writes


def access_control_with_website(subject: Subject) -> Iterator[Finding]:
    """Guide, "Restrict access to an Amazon S3 origin": not for website endpoints."""
    for name, origin in subject.origins.items():
        if "s3-website" in origin["DomainName"] and origin.get("OriginAccessControlId"):
            yield Finding(
                "access-control-with-website",
                "error",
                f"Origins[{name}]",
                "a website endpoint of S3 takes no signed requests",
                "use the bucket's own domain name, bucket.s3.<region>.amazonaws.com",
            )


def bucket_without_access_control(subject: Subject) -> Iterator[Finding]:
    """Guide, "Restrict access to an Amazon S3 origin"."""
    for name, origin in subject.origins.items():
        identity = origin.get("S3OriginConfig", {}).get("OriginAccessIdentity")
        if "S3OriginConfig" in origin and not identity and not origin.get("OriginAccessControlId"):
            yield Finding(
                "bucket-without-access-control",
                "warning",
                f"Origins[{name}]",
                "requests to the bucket are not signed, so the bucket has to be open to everybody",
                "attach an origin access control and close the bucket",
            )


def host_sent_to_bucket(subject: Subject) -> Iterator[Finding]:
    """Guide, "Control origin requests with a policy": S3 takes the Host for the name of the bucket."""
    for where, behavior in subject.behaviors():
        policy = subject.origin_request_policies.get(behavior.get("OriginRequestPolicyId", ""), {})
        headers = policy.get("HeadersConfig", {})
        listed = {name.lower() for name in items(headers.get("Headers"))}
        is_sent = headers.get("HeaderBehavior") in ("allViewer", "allViewerAndWhitelistCloudFront") or "host" in listed
        is_bucket = any("S3OriginConfig" in origin for origin in subject.targets(behavior))
        if headers.get("HeaderBehavior") != "allExcept" and is_sent and is_bucket:
            yield Finding(
                "host-sent-to-bucket",
                "error",
                where,
                "the viewer's Host reaches an S3 bucket, which finds no bucket of that name",
                "use AllViewerExceptHostHeader, or a policy that names what is needed",
            )


def writes_to_bucket(subject: Subject) -> Iterator[Finding]:
    """Guide, "Cache behavior settings", allowed HTTP methods."""
    for where, behavior in subject.behaviors():
        if writes(behavior) and any("S3OriginConfig" in origin for origin in subject.targets(behavior)):
            yield Finding(
                "writes-to-bucket",
                "warning",
                where,
                "viewers may PUT and DELETE, and the origin is a bucket",
                "allow GET, HEAD and OPTIONS, unless viewers are meant to write into the bucket",
            )


def no_root_object(subject: Subject) -> Iterator[Finding]:
    """Guide, "Specify a default root object"."""
    default = subject.config.get("DefaultCacheBehavior", {})
    is_bucket = any("S3OriginConfig" in origin for origin in subject.targets(default))
    if is_bucket and not subject.config.get("DefaultRootObject"):
        yield Finding(
            "no-root-object",
            "hint",
            "DefaultRootObject",
            "a request for / lists the bucket, or is refused by it",
            "set DefaultRootObject, to index.html for most sites",
        )
