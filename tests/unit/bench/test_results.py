"""Medians, ratios and goals of the comparison."""

import json
from dataclasses import replace

import pytest
from bench.cases import CASES, Figure, Outcome
from bench.results import Cell, Goals, Sample, document, ratios, spread
from bench.table import render_tables

CASE = "h1-1k-hit"


def sample(number: int, *, requests: int, yardstick: float = 200.0) -> Sample:
    return Sample(
        round=number,
        requests=requests,
        seconds=2.0,
        cpu_seconds=1.0,
        received_bytes=requests * 1024,
        yardstick_microseconds=yardstick,
    )


def cell(server: str, *requests: int, failure: str | None = None) -> Cell:
    samples = tuple(sample(number, requests=count) for number, count in enumerate(requests))
    return Cell(case=CASE, server=server, samples=samples, failure=failure)


def test_the_figures_of_a_sample_divide_by_cpu_time_and_by_wall_time() -> None:
    taken = sample(0, requests=1000)

    assert taken.requests_per_cpu_second == 1000
    assert taken.bytes_per_cpu_second == 1_024_000
    assert taken.requests_per_second == 500
    assert taken.busy == 0.5


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0], {"min": 3.0, "median": 3.0, "max": 3.0}),
        ([4.0, 1.0, 2.0], {"min": 1.0, "median": 2.0, "max": 4.0}),
        ([4.0, 1.0, 2.0, 3.0], {"min": 1.0, "median": 2.5, "max": 4.0}),
    ],
)
def test_the_spread_is_min_median_and_max(values: list[float], expected: dict[str, float]) -> None:
    assert spread(values) == expected


def test_a_ratio_is_of_medians_and_an_outlier_does_not_move_it() -> None:
    cells = [cell("edgeward", 130, 130, 10), cell("nginx", 100, 100, 100)]

    (ratio,) = ratios(cells, {})

    assert ratio.peer == "nginx"
    assert ratio.of_medians == pytest.approx(1.3)
    assert ratio.of_rounds == pytest.approx((1.3, 1.3, 0.1))


def test_the_yardstick_takes_the_speed_of_the_cpu_out_of_a_ratio() -> None:
    slowed = Cell(case=CASE, server="edgeward", samples=(sample(0, requests=50, yardstick=400.0),))
    cells = [slowed, cell("nginx", 100)]

    (ratio,) = ratios(cells, {})

    assert ratio.of_medians == pytest.approx(0.5)
    assert ratio.at_equal_speed == pytest.approx(1.0)


@pytest.mark.parametrize(("goal", "is_met"), [(1.2, True), (1.3, True), (1.4, False), (None, True)])
def test_a_goal_is_met_at_its_value(goal: float | None, *, is_met: bool) -> None:
    goals = {} if goal is None else {CASE: Goals(figure={"nginx": goal})}

    (ratio,) = ratios([cell("edgeward", 130), cell("nginx", 100)], goals)

    assert ratio.goal == goal
    assert ratio.is_met is is_met


def test_large_content_is_compared_by_its_bytes() -> None:
    """The peer ended more responses and moved fewer bytes: what the end of a run cuts off counts too."""
    ours = Cell(case=CASE, server="edgeward", samples=(sample(0, requests=20),), unit=Figure.MEGABYTES)
    moved = replace(sample(0, requests=30), received_bytes=10 * 1024)
    peer = Cell(case=CASE, server="nginx", samples=(moved,), unit=Figure.MEGABYTES)

    (ratio,) = ratios([ours, peer], {})

    assert ratio.of_medians == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("to_origin", "of_hits", "is_met"), [(300, 1.167, True), (400, 1.0, True), (410, 0.983, False)]
)
def test_the_share_of_hits_has_a_goal_of_its_own(to_origin: int, of_hits: float, *, is_met: bool) -> None:
    def mixed(server: str, to_origin: int) -> Cell:
        run = replace(sample(0, requests=1000), origin_requests=to_origin)
        return Cell(case=CASE, server=server, samples=(run,))

    (ratio,) = ratios([mixed("edgeward", to_origin), mixed("nginx", 400)], {CASE: Goals(hits={"nginx": 1.0})})

    assert ratio.of_hits == pytest.approx(of_hits, abs=0.001)
    assert ratio.is_met is is_met


def test_the_table_of_a_mix_shows_the_shares_of_hits_and_what_a_lax_cache_held() -> None:
    (mix,) = (case for case in CASES if case.outcome is Outcome.EITHER)

    def mixed(server: str, to_origin: int, held: int | None = None) -> Cell:
        run = replace(sample(0, requests=1000), origin_requests=to_origin, held_bytes=held)
        return Cell(case=mix.name, server=server, samples=(run,))

    cells = [mixed("edgeward", 300), mixed("nginx", 400, held=300 << 20)]
    lines = render_tables([mix], cells, ratios(cells, {mix.name: Goals(hits={"nginx": 1.2})})).splitlines()

    assert lines[2].endswith("hits 70.0%")
    assert "hits 60.0% holding 300 MB" in lines[3]
    assert lines[3].endswith("hits 1.167 x, goal 1.20: MISSED")


def test_a_failed_cell_gives_no_ratio() -> None:
    failed = cell("nginx", 100, failure="errors under load: 3 read")

    assert ratios([cell("edgeward", 130), failed], {}) == []
    assert ratios([cell("edgeward", 130, failure="not a hit"), cell("nginx", 100)], {}) == []


def test_a_server_that_cannot_do_the_case_gives_no_ratio() -> None:
    assert ratios([cell("edgeward", 130), cell("varnish")], {}) == []


def test_the_document_holds_every_sample_and_every_ratio_as_json() -> None:
    cells = [cell("edgeward", 130, 132), cell("nginx", 100, 102), cell("haproxy", failure="not a hit")]

    written = json.loads(
        json.dumps(document(cells, ratios(cells, {CASE: Goals(figure={"nginx": 1.25})}), {"rounds": 2}))
    )

    assert written["rounds"] == 2
    assert written["cells"][0]["requests_per_cpu_second"] == {"min": 130, "median": 131, "max": 132}
    assert [taken["requests"] for taken in written["cells"][1]["samples"]] == [100, 102]
    assert written["cells"][2]["failure"] == "not a hit"
    assert written["ratios"][0]["met"] is True


def test_the_table_shows_goals_failures_and_what_is_not_applicable() -> None:
    cells = [cell("edgeward", 130), cell("nginx", 120), cell("varnish"), cell("haproxy", failure="not a hit")]

    table = render_tables(CASES, cells, ratios(cells, {CASE: Goals(figure={"nginx": 1.25})}))

    lines = table.splitlines()
    assert lines[0].startswith("h1-1k-hit: 1 KB hit, HTTP/1.1")
    assert lines[3].endswith("1.08 x (at equal speed 1.08, rounds 1.08 to 1.08), goal 1.25: MISSED")
    assert lines[4].split() == ["varnish", "N/A:", "not", "measured"]
    assert lines[5].split(maxsplit=1) == ["haproxy", "FAILED: not a hit"]
