"""What the origin of a scenario does with the requests of a step.

Part of the format, as `format` has it: field names are the keys of the YAML. What contradicts itself is refused with
its line. Played by `origin` and `delivery`.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from edgeward.scenario.expectations import OriginExpect
from edgeward.scenario.reading import Node, read, read_record
from edgeward.scenario.values import NO_FIELDS, Content, Duration, Fields

Fault = Literal["refuse", "unreachable", "reset", "close", "garbage", "never"]
WITHOUT_CONNECTION = ("refuse", "unreachable")
"""Faults without a connection."""

NO_TIME = Duration(0)
NO_EXPECTATION = OriginExpect()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One origin request the step allows, what it must look like and what the origin does with it."""

    status: Annotated[int, "Status code of the response"] = 200
    content: Annotated[Content | None, "Content of the response"] = None
    framing: Annotated[
        Literal["length", "chunked", "close"],
        "How the end of the content is marked: Content-Length, chunks, close",
    ] = "length"
    ranges: Annotated[bool, "Answer a Range request with that range of the content: 206, or 416"] = False
    headers: Annotated[Fields, "Header fields whose names are not known inline; `absent` leaves a default out"] = (
        NO_FIELDS
    )
    expect: Annotated[OriginExpect, "Checks of the origin request"] = NO_EXPECTATION
    times: Annotated[int, "How many requests get this answer, all of which must come"] = 1
    hold: Annotated[
        Literal["head", "content"],
        "With `during:`: hold back the whole response, or the second half of its content",
    ] = "head"
    slow: Annotated[Duration, "Real time to wait before the response"] = NO_TIME
    drip: Annotated[Duration, "Real time to wait before each fifth of the content"] = NO_TIME
    truncate: Annotated[int | None, "Close the connection after so many bytes of the content"] = None
    stall: Annotated[int | None, "Fall silent after so many bytes of the content"] = None
    raw: Annotated[str | None, "Bytes to send as they stand in place of a response, before closing"] = None
    fault: Annotated[Fault | None, "refuse, unreachable, reset, close, garbage or never, in place of a response"] = None

    @classmethod
    def read_node(cls, node: Node) -> "Answer":
        if node.is_scalar:
            return cls(fault=read(Fault, node))
        answer = read_record(cls, node.entries(), node)
        _require_possible(answer, node)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What the origin does during one step: the answers in order. No answers: it must not be reached."""

    answers: tuple[Answer, ...] = ()

    @classmethod
    def read_node(cls, node: Node) -> Self:
        if node.is_sequence:
            answers = tuple(Answer.read_node(item) for item in node.items())
            nobody_listens = any(each.fault in WITHOUT_CONNECTION and not each.expect.to for each in answers)
            if len(answers) > 1 and nobody_listens:
                message = "`refuse` or `unreachable` is the only answer of its step: nobody listens while it lasts; to "
                raise node.error(message + "have one origin refuse, name it: `{fault: refuse, expect: {to: NAME}}`")
            return cls(answers=answers)
        if node.is_scalar and node.text() == UNREACHED:
            return cls()
        return cls(answers=(Answer.read_node(node),))


def _require_possible(answer: Answer, node: Node) -> None:
    if answer.times < 1:
        raise node.error("`times:` is at least 1; an origin that must not be reached is `origin: unreached`")
    if sum(given is not None for given in (answer.fault, answer.truncate, answer.stall, answer.raw)) > 1:
        raise node.error("an answer has one of `fault`, `truncate`, `stall` and `raw`")
    if answer.fault in WITHOUT_CONNECTION and (answer.times > 1 or answer.expect != OriginExpect(to=answer.expect.to)):
        raise node.error("a connection that is not made carries no request: only `expect: {to: NAME}` goes with it")


UNREACHED = "unreached"
