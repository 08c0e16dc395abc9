"""The life of a distribution with the AWS SDK for JavaScript, installed from npm; skipped where there is no Node.js."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from clients.running import RunningCdn, environment_without_aws

FOLDER = Path(__file__).parent / "javascript"
NEEDED = pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node.js with npm")


@pytest.fixture(scope="module")
def sdk() -> Path:
    """The folder with the SDK that the lock file pins."""
    installed, lock = FOLDER / "node_modules" / ".package-lock.json", FOLDER / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--silent"], cwd=FOLDER, check=True, timeout=300)
    return FOLDER


@NEEDED
def test_a_distribution_lives_from_creation_to_deletion(cdn: RunningCdn, sdk: Path) -> None:
    environment = environment_without_aws() | dict(cdn.environment)
    tour = subprocess.run(
        ["node", sdk / "tour.mjs", f"{cdn.bucket}.s3.us-east-1.amazonaws.com"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert tour.returncode == 0, tour.stderr
    steps: dict[str, Any] = {step.pop("step"): step for step in map(json.loads, tour.stdout.splitlines())}
    assert steps["created"]["status"] == "Deployed"
    assert steps["created"]["location"].endswith(f"/2020-05-31/distribution/{steps['created']['id']}")
    assert steps["listed"]["found"]
    assert steps["updated"] == {"comment": "changed", "changed": True}
    assert steps["refused"] == {"name": "PreconditionFailed", "status": 412, "has_id": True}
    assert steps["invalidated"] == {"paths": ["/index.html", "/images/*"], "is_date": True}
    assert steps["deleted"] == {"name": "NoSuchDistribution", "status": 404}
