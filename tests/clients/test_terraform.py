"""Terraform with the AWS provider: apply, a plan without changes, an update, again, destroy.

The provider is not in any package registry; `TF_PLUGIN_MIRROR` names a folder of providers laid out as Terraform's
filesystem mirror. Without it these tests are skipped, and say so.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from clients.running import RunningCdn, environment_without_aws

MIRROR = os.environ.get("TF_PLUGIN_MIRROR")
SOURCE = Path(__file__).parent / "terraform" / "main.tf"
NO_CHANGES, CHANGES = 0, 2
"""What `plan -detailed-exitcode` answers."""

pytestmark = [
    pytest.mark.skipif(
        MIRROR is None or shutil.which("terraform") is None,
        reason="needs terraform and TF_PLUGIN_MIRROR, a folder that holds the AWS provider",
    ),
    pytest.mark.timeout(400),
]


class Terraform:
    """One working folder with the configuration of these tests."""

    def __init__(self, folder: Path, cdn: RunningCdn) -> None:
        self._folder = folder
        shutil.copy(SOURCE, folder)
        settings = folder / "terraform.rc"
        settings.write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{MIRROR}"\n'
            '    include = ["registry.terraform.io/*/*"]\n  }\n}\n'
        )
        keys = {name: cdn.environment[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        inputs = {
            "TF_CLI_CONFIG_FILE": str(settings),
            "TF_VAR_endpoint": cdn.environment["AWS_ENDPOINT_URL"],
            "TF_VAR_public_key": public_key(),
        }
        self._environment = environment_without_aws() | keys | inputs

    def run(self, *arguments: str, round: str = "one", expect: int = 0) -> str:
        """Runs a command and returns its output; fails unless it exits as expected."""
        done = subprocess.run(
            ["terraform", *arguments, "-no-color"],
            cwd=self._folder,
            env=self._environment | {"TF_VAR_round": round},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def terraform(tmp_path: Path, cdn: RunningCdn) -> Iterator[Terraform]:
    working = Terraform(tmp_path, cdn)
    working.run("init")
    yield working
    working.run("destroy", "-auto-approve", round="two")


def public_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_a_second_plan_has_no_changes_before_and_after_an_update(terraform: Terraform) -> None:
    for each in ("one", "two"):
        terraform.run("plan", "-detailed-exitcode", round=each, expect=CHANGES)
        terraform.run("apply", "-auto-approve", round=each)
        terraform.run("plan", "-detailed-exitcode", round=each, expect=NO_CHANGES)
