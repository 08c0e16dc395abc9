"""The file that changes quotas."""

import json
from pathlib import Path

import pytest

from edgeward.dev.errors import DevError
from edgeward.dev.quota_settings import quota_settings
from edgeward.services.cloudfront import quotas


def test_without_a_file_quotas_are_those_of_aws(tmp_path: Path) -> None:
    assert quota_settings(tmp_path / "quotas.json")[quotas.DISTRIBUTIONS] == 500


def test_a_file_changes_some(tmp_path: Path) -> None:
    path = tmp_path / "quotas.json"
    path.write_text(json.dumps({"cloudfront": {"Distributions per AWS account": 2000}}))

    limits = quota_settings(path)

    assert limits[quotas.DISTRIBUTIONS] == 2000
    assert limits[quotas.ORIGINS] == 100


@pytest.mark.parametrize(
    ("text", "words"), [("{", "cannot be read as JSON"), ('{"s3": {}}', "quotas.json: there is no service")]
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "quotas.json"
    path.write_text(text)

    with pytest.raises(DevError, match=words):
        quota_settings(path)
