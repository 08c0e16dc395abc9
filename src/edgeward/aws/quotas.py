"""Service quotas: what AWS allows an account by default, and what the operator of this one allows.

A `ServiceQuota` is a row of a service's table (`services/*/quotas.py`); `Quotas` has the numbers in force, and is
handed to whoever checks one. Invariant: a quota that nobody changed is AWS's. `read_quotas` reads an operator's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServiceQuota:
    """One quota: a number that AWS gives every account and raises on request. Each is made once, and only itself."""

    service: str
    """The service's code in Service Quotas: `cloudfront`."""
    name: str
    """As on AWS's page."""
    default: int
    section: str
    """Where the page has it."""
    also: str | None = None
    """Its name in Service Quotas, where that is another one."""
    unit: str = ""
    """What is counted, unless the name says so."""
    lowest: int = 0
    highest: int = 1_000_000
    """What AWS's model, or this CDN, can do at most."""
    error: str
    """The code of the error for one too many."""


class Quotas:
    """The quotas in force."""

    def __init__(self, changed: Mapping[ServiceQuota, int] = MappingProxyType({})) -> None:
        self._changed = changed

    def __getitem__(self, quota: ServiceQuota) -> int:
        """The operator's number, or AWS's."""
        return self._changed.get(quota, quota.default)


AWS_QUOTAS = Quotas()
"""Those of every account that asked for nothing else."""


class QuotaSettingsError(Exception):
    """Settings that name no quota, or no number for it; the message says what to write."""


def read_quotas(document: Any, known: Iterable[ServiceQuota]) -> Quotas:
    """The quotas that `document` changes: numbers by name by service. Raises QuotaSettingsError."""
    tables: dict[str, dict[str, ServiceQuota]] = {}
    for quota in known:
        tables.setdefault(quota.service, {})[quota.name] = quota
        if quota.also is not None:
            tables[quota.service][quota.also] = quota
    changed: dict[ServiceQuota, int] = {}
    for service, numbers in _members(document, 'an object with services: {"cloudfront": {...}}').items():
        table = tables[_known(service, tables, "service")]
        for name, number in _members(numbers, f'an object with quotas: {{"{service}": {{"name": number}}}}').items():
            quota = table[_known(name, table, f"quota of {service}")]
            if quota in changed:
                raise QuotaSettingsError(f"'{quota.name}' is given twice, once as '{quota.also}'; give it once")
            changed[quota] = _number(quota, number)
    return Quotas(changed)


def _members(value: Any, wanted: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise QuotaSettingsError(f"{_shown(value)} is not {wanted}")
    return value


def _known(word: str, table: Mapping[str, Any], what: str) -> str:
    if word in table:
        return word
    near = get_close_matches(word, table, n=1, cutoff=0.3)
    advice = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(sorted(table))}"
    raise QuotaSettingsError(f"there is no {what} called '{word[:_SHOWN]}'; {advice}")


def _number(quota: ServiceQuota, value: Any) -> int:
    if type(value) is not int or not quota.lowest <= value <= quota.highest:
        raise QuotaSettingsError(
            f"'{quota.name}' has to be a whole number from {quota.lowest} to {quota.highest}, not {_shown(value)}"
        )
    return value


def _shown(value: Any) -> str:
    return repr(value)[:_SHOWN]


_SHOWN = 80
"""Characters of somebody's settings that a message repeats."""
