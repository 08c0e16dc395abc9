"""A replaced certificate is brought to the edges once."""

from pathlib import Path

from edgeward.certificates import CertificateFolder
from edgeward.dev.certificate_watch import CertificateWatch


def test_changed_files_are_renewed_once_and_problems_told(tmp_path: Path) -> None:
    renewals, said, problems = list[int](), list[str](), list[str]()

    def renew() -> list[str]:
        renewals.append(1)
        return problems

    watch = CertificateWatch(CertificateFolder(tmp_path), renew, said.append)
    watch.look()
    assert (renewals, said) == ([], [])

    (tmp_path / "a.pem").write_text("first")
    watch.look()
    watch.look()
    assert (renewals, said) == ([1], [])

    problems.append("a.pem is damaged")
    (tmp_path / "a.pem").unlink()
    watch.look()
    watch.look()
    assert (renewals, said) == ([1, 1], ["A certificate stays as it was: a.pem is damaged"])
