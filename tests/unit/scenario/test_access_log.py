"""Segments of the access log into records."""

import gzip
from pathlib import Path

from edgeward.scenario.access_log import AccessLog

HEAD = "#Version: 1.0\n#Fields: date x-edge-request-id sc-status\n"


def test_records_of_all_segments_are_read_once(tmp_path: Path) -> None:
    log = AccessLog(tmp_path)
    (tmp_path / "E1.a.gz").write_bytes(gzip.compress(f"{HEAD}2023-11-14\tid1\t200\n".encode()))
    assert [record["sc-status"] for record in log.records()] == ["200"]
    (tmp_path / "E1.b.gz").write_bytes(gzip.compress(f"{HEAD}2023-11-14\tid2\t404\n".encode()))

    assert [record["sc-status"] for record in log.records()] == ["200", "404"]


def test_a_record_is_found_by_its_request(tmp_path: Path) -> None:
    lines = f"{HEAD}2023-11-14\tid1\t200\n2023-11-14\tid2\t404\n"
    (tmp_path / "E1.a.gz").write_bytes(gzip.compress(lines.encode()))
    log = AccessLog(tmp_path)

    assert (log.record_of("id1") or {})["sc-status"] == "200"
    assert log.record_of("id3") is None
