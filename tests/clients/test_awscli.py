"""The same life of a distribution with the real AWS CLI, in an environment of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from authorities import authority, signed
from clients.configurations import one_origin
from clients.running import RunningCdn, environment_without_aws

AWS = Path(__file__).parents[2] / ".venv-awscli" / "bin" / "aws"


@pytest.fixture
def aws(cdn: RunningCdn) -> "AwsCli":
    """The AWS CLI with the environment that the program tells users to export."""
    assert AWS.exists(), "the AWS CLI is not installed: run `make clients`"
    return AwsCli(environment_without_aws() | dict(cdn.environment))


class AwsCli:
    """Runs `aws` commands."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def __call__(self, *arguments: str) -> Any:
        """The command's output, parsed; None when it printed nothing. Fails the test when the command fails."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The finished command. Thirty seconds: less than a waiter's second poll would need."""
        command = [str(AWS), "--output", "json", *arguments]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False, timeout=30)

    def signed_with(self, credentials: dict[str, str]) -> "AwsCli":
        """The CLI of whoever has these credentials."""
        variables = {
            "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        }
        token = {"AWS_SESSION_TOKEN": credentials["SessionToken"]} if "SessionToken" in credentials else {}
        return AwsCli(self._environment | variables | token)

    def cloudfront(self, operation: str, *arguments: str) -> Any:
        """`aws cloudfront <operation> ...`"""
        return self("cloudfront", operation, *arguments)


def test_a_distribution_lives_from_creation_to_deletion(cdn: RunningCdn, aws: AwsCli, tmp_path: Path) -> None:
    config = one_origin(f"{cdn.bucket}.s3.us-east-1.amazonaws.com")
    created = aws.cloudfront("create-distribution", "--distribution-config", json.dumps(config))
    distribution_id, arn = created["Distribution"]["Id"], created["Distribution"]["ARN"]
    aws.cloudfront("wait", "distribution-deployed", "--id", distribution_id)
    listed = aws.cloudfront("list-distributions")["DistributionList"]["Items"]
    assert distribution_id in {item["Id"] for item in listed}

    aws.cloudfront("tag-resource", "--resource", arn, "--tags", "Items=[{Key=team,Value=web}]")
    tags = aws.cloudfront("list-tags-for-resource", "--resource", arn)["Tags"]["Items"]
    assert tags == [{"Key": "team", "Value": "web"}]

    current = aws.cloudfront("get-distribution-config", "--id", distribution_id)
    stale, changed = current["ETag"], current["DistributionConfig"] | {"Enabled": False, "Comment": "changed"}
    (tmp_path / "config.json").write_text(json.dumps(changed))
    update = ("--id", distribution_id, "--distribution-config", f"file://{tmp_path}/config.json", "--if-match")
    fresh = aws.cloudfront("update-distribution", *update, stale)["ETag"]
    refused = aws.run("cloudfront", "update-distribution", *update, stale)
    assert "(PreconditionFailed)" in refused.stderr

    aws.cloudfront("wait", "distribution-deployed", "--id", distribution_id)
    aws.cloudfront("delete-distribution", "--id", distribution_id, "--if-match", fresh)
    gone = aws.run("cloudfront", "get-distribution", "--id", distribution_id)
    assert "(NoSuchDistribution)" in gone.stderr


def test_a_certificate_is_imported_and_shown_to_viewers(cdn: RunningCdn, aws: AwsCli, tmp_path: Path) -> None:
    root = authority()
    certificate = signed(["cli.example.com"], issuer=root, kind="RSA_2048")
    for name, content in (("cert", certificate.pem), ("key", certificate.key_pem), ("chain", certificate.chain_pem)):
        (tmp_path / f"{name}.pem").write_bytes(content)
    files = {name: f"fileb://{tmp_path}/{name}.pem" for name in ("cert", "key", "chain")}
    made = aws(
        *("acm", "import-certificate", "--certificate", files["cert"], "--private-key", files["key"]),
        *("--certificate-chain", files["chain"], "--tags", "Key=team,Value=web"),
    )
    arn = made["CertificateArn"]
    config = one_origin(f"{cdn.bucket}.s3.us-east-1.amazonaws.com") | {
        "Aliases": {"Quantity": 1, "Items": ["cli.example.com"]},
        "ViewerCertificate": {"ACMCertificateArn": arn, "SSLSupportMethod": "sni-only"},
    }
    created = aws.cloudfront("create-distribution", "--distribution-config", json.dumps(config))["Distribution"]

    assert cdn.handshake("cli.example.com", root.pem.decode()).certificate == certificate.der
    told = aws("acm", "describe-certificate", "--certificate-arn", arn)["Certificate"]
    assert (told["Status"], told["DomainName"], told["InUseBy"]) == ("ISSUED", "cli.example.com", [created["ARN"]])
    assert arn in {each["CertificateArn"] for each in aws("acm", "list-certificates")["CertificateSummaryList"]}
    assert "(ResourceInUseException)" in aws.run("acm", "delete-certificate", "--certificate-arn", arn).stderr


def test_the_shorthand_for_one_origin_makes_a_distribution_that_serves(cdn: RunningCdn, aws: AwsCli) -> None:
    domain_name = f"{cdn.bucket}.s3.us-east-1.amazonaws.com"
    created = aws.cloudfront("create-distribution", "--origin-domain-name", domain_name)["Distribution"]

    behavior = created["DistributionConfig"]["DefaultCacheBehavior"]
    assert (behavior["MinTTL"], behavior["DefaultTTL"], behavior["MaxTTL"]) == (0, 86_400, 31_536_000)
    assert created["Status"] == "Deployed"


def test_an_invalidation_is_completed_at_the_first_poll(cdn: RunningCdn, aws: AwsCli) -> None:
    made = aws.cloudfront("create-invalidation", "--distribution-id", cdn.distribution_id, "--paths", "/cli/*")
    invalidation_id = made["Invalidation"]["Id"]
    aws.cloudfront("wait", "invalidation-completed", "--distribution-id", cdn.distribution_id, "--id", invalidation_id)
    listed = aws.cloudfront("list-invalidations", "--distribution-id", cdn.distribution_id)
    statuses = {item["Id"]: item["Status"] for item in listed["InvalidationList"]["Items"]}
    assert statuses[invalidation_id] == "Completed"


def test_the_same_variables_serve_s3(cdn: RunningCdn, aws: AwsCli, tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text("by the AWS CLI")
    copied = aws.run("s3", "cp", str(tmp_path / "new.txt"), f"s3://{cdn.bucket}/cli/new.txt")
    assert copied.returncode == 0, copied.stderr
    assert cdn.get("/cli/new.txt").data == b"by the AWS CLI"


def test_a_wrong_secret_is_refused(cdn: RunningCdn) -> None:
    stranger = AwsCli(environment_without_aws() | dict(cdn.environment) | {"AWS_SECRET_ACCESS_KEY": "wrong"})
    assert "(SignatureDoesNotMatch)" in stranger.run("cloudfront", "list-distributions").stderr


def test_a_role_takes_the_place_of_a_key(aws: AwsCli) -> None:
    trust = statement(Action="sts:AssumeRole", Principal={"AWS": "arn:aws:iam::123456789012:user/ada"})
    reading = statement(Action="cloudfront:ListDistributions", Resource="*")
    aws("iam", "create-user", "--user-name", "ada")
    aws("iam", "create-role", "--role-name", "reader", "--assume-role-policy-document", trust)
    aws("iam", "put-role-policy", "--role-name", "reader", "--policy-name", "read", "--policy-document", reading)
    ada = aws.signed_with(aws("iam", "create-access-key", "--user-name", "ada")["AccessKey"])

    refused = ada.run("cloudfront", "list-distributions")
    role = ("--role-arn", "arn:aws:iam::123456789012:role/reader", "--role-session-name", "cli")
    reader = ada.signed_with(ada("sts", "assume-role", *role)["Credentials"])

    assert "AccessDenied" in refused.stderr
    assert reader("sts", "get-caller-identity")["Arn"] == "arn:aws:sts::123456789012:assumed-role/reader/cli"
    assert reader.cloudfront("list-distributions")["DistributionList"]["Items"]
    assert "AccessDenied" in reader.run("cloudfront", "list-cache-policies").stderr


def statement(**members: Any) -> str:
    """A policy of one statement that allows."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **members}]})
