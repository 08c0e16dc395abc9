"""The plan on disk: kept, changed, read back; and every kind of damage."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from edgeward.edge import kept_plan
from edgeward.edge.kept_plan import DamagedPlan, KeptPlan
from edgeward.vault import Vault

KEY = "0f" * 32
SECRET = "-----BEGIN PRIVATE KEY-----"


def whole(sequence: int, **distributions: Any) -> bytes:
    return document(sequence, None, distributions)


def document(sequence: int, base: int | None, distributions: dict[str, Any]) -> bytes:
    members = {"format": 1, "sequence": sequence, "base": base, "default_certificate": None}
    return json.dumps(members | {"distributions": distributions}).encode()


def read(path: Path, vault: Vault | None = None) -> Any:
    plan = KeptPlan(path, vault).read()
    return None if plan is None else json.loads(plan)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "edge" / "plan"


def test_nothing_is_read_where_nothing_was_kept(path: Path) -> None:
    assert read(path) is None


@pytest.mark.parametrize("vault", [None, Vault(KEY)])
def test_a_plan_and_its_changes_are_read_back_as_one_whole_plan(path: Path, vault: Vault | None) -> None:
    kept = KeptPlan(path, vault)
    kept.keep(whole(1, A={"key": SECRET}, B={}))
    kept.keep(document(4, 1, {"B": None, "C": {"x": 1}}))
    again = KeptPlan(path, vault)
    assert again.read() is not None
    again.keep(document(5, 4, {"A": {"key": "other"}}))
    plan = read(path, vault)
    assert (plan["sequence"], plan["base"]) == (5, None)
    assert plan["distributions"] == {"A": {"key": "other"}, "C": {"x": 1}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (SECRET.encode() in path.read_bytes()) == (vault is None)


def test_a_whole_plan_takes_the_place_of_all_before_it(path: Path) -> None:
    kept = KeptPlan(path)
    kept.keep(whole(7, A={}))
    kept.keep(whole(3, B={}))
    assert read(path)["distributions"] == {"B": {}}
    assert [each.name for each in path.parent.iterdir()] == ["plan"]


def test_a_default_certificate_stays_until_a_change_brings_another(path: Path) -> None:
    kept = KeptPlan(path)
    for sequence, base, certificate in ((1, None, "one"), (2, 1, None), (3, 2, "two")):
        update = json.loads(document(sequence, base, {})) | {"default_certificate": certificate}
        kept.keep(json.dumps(update).encode())
        assert read(path)["default_certificate"] == ("two" if sequence == 3 else "one")


def test_a_change_of_another_plan_is_refused(path: Path) -> None:
    kept = KeptPlan(path)
    kept.keep(whole(1))
    with pytest.raises(OSError, match="send the whole plan"):
        kept.keep(document(9, 8, {}))
    kept.keep(whole(9))
    assert read(path)["sequence"] == 9


def test_a_record_that_was_cut_off_was_never_written(path: Path) -> None:
    kept = KeptPlan(path)
    kept.keep(whole(1, A={}))
    first = len(path.read_bytes())
    kept.keep(document(2, 1, {"A": None}))
    content = path.read_bytes()
    for length in range(len(kept_plan.MAGIC), len(content)):
        path.write_bytes(content[:length])
        found = read(path)
        assert (found and found["sequence"]) == (1 if length >= first else None), length
        again = KeptPlan(path)
        if again.read() is not None:
            again.keep(document(3, 1, {"B": {}}))
            assert read(path)["distributions"] == {"A": {}, "B": {}}, length


def test_a_byte_that_has_changed_is_noticed_and_nothing_of_it_is_told(path: Path) -> None:
    kept = KeptPlan(path)
    kept.keep(whole(1, A={"key": SECRET}))
    kept.keep(document(2, 1, {"B": {}}))
    content = path.read_bytes()
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(DamagedPlan, match=str(path)) as damage:
            read(path)
        assert "PRIVATE" not in str(damage.value)


@pytest.mark.parametrize("vault", [None, Vault("a1" * 32)])
def test_a_plan_that_is_sealed_with_another_key_is_not_read(path: Path, vault: Vault | None) -> None:
    KeptPlan(path, Vault(KEY)).keep(whole(1))
    with pytest.raises(DamagedPlan, match="seal"):
        read(path, vault)


@pytest.mark.parametrize("content", [b"", b"edgeward plan 2\n", b"{}"])
def test_a_file_that_is_no_plan_is_not_read(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DamagedPlan):
        read(path)


def test_a_file_that_has_grown_is_written_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_plan, "MOST_GROWTH", 0)
    kept = KeptPlan(path)
    kept.keep(whole(1, A={}))
    lengths = []
    for sequence in range(2, 30):
        kept.keep(document(sequence, sequence - 1, {"A": {"at": sequence}}))
        lengths.append(path.stat().st_size)
    assert read(path)["distributions"] == {"A": {"at": 29}}
    assert max(lengths) < 1_000


def test_challenges_travel_with_the_changes_that_bring_them(path: Path) -> None:
    kept, challenges = KeptPlan(path), {"www.example.com": {"token": "answer"}}
    kept.keep(json.dumps(json.loads(whole(1)) | {"challenges": {}}).encode())
    kept.keep(json.dumps(json.loads(document(2, 1, {})) | {"challenges": challenges}).encode())
    kept.keep(document(3, 2, {"A": {}}))
    assert read(path)["challenges"] == challenges
