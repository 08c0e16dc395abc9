"""Many distributions against one: what the rest of a plan costs the hits of one of them."""

from collections.abc import Iterator

from bench.cases import CASES, Budget
from bench.content import MEGABYTE
from bench.edgeward import plan, plan_of_many
from bench.failure import BenchError
from bench.measure import Bench, measure_case
from bench.scale.edges import site_of, started
from bench.scale.reading import Reading, Unit, at_least
from bench.site import Site
from bench.workplace import tell


def measure_distributions(site: Site, bench: Bench, count: int, rounds: int) -> Iterator[Reading]:
    """Two edges take turns under the load of the comparison's first case."""
    budget = Budget(memory_bytes=64 * MEGABYTE)
    one, many = site_of(site, "one", budget), site_of(site, "many", budget)
    tell(f"  compiling {count:,} distributions")
    document = plan_of_many(many, count)
    with started(one, plan(one)) as alone, started(many, document) as crowded:
        grown = crowded.running.process.memory_bytes() - alone.running.process.memory_bytes()
        yield Reading(subject=f"start with {count:,} distributions", value=crowded.seconds, unit=Unit.SECONDS)
        yield Reading(subject="memory for each distribution", value=grown / count, unit=Unit.BYTES)
        servers = {"one": alone.running, "many": crowded.running}
        cells = {cell.server: cell for cell in measure_case(bench, CASES[0], servers, rounds, tell)}
    if failures := [f"{name}: {cell.failure}" for name, cell in cells.items() if cell.failure]:
        raise BenchError("; ".join(failures))
    of_one, of_many = (cells[name].median(cells[name].at_equal_speed) for name in ("one", "many"))
    subject = f"hits for a CPU-second with {count:,} against 1"
    yield Reading(subject=subject, value=of_many / of_one, unit=Unit.SHARE, bound=at_least(0.95))
