"""Process trees, their CPU time, the yardstick and folded profiles."""

import os
import time
from pathlib import Path

import pytest
from bench.failure import BenchError
from bench.processes import process_tree, start, stat_fields, wait_listening
from bench.profile import fold, top_lines
from bench.yardstick import median_between

BURN = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"


def any_cpu() -> int:
    return min(os.sched_getaffinity(0))


def test_a_tree_holds_descendants_and_nobody_else() -> None:
    parents = {10: 1, 11: 10, 12: 11, 20: 1, 21: 20, 13: 10}

    assert sorted(process_tree(10, parents)) == [10, 11, 12, 13]


def test_a_command_name_with_blanks_and_parentheses_does_not_shift_the_fields() -> None:
    assert stat_fields("7 (a b) c) S 1 7 7")[:2] == ["S", "1"]


def test_cpu_time_of_children_that_have_exited_is_counted(tmp_path: Path) -> None:
    """The shell itself sleeps; the time was used by a child that is gone when it is read."""
    process = start(["sh", "-c", f"sh -c '{BURN}'; echo burnt; sleep 20"], name="sh", cpu=any_cpu(), folder=tmp_path)
    try:
        deadline = time.monotonic() + 10
        while "burnt" not in process.printed() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.cpu_seconds() >= 0.02
    finally:
        process.stop()


def test_stopping_ends_the_whole_tree(tmp_path: Path) -> None:
    process = start(["sh", "-c", "sleep 30 & sleep 30"], name="sh", cpu=any_cpu(), folder=tmp_path)
    tree = process.tree()

    process.stop()

    assert process.child.returncode is not None
    assert all(
        not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes() for pid in tree
    )


def test_a_server_that_was_killed_is_shown_with_the_signal(tmp_path: Path) -> None:
    process = start(["sh", "-c", "kill -SEGV $$"], name="edgeward", cpu=any_cpu(), folder=tmp_path)
    process.child.wait(5)

    assert (process.ending() or "").startswith("edgeward was killed by SIGSEGV")


def test_a_server_that_ends_while_starting_is_shown_with_what_it_printed(tmp_path: Path) -> None:
    process = start(["sh", "-c", "echo bad configuration; exit 1"], name="nginx", cpu=any_cpu(), folder=tmp_path)
    process.child.wait(5)

    with pytest.raises(BenchError, match=r"nginx ended with status 1. It printed:\nbad configuration"):
        wait_listening(process, [1])


def test_the_yardstick_reports_the_median_of_the_run_alone() -> None:
    printed = "1.0 900.0\n2.0 200.0\n2.5 210.0\n3.0 100.0\n4.0 900.0\n2.9 9"

    assert median_between(printed, since=2.0, until=3.0) == 200.0
    with pytest.raises(BenchError, match="no measure"):
        median_between(printed, since=5.0, until=6.0)


def test_stacks_are_folded_from_the_outermost_frame() -> None:
    script = """nginx
\t55d0 ngx_http_parse_header_line
\t55d1 main

nginx
\t55d0 ngx_http_parse_header_line
\t55d1 main

nginx
\tffff tcp_sendmsg
"""

    assert fold(script.splitlines()) == {"nginx;main;ngx_http_parse_header_line": 2, "nginx;tcp_sendmsg": 1}


def test_the_top_of_a_report_leaves_out_its_comments() -> None:
    report = "# Samples: 3K, 100.00%\n#\n     8.83%  nginx  [k] tcp_ack\n     8.03%  nginx  [.] main\n\n"

    assert top_lines(report, 1) == ["     8.83%  nginx  [k] tcp_ack"]
