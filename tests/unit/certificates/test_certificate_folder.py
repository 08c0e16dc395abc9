"""Certificates of one's own: which files are used, and why others are not."""

from pathlib import Path

import pytest

from edgeward.authority import Certificate, LocalAuthority
from edgeward.certificates import CertificateError, CertificateFolder


@pytest.fixture
def issued(tmp_path: Path) -> Certificate:
    return LocalAuthority(tmp_path / "authority").certificate_for(["www.example.com", "*.example.com"])


def put(folder: Path, id: str, text: str, mode: int = 0o600) -> None:
    path = folder / f"{id}.pem"
    path.touch(mode=mode)
    path.write_text(text)


def test_a_file_with_key_and_chain_is_a_certificate(tmp_path: Path, issued: Certificate) -> None:
    put(tmp_path, "0d1-a_B", f"Bag attributes\n{issued.key_pem}\n{issued.chain_pem}")

    found = CertificateFolder(tmp_path).find("0d1-a_B")

    assert found == Certificate(
        names=("*.example.com", "www.example.com"), chain_pem=issued.chain_pem, key_pem=issued.key_pem
    )


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path, issued: Certificate) -> None:
    folder = CertificateFolder(tmp_path)
    put(tmp_path, "a", issued.key_pem + issued.chain_pem)
    assert folder.find("a") is not None
    other = LocalAuthority(tmp_path / "other").certificate_for(["other.example"])
    put(tmp_path, "a", other.key_pem + other.chain_pem)

    found = folder.find("a")

    assert found is not None
    assert found.names == ("other.example",)


def test_a_folder_has_another_version_when_a_file_comes_changes_or_goes(tmp_path: Path, issued: Certificate) -> None:
    folder = CertificateFolder(tmp_path / "folder")
    versions = [folder.version(), folder.version()]
    (tmp_path / "folder").mkdir()
    for text in ("", issued.key_pem):
        put(tmp_path / "folder", "a", text)
        versions.append(folder.version())
    (tmp_path / "folder/a.pem").unlink()
    versions.append(folder.version())

    assert versions[0] == versions[1] == versions[-1]
    assert len({str(version) for version in versions}) == 3


@pytest.mark.parametrize("id", ["missing", "", "../a", "a/b", ".a", "a.pem", "x" * 129])
def test_what_names_no_file_of_the_folder_is_no_certificate(id: str, tmp_path: Path, issued: Certificate) -> None:
    put(tmp_path, "a", issued.key_pem + issued.chain_pem)
    (tmp_path / "inner").mkdir()

    assert CertificateFolder(tmp_path / "inner").find(id) is None
    assert CertificateFolder(tmp_path / "nowhere").find(id) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_not_used(mode: int, tmp_path: Path, issued: Certificate) -> None:
    put(tmp_path, "a", issued.key_pem + issued.chain_pem)
    (tmp_path / "a.pem").chmod(mode)

    with pytest.raises(CertificateError, match="chmod 600"):
        CertificateFolder(tmp_path).find("a")


def test_a_file_that_does_not_hold_together_is_refused_without_telling_of_the_key(
    tmp_path: Path, issued: Certificate
) -> None:
    other = LocalAuthority(tmp_path / "other").certificate_for(["www.example.com"])
    secret = issued.key_pem.splitlines()[1]
    broken = issued.key_pem.replace(secret, secret[::-1])
    for text, reason in [
        ("", "0 keys and 0 certificates"),
        (issued.chain_pem, "0 keys"),
        (issued.key_pem, "0 certificates"),
        (issued.key_pem + other.key_pem + issued.chain_pem, "2 keys"),
        (other.key_pem + issued.chain_pem, "not that of the key"),
        (broken + issued.chain_pem, "damaged or encrypted"),
        ("é", "cannot be read"),
    ]:
        put(tmp_path, "a", text)
        with pytest.raises(CertificateError) as refused:
            CertificateFolder(tmp_path).find("a")
        assert reason in str(refused.value)
        assert secret not in str(refused.value)
