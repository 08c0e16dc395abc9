"""What viewers ask for: the same draws every time, of the sizes and weights that were said."""

import gzip
from collections import Counter

import pytest
from bench.cases import CASES, Case, Outcome
from bench.content import ONE_KILOBYTE, SIZE_CLASSES, TEXT, Body
from bench.traffic import copies, lines, parts, size_classes, total_bytes, uncacheable, unique, zipf_ranks

SMALL = Body(path="/small.bin", length=5000)


def test_a_part_is_asked_for_with_its_range_and_answered_with_206() -> None:
    sample = parts(SMALL, 100).sample

    assert sample.line() == "/small.bin bytes=1666-1765"
    assert sample.status == 206
    assert sample.content() == SMALL.content()[1666:1766]


def test_parts_lie_anywhere_inside_the_file() -> None:
    asked = [target.part for target in parts(SMALL, 100).sequence()]

    assert len(set(asked)) > 1000
    assert all(part and part.first >= 0 and part.last < SMALL.length and part.last - part.first == 99 for part in asked)


def test_copies_are_each_stored_and_asked_for_about_as_often() -> None:
    traffic = copies(ONE_KILOBYTE, 50)
    stored = [target.path for target in traffic.distinct()]
    asked = Counter(target.path for target in traffic.sequence())

    assert stored == [f"/copies/1k.html/{number}" for number in range(50)]
    assert set(asked) == set(stored)
    assert max(asked.values()) < 1.2 * min(asked.values())
    assert traffic.sample in traffic.distinct()


def test_a_new_path_begins_with_the_sample_and_what_may_not_be_stored_has_a_folder_of_its_own() -> None:
    assert unique(ONE_KILOBYTE).sample.path == "/copies/1k.html/"
    assert uncacheable(ONE_KILOBYTE).sample.path.startswith("/private/")


def test_ranks_follow_zipfs_law_and_are_the_same_every_time() -> None:
    drawn = zipf_ranks(1000, 0.9, 50_000)
    counts = Counter(drawn)

    assert drawn == zipf_ranks(1000, 0.9, 50_000)
    assert counts[0] / counts[9] == pytest.approx(10**0.9, rel=0.25)
    assert counts[0] / counts[99] == pytest.approx(100**0.9, rel=0.25)


def test_sizes_of_the_mix_run_from_a_kilobyte_to_a_megabyte_with_a_median_of_four() -> None:
    lengths = sorted(SIZE_CLASSES[number] for number in size_classes(20_000))

    assert (SIZE_CLASSES[0], SIZE_CLASSES[-1]) == (1024, 1024 * 1024)
    assert (lengths[0], lengths[-1]) == (1024, 1024 * 1024)
    assert 3500 < lengths[10_000] < 4800
    assert sum(lengths) == total_bytes(20_000)


def test_the_mix_is_ten_times_the_cache() -> None:
    (mix,) = (case for case in CASES if case.name == "h1-zipf-mix")

    assert 0.09 < mix.fleet.value.memory_bytes / total_bytes(200_000) < 0.11


def test_a_sequence_is_one_request_a_line() -> None:
    assert lines(copies(ONE_KILOBYTE, 2).distinct()) == "/copies/1k.html/0\n/copies/1k.html/1\n"


def test_text_is_stored_compressed_and_is_the_same_bytes_every_time() -> None:
    assert len(gzip.decompress(TEXT.content())) == TEXT.length
    assert TEXT.content() == TEXT.content()
    assert len(TEXT.content()) < TEXT.length


UNIFORM = [case for case in CASES if case.outcome is not Outcome.EITHER]


@pytest.mark.parametrize("case", UNIFORM, ids=lambda case: case.name)
def test_answers_are_as_long_as_the_one_to_the_sample(case: Case) -> None:
    part, body = case.traffic.sample.part, case.traffic.sample.body

    whole = len(body.content()) if body == TEXT else body.length
    assert case.traffic.mean_length() == (part.last - part.first + 1 if part else whole)
