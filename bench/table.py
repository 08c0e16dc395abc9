"""The results as a person reads them: one small table for each case. Pure: cells and ratios in, text out."""

from collections.abc import Sequence

from bench.cases import Case, Outcome
from bench.results import FIGURES, HIT_RATIO, Cell, Ratio, spread


def render_tables(cases: Sequence[Case], cells: Sequence[Cell], ratios: Sequence[Ratio]) -> str:
    """Return the tables of all `cases` that have cells."""
    tables = [
        _case_table(case, rows, {ratio.peer: ratio for ratio in ratios if ratio.case == case.name})
        for case in cases
        if (rows := [cell for cell in cells if cell.case == case.name])
    ]
    return "\n\n".join(tables)


def _case_table(case: Case, cells: Sequence[Cell], ratios: dict[str, Ratio]) -> str:
    lines = [f"{case.name}: {case.title} ({case.figure} per CPU-second)", HEADING]
    lines += [_row(case, cell, ratios.get(cell.server)) for cell in cells]
    return "\n".join(line.rstrip() for line in lines)


def _row(case: Case, cell: Cell, ratio: Ratio | None) -> str:
    if cell.failure is not None:
        return f"  {cell.server:<13} FAILED: {cell.failure.splitlines()[0]}"
    if not cell.samples:
        return f"  {cell.server:<13} N/A: {cell.lack or 'not measured'}"
    figures = spread(map(cell.figure, cell.samples))
    megabytes = cell.median(FIGURES["bytes_per_cpu_second"]) / 1e6
    wall = cell.median(FIGURES["requests_per_second"])
    busy = cell.median(FIGURES["busy"])
    hits = f"hits {cell.median(HIT_RATIO):.1%}{_held(cell)}  " if case.outcome is Outcome.EITHER else ""
    return (
        f"  {cell.server:<13} {figures['min']:>11,.0f} {figures['median']:>11,.0f} {figures['max']:>11,.0f}"
        f" {megabytes:>10,.0f} {wall:>11,.0f} {busy:>5.0%}  {hits}{_ratio_text(ratio)}"
    )


def _held(cell: Cell) -> str:
    """What a server held that looks at its limit only now and then, at the most."""
    held = [sample.held_bytes for sample in cell.samples if sample.held_bytes is not None]
    return f" holding {max(held) >> 20} MB" if held else ""


def _ratio_text(ratio: Ratio | None) -> str:
    if ratio is None:
        return ""
    rounds = f"{min(ratio.of_rounds):.2f} to {max(ratio.of_rounds):.2f}"
    text = f"{ratio.of_medians:.2f} x (at equal speed {ratio.at_equal_speed:.2f}, rounds {rounds})"
    if ratio.goal is not None:
        text += f", goal {ratio.goal:.2f}: {_verdict(ratio.of_medians, ratio.goal)}"
    if ratio.hit_goal is not None and ratio.of_hits is not None:
        text += f", hits {ratio.of_hits:.3f} x, goal {ratio.hit_goal:.2f}: {_verdict(ratio.of_hits, ratio.hit_goal)}"
    return text


def _verdict(reached: float, goal: float) -> str:
    return "met" if reached >= goal else "MISSED"


HEADING = (
    f"  {'server':<13} {'min':>11} {'median':>11} {'max':>11} {'MB/CPU-s':>10} {'req/s wall':>11} {'busy':>5}"
    "  edgeward does"
)
