"""What the viewers of a case ask for: one thing again and again, a new one every time, or drawn from many.

Draws come from a fixed seed, so every server and every run sees the same sequence. `Traffic.targets` is what wrk is
given as a file; `Traffic.sample` stands for all of them in the check before the first run.
"""

import bisect
import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from bench.content import (
    COPIES_FOLDER,
    MIX_BODIES,
    MIX_FOLDER,
    SIZE_CLASSES,
    UNCACHEABLE_FOLDER,
    Body,
)


class Pattern(Enum):
    """How one request follows another."""

    REPEATED = auto()
    UNIQUE = auto()
    """Each has a path of its own, never asked before."""
    DRAWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A byte range, both ends included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"bytes={self.first}-{self.last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One request: a path, perhaps a range, and the file that the origin has there."""

    path: str
    body: Body
    part: Part | None = None

    @property
    def status(self) -> int:
        """The status code of a right answer."""
        return 200 if self.part is None else 206

    def content(self) -> bytes:
        """Return the content of a right answer."""
        whole = self.body.content()
        return whole if self.part is None else whole[self.part.first : self.part.last + 1]

    def line(self) -> str:
        """Return this request as a line of the sequence that wrk plays."""
        return self.path if self.part is None else f"{self.path} {self.part}"


Targets: TypeAlias = Callable[[], Sequence[Target]]


def _one(target: Target) -> Targets:
    return lambda: (target,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The requests of a case."""

    pattern: Pattern
    sample: Target
    """One of them; with `UNIQUE`, its path is what each path begins with."""
    distinct: Targets
    """All that are to be stored before the first run."""
    sequence: Targets
    """The order they are asked in; after the last the first comes again."""
    mean_length: Callable[[], float]
    """Bytes of content of an answer, on average."""


def repeated(body: Body) -> Traffic:
    """Ask for one file again and again."""
    target = Target(path=body.path, body=body)
    one = _one(target)
    return Traffic(
        pattern=Pattern.REPEATED,
        sample=target,
        distinct=one,
        sequence=one,
        mean_length=lambda: len(body.content()),
    )


def unique(body: Body) -> Traffic:
    """Ask for a new path every time; the origin has the same file at all of them."""
    target = Target(path=f"{COPIES_FOLDER}{body.name}/", body=body)
    one = _one(target)
    return Traffic(
        pattern=Pattern.UNIQUE,
        sample=target,
        distinct=one,
        sequence=one,
        mean_length=lambda: body.length,
    )


def uncacheable(body: Body) -> Traffic:
    """Ask again and again for what may not be stored."""
    target = Target(path=f"{UNCACHEABLE_FOLDER}account", body=body)
    one = _one(target)
    return Traffic(
        pattern=Pattern.REPEATED,
        sample=target,
        distinct=one,
        sequence=one,
        mean_length=lambda: body.length,
    )


def copies(body: Body, count: int) -> Traffic:
    """Ask for `count` paths of one content, all as often, in random order."""

    def distinct() -> list[Target]:
        return [Target(path=f"{COPIES_FOLDER}{body.name}/{number}", body=body) for number in range(count)]

    def sequence() -> list[Target]:
        return _random().choices(distinct(), k=max(SEQUENCE_LENGTH // 10, count))

    return Traffic(
        pattern=Pattern.DRAWN,
        sample=Target(path=f"{COPIES_FOLDER}{body.name}/0", body=body),
        distinct=distinct,
        sequence=sequence,
        mean_length=lambda: body.length,
    )


def parts(body: Body, length: int) -> Traffic:
    """Ask for ranges of `length` bytes anywhere in one file."""

    def sequence() -> list[Target]:
        draw = _random()
        starts = (draw.randrange(body.length - length) for _ in range(SEQUENCE_LENGTH // 10))
        return [_part(body, start, length) for start in starts]

    return Traffic(
        pattern=Pattern.DRAWN,
        sample=_part(body, body.length // 3, length),
        distinct=_one(Target(path=body.path, body=body)),
        sequence=sequence,
        mean_length=lambda: length,
    )


def zipf_mix(keys: int, alpha: float) -> Traffic:
    """Ask for `keys` paths of mixed sizes; the one of rank r is asked with a weight of r to the power of -alpha."""

    def sequence() -> list[Target]:
        classes = size_classes(keys)
        targets = [_mixed(key, classes[key]) for key in range(keys)]
        return [targets[rank] for rank in zipf_ranks(keys, alpha, SEQUENCE_LENGTH)]

    def mean_length() -> float:
        classes = size_classes(keys)
        lengths = (SIZE_CLASSES[classes[rank]] for rank in zipf_ranks(keys, alpha, SAMPLE_LENGTH))
        return sum(lengths) / SAMPLE_LENGTH

    return Traffic(
        pattern=Pattern.DRAWN,
        sample=_mixed(0, size_classes(1)[0]),
        distinct=lambda: (),
        sequence=sequence,
        mean_length=mean_length,
    )


def size_classes(keys: int) -> list[int]:
    """Return the size class of each key: lognormal lengths, half of them below 4 KB, cut at 1 KB and 1 MB."""
    draw = _random()
    lengths = (draw.lognormvariate(MEDIAN_LOG, SIGMA) for _ in range(keys))
    last = len(SIZE_CLASSES) - 1
    return [min(bisect.bisect_left(SIZE_CLASSES, length), last) for length in lengths]


def total_bytes(keys: int) -> int:
    """Return the bytes of content of all keys of the mix."""
    return sum(SIZE_CLASSES[number] for number in size_classes(keys))


def zipf_ranks(keys: int, alpha: float, count: int) -> list[int]:
    """Return `count` draws from the ranks 0 to `keys` - 1, by Zipf's law."""
    weights = itertools.accumulate((rank + 1) ** -alpha for rank in range(keys))
    return _random().choices(range(keys), cum_weights=list(weights), k=count)


def lines(targets: Iterable[Target]) -> str:
    """Return the sequence as the file that wrk plays: one request a line."""
    return "".join(target.line() + "\n" for target in targets)


def _part(body: Body, start: int, length: int) -> Target:
    return Target(path=body.path, body=body, part=Part(first=start, last=start + length - 1))


def _mixed(key: int, size_class: int) -> Target:
    return Target(path=f"{MIX_FOLDER}{size_class:02d}/{key}", body=MIX_BODIES[size_class])


def _random() -> random.Random:
    return random.Random(20111107)  # noqa: S311 - no secret: the same draws every time


SEQUENCE_LENGTH = 1_000_000
SAMPLE_LENGTH = 200_000
MEDIAN_LOG, SIGMA = 8.3, 1.5
"""The logarithm of the length of half the keys, 4 KB, and its standard deviation: a few large ones hold most bytes."""
