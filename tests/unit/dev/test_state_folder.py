"""The state folder: one owner at a time, secrets for its owner only, damage reported."""

import json
import stat
from pathlib import Path

import pytest

from edgeward.dev.credentials import access_key, secret_key
from edgeward.dev.errors import DevError
from edgeward.dev.state_folder import StateFolder, StateLock, read_record, write_private


def test_a_folder_in_use_is_refused_until_it_is_released(tmp_path: Path) -> None:
    folder = StateFolder(root=tmp_path / "state")
    with StateLock(folder), pytest.raises(DevError, match="in use"), StateLock(folder):
        pass
    with StateLock(folder):
        pass


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DevError, match="choose another"), StateLock(StateFolder(root=tmp_path / "file")):
        pass


def test_a_private_file_is_private_even_when_it_replaces_a_public_one(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)


def test_an_access_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    key = access_key(path)
    assert access_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (len(key.id), len(key.secret)) == (20, 40)
    assert (key.id + key.secret).isalnum()


def test_two_access_keys_differ(tmp_path: Path) -> None:
    assert access_key(tmp_path / "a").secret != access_key(tmp_path / "b").secret


@pytest.mark.parametrize("damaged", ["", "{}", '{"id": "a"}', "[1]"])
def test_a_damaged_access_key_is_reported_with_what_to_do(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "key.json").write_text(damaged)
    with pytest.raises(DevError, match="remove it"):
        access_key(tmp_path / "key.json")


def test_a_record_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert read_record(tmp_path / "none.json") == {}


def test_a_record_reads_back_as_text(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(json.dumps({"id": "E1", "port": 80}))
    assert read_record(tmp_path / "record.json") == {"id": "E1", "port": "80"}


@pytest.mark.parametrize("damaged", ["{", "[]"])
def test_a_damaged_record_is_reported(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "record.json").write_text(damaged)
    with pytest.raises(DevError, match="damaged"):
        read_record(tmp_path / "record.json")


def test_an_explain_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "explain-key"
    key = secret_key(path)
    assert (secret_key(path), len(key)) == (key, 64)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_without_an_explain_key_is_reported(tmp_path: Path) -> None:
    (tmp_path / "explain-key").write_text("no key")
    with pytest.raises(DevError, match="remove it"):
        secret_key(tmp_path / "explain-key")
