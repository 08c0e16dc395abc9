"""The file that names an ACME CA."""

import json
from pathlib import Path

import pytest

from edgeward.acme.orders import AcmeSettings
from edgeward.dev.acme_settings import acme_settings
from edgeward.dev.errors import DevError

DIRECTORY = "https://localhost:14000/dir"


def test_without_a_file_there_is_no_ca(tmp_path: Path) -> None:
    assert acme_settings(tmp_path / "acme.json") is None


def test_a_file_says_how_the_ca_is_reached(tmp_path: Path) -> None:
    path = tmp_path / "acme.json"
    path.write_text(
        json.dumps(
            {"directory": DIRECTORY, "email": "a@b.c", "trusted_authorities": "/ca.pem", "resolver": "[::1]:53"}
            | {"http_port": "5002"}
        )
    )

    assert acme_settings(path) == AcmeSettings(
        directory_url=DIRECTORY,
        email="a@b.c",
        trusted_authorities=Path("/ca.pem"),
        resolver=("::1", 53),
        http_port=5002,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "damaged"),
        ("[1]", "damaged"),
        ('{"email": "a@b.c"}', "directory is no https URL"),
        ('{"directory": "http://ca/dir"}', "directory is no https URL"),
        (json.dumps({"directory": DIRECTORY, "mail": "a@b.c"}), "mail is none of"),
        (json.dumps({"directory": DIRECTORY, "resolver": "127.0.0.1"}), "resolver is no address"),
        (json.dumps({"directory": DIRECTORY, "http_port": "0"}), "http_port is no port"),
        (json.dumps({"directory": DIRECTORY, "http_port": "65536"}), "http_port is no port"),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "acme.json"
    path.write_text(text)

    with pytest.raises(DevError, match=words):
        acme_settings(path)
