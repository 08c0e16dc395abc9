"""Rules about what viewers get in place of an error.

An error page counts for the whole distribution, and an error is cached as any response. Called through
`rules.findings`.
"""

from collections.abc import Iterator

from edgeward.lint.rules.subject import Finding, Subject, items, writes


def spa_page_masks_errors(subject: Subject) -> Iterator[Finding]:
    """Guide, "Custom error pages": they belong to the whole distribution, not to one cache behavior."""
    masked = [
        each["ErrorCode"]
        for each in items(subject.config.get("CustomErrorResponses"))
        if str(each.get("ResponseCode", "")) == "200" and each["ErrorCode"] in (403, 404)
    ]
    apis = [where for where, behavior in subject.behaviors() if writes(behavior) or "api" in where.lower()]
    if masked and apis:
        yield Finding(
            "spa-page-masks-errors",
            "error",
            "CustomErrorResponses",
            f"errors {', '.join(map(str, masked))} of {apis[0]} reach clients as 200 with the page of the site",
            "let a function rewrite the paths of the single-page application, and leave errors as they are",
        )


def errors_kept_long(subject: Subject) -> Iterator[Finding]:
    """Guide, "How CloudFront caches errors"."""
    for each in items(subject.config.get("CustomErrorResponses")):
        if each["ErrorCode"] >= FIRST_SERVER_ERROR and int(each.get("ErrorCachingMinTTL", 10)) > LONG_ERROR:
            yield Finding(
                "errors-kept-long",
                "warning",
                f"CustomErrorResponses[{each['ErrorCode']}]",
                f"viewers see the error for {each['ErrorCachingMinTTL']} s after the origin is well again",
                "set ErrorCachingMinTTL to ten seconds or so",
            )


LONG_ERROR = 60
"""Seconds."""
FIRST_SERVER_ERROR = 500
