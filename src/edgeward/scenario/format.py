"""The scenario format: frozen dataclasses whose field names are the keys of the YAML.

`parse_scenario` is the only way in and returns a scenario that can run, or raises `ScenarioError` with a
line. The same dataclasses yield the JSON Schema (`edgeward.scenario.schema`); the text in each `Annotated`
is the description an editor shows. What is expected is in `expectations`, what origins do in `origin_script`.
Read by `runner` and `viewer`.
"""

import dataclasses
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from edgeward.edge.settings import LOOPBACK_NETWORKS
from edgeward.scenario.citations import citation_url
from edgeward.scenario.expectations import Expect, LogCheck
from edgeward.scenario.explanation import Debug
from edgeward.scenario.origin_script import Script
from edgeward.scenario.places import Places
from edgeward.scenario.reading import Node, ScenarioError, compose, nearest, read_record
from edgeward.scenario.short_form import ShortDistribution
from edgeward.scenario.values import NO_FIELDS, Content, Duration, Fields
from edgeward.scenario.viewer_certificates import Shown

Door = Literal["h1", "h1-tls", "h2", "h3"]
Kind = Literal["required", "optional", "cloudfront", "check"]
NOWHERE = Places({})
PLAIN = ShortDistribution()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStep:
    """The viewer sends a request. The key is the method: `get: /path`, or `request: TRACE /path`."""

    host: Annotated[str | None, "Host or :authority; default: the distribution's domain name"] = None
    sni: Annotated[str | None, "TLS server name, `none` for none; default: the host"] = None
    speaks: Annotated[
        Literal["TLSv1.2", "TLSv1.3"] | None, "The only TLS version of the viewer; default: both of them"
    ] = None
    shows: Annotated[Shown | None, "The certificate that the viewer shows when it is asked for one; default: none"] = (
        None
    )
    address: Annotated[str | None, "The viewer's address, one of 127.0.0.0/8; default: 127.0.0.1"] = None
    over: Annotated[Door | None, "Another door than the scenario's, for this step"] = None
    content: Annotated[Content | None, "Content of the request"] = None
    headers: Annotated[Fields, "Header fields whose names are not known inline"] = NO_FIELDS
    times: Annotated[int, "How many such requests"] = 1
    at_once: Annotated[bool, "Send all of them before the origin answers the first"] = False
    origin: Annotated[Script, "What the origin does; default: it must not be reached"] = Script()
    debug: Annotated[
        Debug | None, "The debug token it carries; default: a valid one where `expect:` has checks under `explain:`"
    ] = None
    during: Annotated[tuple["Step", ...], "Steps to run while the origin holds back its answer"] = ()
    hangs_up: Annotated[bool, "The viewer leaves while the origin holds back its answer, before `during:`"] = False
    expect: Annotated[Expect, "What the viewer must receive"] = Expect()
    method: str = field(default="GET", metadata={"derived": True})
    target: str = field(default="/", metadata={"derived": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class RawStep:
    """The viewer sends bytes as they stand over HTTP/1.1."""

    raw: Annotated[str, "The bytes to send"]
    origin: Annotated[Script, "What the origin does; default: it must not be reached"] = Script()
    expect: Annotated[Expect, "What the viewer must receive"] = Expect()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep:
    """Virtual time passes."""

    clock: Annotated[Duration, "How much, such as +11s"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAction:
    """A change made through the control plane, live at the edge when the step ends."""

    update: Annotated[ShortDistribution | None, "Members to merge into the distribution"] = None
    invalidate: Annotated[tuple[str, ...], "Paths and cache tags to invalidate"] = ()
    disable: Annotated[bool, "Disable the distribution"] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiStep:
    """Someone calls the API."""

    api: ApiAction


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStep:
    """The access log record of the last viewer request."""

    log: Annotated[LogCheck, "Checks of its fields by name, or `absent`: nothing was logged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeStep:
    """Something happens to the edge itself."""

    edge: Annotated[Literal["restart"], "Stop the edge and start it again with what it has on disk"]


Action = RequestStep | RawStep | ClockStep | ApiStep | LogStep | EdgeStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step and the line it stands on."""

    action: Action
    line: int

    @classmethod
    def read_node(cls, node: Node) -> Self:
        return cls(action=_read_action(node), line=node.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The distribution and steps of a scenario for one row of its table; `label` is empty without a table."""

    label: str
    distribution: ShortDistribution
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One behavior of the edge."""

    id: str
    """Folder and file name without `.yaml`: `cache/fresh-hit`."""
    path: Path
    title: str
    spec: tuple[str, ...]
    kind: Kind
    needs: tuple[str, ...]
    via: tuple[Door, ...]
    disk: bool
    workers: int
    geo: Places
    lock_timeout: Duration
    private_origins: tuple[str, ...]
    origin_places: int
    origin_queue: int
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a scenario: label to values, kept as they were written until they are put in place."""

    rows: Mapping[str, Mapping[str, Node] | None]

    @classmethod
    def read_node(cls, node: Node) -> Self:
        if not node.entries():
            raise node.error("the table has no rows; leave `rows:` out")
        return cls({label: row.entries() for label, row in node.entries().items()})

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        return {"type": "object", "minProperties": 1, "additionalProperties": {"type": "object"}}


NO_TABLE = Table({})
PLACES = 4096
"""As many as an edge lets an origin have unless it is told otherwise."""
LOCK_TIMEOUT = Duration(60_000)
"""Longer than any scenario takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The keys of a scenario file."""

    scenario: Annotated[str, "The behavior, in one sentence"]
    spec: Annotated[tuple[str, ...], "Where it is specified: rfc9111#4.2 or cloudfront:Expiration"]
    kind: Annotated[Kind, "required, optional, cloudfront (differs from the RFC), check (recorded, never fails)"] = (
        "required"
    )
    needs: Annotated[tuple[str, ...], "Ids of scenarios this one rests on; skipped when they fail"] = ()
    via: Annotated[tuple[Door, ...], "The doors to run it through, each once"] = ("h2",)
    rows: Annotated[Table, "Runs the scenario once for each row: label to the values of `$name`"] = NO_TABLE
    disk: Annotated[bool, "Whether the edge has a cache on disk below the one in memory"] = False
    workers: Annotated[int, "Threads of the edge; each keeps origin connections of its own"] = 2
    geo: Annotated[Places, "Where viewers are by network, as the edge's data have it; default: no data"] = NOWHERE
    lock_timeout: Annotated[Duration, "Real time that requests wait for the answer to another one"] = LOCK_TIMEOUT
    private_origins: Annotated[
        tuple[str, ...], "Networks that origins may be in beside the public Internet; default: loopback"
    ] = LOOPBACK_NETWORKS
    origin_places: Annotated[int, "Requests that an origin may have in progress; others wait for a place"] = PLACES
    origin_queue: Annotated[int, "Requests that may wait for a place at one origin"] = PLACES
    distribution: Annotated[ShortDistribution, "Members that differ from the one-origin default"] = PLAIN
    steps: Annotated[tuple[Step, ...], "What happens, in order"]


def parse_scenario(text: str, path: Path) -> Scenario:
    """The scenario in `text`; `path` gives its id and stands in the messages. Raises ScenarioError."""
    root = compose(text, path)
    entries = root.entries()
    rows = Table.read_node(entries["rows"]).rows if "rows" in entries else {"": None}
    documents = {label: _document(root, row) for label, row in rows.items()}
    document = next(iter(documents.values()))
    for citation in entries["spec"].items():
        citation_url(citation)
    cases = tuple(
        Case(label=label, distribution=each.distribution, steps=each.steps) for label, each in documents.items()
    )
    scenario = Scenario(
        id=f"{path.parent.name}/{path.stem}",
        path=path,
        title=document.scenario,
        spec=document.spec,
        kind=document.kind,
        needs=document.needs,
        via=document.via,
        disk=document.disk,
        workers=document.workers,
        geo=document.geo,
        lock_timeout=document.lock_timeout,
        private_origins=document.private_origins,
        origin_places=document.origin_places,
        origin_queue=document.origin_queue,
        cases=cases,
    )
    _require_consistent(scenario, root)
    return scenario


def _document(root: Node, row: Mapping[str, Node] | None) -> Document:
    entries = {key: each if key == "rows" else each.with_row(row) for key, each in root.entries().items()}
    return read_record(Document, entries, root)


def _read_action(node: Node) -> Action:
    entries = node.entries()
    for key, record in STEPS.items():
        if key in entries:
            return read_record(record, entries, node)
    for key in (*METHOD_KEYS, "request"):
        if key in entries:
            return _read_request(key, entries, node)
    known = (*METHOD_KEYS, "request", *STEPS)
    raise node.error(f"a step needs one of {', '.join(known)}{nearest(next(iter(entries), ''), known)}")


def _read_request(key: str, entries: dict[str, Node], node: Node) -> RequestStep:
    text = entries.pop(key).text()
    method, target = (key.upper(), text) if key != "request" else _method_and_target(text, node)
    step = dataclasses.replace(read_record(RequestStep, entries, node), method=method, target=target)
    if not 1 <= step.times <= MAX_TIMES:
        raise node.error(f"`times:` is 1 to {MAX_TIMES}")
    if step.address is not None and not _is_loopback(step.address):
        raise node.error(f"`{step.address}` is none of this machine's addresses for viewers, 127.0.0.1 and up")
    if (step.during or step.hangs_up) and (step.times > 1 or not step.origin.answers):
        raise node.error("`during:` and `hangs_up:` need one request (`times: 1`) and an `origin:` that answers it")
    if step.hangs_up and step.expect != Expect():
        raise node.error("a viewer who hangs up receives nothing to `expect:`; see what was logged with `log:`")
    return step


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.IPv4Address(text).is_loopback
    except ValueError:
        return False


def _method_and_target(text: str, node: Node) -> tuple[str, str]:
    method, space, target = text.partition(" ")
    if not space:
        raise node.error("`request:` is a method and a target: `request: TRACE /path`")
    return method, target


def _require_consistent(scenario: Scenario, root: Node) -> None:
    if not scenario.via:
        raise root.error("`via:` names at least one door")
    for step in (each for case in scenario.cases for each in _all_steps(case.steps)):
        if isinstance(step.action, EdgeStep) and not scenario.disk:
            raise ScenarioError(scenario.path, step.line, "a restart leaves nothing without `disk: true`")
    for step in (each for case in scenario.cases for each in _all_steps(case.steps)):
        if not {"h2", "h3"} & {*_doors(step.action, scenario.via)}:
            continue
        if isinstance(step.action, RawStep):
            raise ScenarioError(scenario.path, step.line, f"`raw:` is HTTP/1.1; {_ONLY_H1}")
        if isinstance(step.action, RequestStep) and step.action.expect.closed is not None:
            message = f"`closed:` is about a connection of one request; {_ONLY_H1}"
            raise ScenarioError(scenario.path, step.line, message)


def _all_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        yield step
        if isinstance(step.action, RequestStep):
            yield from _all_steps(step.action.during)


def _doors(action: Action, via: tuple[Door, ...]) -> tuple[Door, ...]:
    return (action.over,) if isinstance(action, RequestStep) and action.over else via


_ONLY_H1 = "give the scenario `via: [h1]` or `via: [h1, h1-tls]`"
MAX_TIMES = 5000
METHOD_KEYS = ("get", "head", "post", "put", "delete", "options", "patch")
STEPS: dict[str, type[RawStep | ClockStep | ApiStep | LogStep | EdgeStep]] = {
    "raw": RawStep,
    "clock": ClockStep,
    "api": ApiStep,
    "log": LogStep,
    "edge": EdgeStep,
}
