"""Classic mistakes in the configuration of a distribution. Pure: a configuration in, findings out.

Each rule is a function that yields findings and says in its docstring where the advice comes from; a module holds those
of one subject, and `RULES` names them all. A policy that is not known here (there is no API to ask, or it is gone) is
passed over: a rule never guesses. Called by the command `lint` and by the API, for every change.
"""

from collections.abc import Callable, Iterator

from edgeward.lint.rules import buckets, caching, errors, origins, unused, viewers
from edgeward.lint.rules.subject import SEVERITIES, Finding, Severity, Subject

__all__ = ["RULES", "SEVERITIES", "Finding", "Severity", "Subject", "findings"]


def findings(subject: Subject) -> list[Finding]:
    """What every rule finds, errors first."""
    found = [finding for rule in RULES for finding in rule(subject)]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


RULES: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    errors.spa_page_masks_errors,
    caching.cors_without_origin,
    caching.all_cookies_in_key,
    caching.unique_header_in_key,
    caching.all_headers_forwarded,
    caching.minimum_ttl_overrules,
    caching.authorization_in_key,
    viewers.alias_without_certificate,
    viewers.certificate_of_other_region,
    buckets.access_control_with_website,
    buckets.bucket_without_access_control,
    buckets.host_sent_to_bucket,
    buckets.writes_to_bucket,
    viewers.viewers_in_clear,
    origins.origin_in_clear,
    origins.grpc_in_clear,
    origins.old_tls_to_origin,
    viewers.old_tls_to_viewers,
    errors.errors_kept_long,
    buckets.no_root_object,
    caching.compression_without_codings,
    unused.unreachable_behavior,
    unused.unused_origin,
    viewers.signers_by_account,
    origins.failover_to_itself,
)
"""All of them, in the order in which their findings are told."""
