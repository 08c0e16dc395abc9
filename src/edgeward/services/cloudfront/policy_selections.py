"""The three selections of a policy (header fields, cookies, query strings), and their names.

Cache policies and origin request policies select in the same words; what differs is which header fields they may
name. Rules: API reference (CachePolicyConfig, OriginRequestPolicyConfig); Developer Guide, "Quotas".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edgeward.aws.errors import ApiError
from edgeward.aws.model import Shape
from edgeward.aws.quotas import Quotas, ServiceQuota
from edgeward.services.cloudfront import quotas


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Where a policy has one of its selections."""

    outer: str
    """The structure: `HeadersConfig`."""
    behavior: str
    """Its member that says how: `HeaderBehavior`."""
    inner: str
    """Its member with the names: `Headers`."""
    quota: ServiceQuota
    """How many names it may list."""

    def names(self, parameters: Shape) -> list[str]:
        """The names listed; none when there is no list."""
        items: list[str] = parameters[self.outer].get(self.inner, {}).get("Items", [])
        return items


def selections(policy: str) -> tuple[Selection, ...]:
    """Of headers, cookies and query strings; `policy` is the kind as in the error codes: `CachePolicy`."""
    return tuple(
        Selection(outer=f"{kind}sConfig", behavior=f"{kind}Behavior", inner=f"{kind}s", quota=quota)
        for kind, quota in QUOTAS[policy].items()
    )


def check_text(config: Shape, noun: str) -> None:
    """Name and Comment. Raises ApiError `InvalidArgument`."""
    if not config["Name"].strip():
        raise ApiError("InvalidArgument", f"Name is empty. Give the {noun} a name.")
    if len(config.get("Comment", "")) > LONGEST_COMMENT:
        raise ApiError("InvalidArgument", f"Comment is longer than {LONGEST_COMMENT} characters.")


def check_selection(parameters: Shape, selection: Selection, noun: str, limits: Quotas) -> None:
    """Names are listed exactly where the behavior asks for them. Raises ApiError."""
    where, behavior = f"{selection.outer}.{selection.inner}", parameters[selection.outer][selection.behavior]
    names = selection.names(parameters)
    if behavior in LISTING and not names:
        raise ApiError(
            "InvalidArgument", f"{where} is empty, but {selection.behavior} is {behavior}. Name at least one."
        )
    if names and behavior not in LISTING:
        raise ApiError(
            "InvalidArgument",
            f"{where} names items, but {selection.behavior} is {behavior}. Leave {selection.inner} out.",
        )
    most = limits[selection.quota]
    if len(names) > most:
        raise ApiError(selection.quota.error, f"{where} has {len(names)} names; the {noun} can have {most}.")
    _check_names(where, names, folds_case=selection.inner == "Headers")


def check_total_length(parameters: Shape, policy: str, noun: str, most: int) -> None:
    """All names of a policy together are bounded. Raises ApiError `InvalidArgument`."""
    names = (name for selection in selections(policy) for name in selection.names(parameters))
    if sum(map(len, names)) > most:
        raise ApiError("InvalidArgument", f"All names of the {noun} together have at most {most} characters.")


def header_names(parameters: Shape) -> Iterator[str]:
    """The header fields a policy lists, in lower case."""
    return (name.lower() for name in parameters["HeadersConfig"].get("Headers", {}).get("Items", []))


def _check_names(where: str, names: list[str], *, folds_case: bool) -> None:
    seen = set()
    for name in names:
        key = name.lower() if folds_case else name
        if not name or key in seen:
            raise ApiError("InvalidArgument", f"{where} has an empty or repeated name: '{name}'.")
        seen.add(key)


LISTING = ("whitelist", "allExcept", "allViewerAndWhitelistCloudFront")
"""The behaviors that go with a list of names."""
LONGEST_COMMENT = 128
QUOTAS: Mapping[str, Mapping[str, ServiceQuota]] = {
    "CachePolicy": {
        "Header": quotas.CACHE_POLICY_HEADERS,
        "Cookie": quotas.CACHE_POLICY_COOKIES,
        "QueryString": quotas.CACHE_POLICY_QUERY_STRINGS,
    },
    "OriginRequestPolicy": {
        "Header": quotas.ORIGIN_REQUEST_POLICY_HEADERS,
        "Cookie": quotas.ORIGIN_REQUEST_POLICY_COOKIES,
        "QueryString": quotas.ORIGIN_REQUEST_POLICY_QUERY_STRINGS,
    },
}
"""By policy and what is selected."""
