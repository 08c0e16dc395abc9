"""Real-time log configurations: which fields of how many requests go to which data stream.

Named by name or ARN in the body, and without ETags. Rules: API reference, RealtimeLogConfig; Developer Guide, "Use
real-time logs" and "Quotas".
"""

import re

from edgeward.aws.engine import Proposal, ResourceSpec
from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.resources import Resource, Transaction
from edgeward.services.cloudfront import quotas
from edgeward.services.cloudfront.arns import arn_of, by_any_identifier
from edgeward.services.cloudfront.republishing import republish_users_by_name


def realtime_log_config_spec(account_id: str) -> ResourceSpec:
    """The family, for one account."""

    def describe(_transaction: Transaction, config: Resource) -> Shape:
        return {"ARN": arn_of(account_id, FAMILY, str(config.name)), **config.config}

    return ResourceSpec(
        family=FAMILY,
        noun="RealtimeLogConfig",
        plural="RealtimeLogConfigs",
        no_such="NoSuchRealtimeLogConfig",
        already_exists="RealtimeLogConfigAlreadyExists",
        in_use="RealtimeLogConfigInUse",
        has_versions=False,
        name_member="Name",
        quota=quotas.REALTIME_LOG_CONFIGS,
        new_id=lambda identifiers: identifiers.uuid(),
        identify=identify,
        look_up=by_any_identifier(account_id, FAMILY),
        path_name=lambda config: str(config.name),
        held_as=lambda config: str(config.name),
        read_config=read_config,
        check=check,
        describe=describe,
        summarize=describe,
        on_change=republish_users_by_name,
    )


def identify(members: Shape) -> str:
    """The name, which goes before the ARN when both are given. Raises ApiError `InvalidArgument`."""
    word = members.get("Name") or members.get("ARN")
    if not word:
        raise ApiError("InvalidArgument", "Name or ARN is needed to tell the real-time log configuration.")
    return str(word)


def read_config(members: Shape, before: Resource | None) -> Shape:
    """The configuration of an input; an update keeps what it does not name."""
    given = {name: members[name] for name in MEMBERS if name in members}
    return given if before is None else before.config | given | {"Name": before.name}


def check(proposal: Proposal) -> None:
    """The rules that the shape does not state. Raises ApiError `InvalidArgument`."""
    config = proposal.config
    if not re.fullmatch(NAME_PATTERN, config["Name"]):
        raise ApiError("InvalidArgument", "Name has 1 to 64 letters, digits, hyphens and underscores.")
    if not 1 <= config["SamplingRate"] <= 100:
        raise ApiError("InvalidArgument", f"SamplingRate has to be from 1 to 100, not {config['SamplingRate']}.")
    _check_fields(config["Fields"])
    _check_end_points(config["EndPoints"])


def _check_fields(names: list[str]) -> None:
    unknown = [name for name in names if name not in FIELDS]
    if unknown:
        raise ApiError("InvalidArgument", f"Fields: '{unknown[0][:80]}' is no field of real-time logs.")
    if not names or len(set(names)) < len(names):
        raise ApiError("InvalidArgument", "Fields is empty or names a field twice. Name each field once.")


def _check_end_points(end_points: list[Shape]) -> None:
    if len(end_points) != 1:
        raise ApiError("InvalidArgument", f"EndPoints has {len(end_points)} items. Name one data stream.")
    if end_points[0]["StreamType"] != "Kinesis" or "KinesisStreamConfig" not in end_points[0]:
        raise ApiError("InvalidArgument", "EndPoints: StreamType has to be Kinesis, with a KinesisStreamConfig.")
    stream = end_points[0]["KinesisStreamConfig"]
    for member, pattern in ARN_PATTERNS.items():
        if not re.fullmatch(pattern, stream[member]):
            raise ApiError("InvalidArgument", f"KinesisStreamConfig.{member} is no such ARN: '{stream[member][:80]}'.")


FAMILY = "realtime-log-config"
MEMBERS = ("Name", "SamplingRate", "EndPoints", "Fields")
NAME_PATTERN = r"[A-Za-z0-9_-]{1,64}"
ARN_PATTERNS = {
    "RoleARN": r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\x21-\x7e]{1,512}",
    "StreamARN": r"arn:aws[a-z-]*:kinesis:[a-z0-9-]+:[0-9]{12}:stream/[A-Za-z0-9_.-]{1,128}",
}

FIELDS = frozenset(
    """
    timestamp c-ip s-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host cs-uri-stem cs-bytes
    x-edge-location x-edge-request-id x-host-header time-taken cs-protocol-version c-ip-version cs-user-agent cs-referer
    cs-cookie cs-uri-query x-edge-response-result-type x-forwarded-for ssl-protocol ssl-cipher x-edge-result-type
    fle-encrypted-fields fle-status sc-content-type sc-content-len sc-range-start sc-range-end c-port
    x-edge-detailed-result-type c-country cs-accept-encoding cs-accept cache-behavior-path-pattern cs-headers
    cs-header-names cs-headers-count primary-distribution-id primary-distribution-dns-name origin-fbl origin-lbl asn
    cmcd-encoded-bitrate cmcd-buffer-length cmcd-buffer-starvation cmcd-content-id cmcd-object-duration cmcd-deadline
    cmcd-measured-throughput cmcd-next-object-request cmcd-next-range-request cmcd-object-type cmcd-playback-rate
    cmcd-requested-maximum-throughput cmcd-streaming-format cmcd-session-id cmcd-stream-type cmcd-startup
    cmcd-top-bitrate cmcd-version r-host sr-reason x-edge-mqcs distribution-tenant-id connection-id
    viewer-request-log-data viewer-response-log-data
    """.split()
)
"""Developer Guide, "Use real-time logs", "Fields"."""
