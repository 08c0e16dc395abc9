"""Every example of the AWS CLI's manual does what the manual shows.

The examples name resources of their own; these are replaced by ones that are there. What an example answers must have
every member that the manual shows, of the same kind. The real CLI talks to a real API over HTTP.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from clients.awscli_examples import Command, read_examples
from clients.running import environment_without_aws
from edgeward.authority import LocalAuthority
from edgeward.control_plane import ControlPlane, ControlPlaneSettings
from edgeward.dev.api_server import ApiServer
from edgeward.dev.ports import free_ports
from unit.services.cloudfront.generated.samples import SAMPLES, multi_tenant, tenant_members, unique
from unit.services.conftest import FakeCertificates, ObedientEdge

ENVIRONMENT = Path(__file__).parents[2] / ".venv-awscli"
FOLDERS = list(ENVIRONMENT.glob("lib/python3*/site-packages/awscli/examples/cloudfront"))
EXAMPLES = read_examples(FOLDERS[0]) if FOLDERS else {}
REPLACED = {
    "Id",
    "IfMatch",
    "Identifier",
    "DistributionId",
    "DistributionTenantId",
    "ConnectionGroupId",
    "AnycastIpListId",
    "PublicKeyId",
    "ProfileId",
    "RoutingEndpoint",
    "Domain",
    "Parameters",
    "Resource",
    "WebACLArn",
    "DomainControlValidationResource",
    "TargetResource",
    "CallerReference",
    "CachePolicyId",
}
"""Members that name what has to be there."""
REFUSED = {
    "ManagedCertificateRequest": "managed certificates are not there yet",
    "get-managed-certificate-details": "has no managed certificate",
    "ConnectionMode": "there is no certificate |DistributionConfig.ConnectionMode: ",
}
"""Operations and members whose examples are refused, and what the refusal says."""


class AwsCli:
    """`aws`, all commands in one process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environment = environment_without_aws() | {
            "AWS_ACCESS_KEY_ID": "AKID",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1",
        }
        self.process = subprocess.Popen(
            [ENVIRONMENT / "bin" / "python", Path(__file__).with_name("awscli_driver.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def run(self, endpoint: str, arguments: list[str], files: dict[str, Any]) -> dict[str, Any]:
        """What the command answers, the files in its folder."""
        for name, content in files.items():
            (self.folder / name).write_text(json.dumps(content))
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"arguments": ["--endpoint-url", endpoint, "--output", "json", *arguments], "folder": str(self.folder)}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answered: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answered


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    settings = ControlPlaneSettings(state_directory=tmp_path, access_keys={"AKID": "secret"}, sealing_key="b" * 64)
    plane = ControlPlane(settings, (ObedientEdge(),), FakeCertificates(LocalAuthority(tmp_path / "authority")))
    plane.start()
    server = ApiServer(plane.app, free_ports(1)[0])
    server.start()
    yield server.endpoint
    assert server.stop(), "threads of calls are still there"
    plane.stop()


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsCli]:
    cli = AwsCli(tmp_path_factory.mktemp("files"))
    with cli.process:
        yield cli


@pytest.fixture
def cloudfront(endpoint: str) -> Any:
    return boto3.client(
        "cloudfront",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKID",
        aws_secret_access_key="secret",
        config=Config(retries={"max_attempts": 0}),
    )


def test_the_manual_has_its_examples() -> None:
    assert FOLDERS, "the AWS CLI is not installed: run `make clients`"
    assert len(EXAMPLES) >= 62
    assert all(EXAMPLES.values())


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "sign"])
def test_an_example_answers_as_the_manual_shows(name: str, aws: AwsCli, endpoint: str, cloudfront: Any) -> None:
    for command in EXAMPLES[name]:
        arguments, files = fitted(command, sample_of(command, cloudfront))
        done = aws.run(endpoint, arguments, files)
        said = f"{' '.join(arguments)}: {done['errors']}"
        refusal = refusal_of(command)
        if refusal is not None:
            assert done["status"] != 0, said
            assert re.search(refusal, done["errors"]), said
            continue
        assert done["status"] == 0, said
        shape = output_of(command, cloudfront)
        if command.answer is None:
            assert shape is not None or done["output"].strip() == ""
            continue
        assert "\n".join(missing(command, shape, json.loads(done["output"]))) == ""


def test_the_example_that_signs_does_so_without_the_api(aws: AwsCli, endpoint: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (command,) = EXAMPLES["sign"]
    (aws.folder / "cf-signer-priv-key.pem").write_bytes(pem)
    done = aws.run(endpoint, command.arguments, {})
    (url,) = (each for each in command.arguments if each.startswith("https:"))
    signed = r"\?Expires=1577836800&Signature=[\w~-]+&Key-Pair-Id=APKAEIBAERJR2EXAMPLE"
    assert re.fullmatch(re.escape(url) + signed, done["output"].strip()), done


def refusal_of(command: Command) -> str | None:
    """What the refusal says, if the example is refused."""
    words = {command.operation, *(name for content in command.files.values() for name in content)}
    return next((REFUSED[word] for word in words if word in REFUSED), None)


def operation_of(command: Command, cloudfront: Any) -> str:
    """The operation that the command calls."""
    names: list[str] = cloudfront.meta.service_model.operation_names
    return next(name for name in names if xform_name(name, "-") == command.operation)


def output_of(command: Command, cloudfront: Any) -> Any:
    """The shape of the answer."""
    return cloudfront.meta.service_model.operation_model(operation_of(command, cloudfront)).output_shape


def sample_of(command: Command, cloudfront: Any) -> dict[str, Any]:
    """A valid input of the operation, for which everything it names is there."""
    if command.operation in PREPARATIONS:
        return PREPARATIONS[command.operation](cloudfront)
    return SAMPLES[operation_of(command, cloudfront)](cloudfront)


def tagged_distribution(cloudfront: Any) -> dict[str, Any]:
    members = SAMPLES["TagResource"](cloudfront)
    cloudfront.tag_resource(**members)
    return members


def one_multi_tenant_distribution(cloudfront: Any) -> dict[str, Any]:
    return {"DistributionId": multi_tenant(cloudfront)}


def one_tenant(cloudfront: Any) -> dict[str, Any]:
    """Its members, and under which id and ETag it was made."""
    members = tenant_members(cloudfront)
    made = cloudfront.create_distribution_tenant(**members)
    own = {"Id": made["DistributionTenant"]["Id"], "IfMatch": made["ETag"]}
    return {**members, **own, "Identifier": own["Id"], "Domain": members["Domains"][0]["Domain"]}


PREPARATIONS = {
    "list-tags-for-resource": tagged_distribution,
    "list-distributions-by-connection-mode": one_multi_tenant_distribution,
    "list-distribution-tenants": one_tenant,
    "update-distribution-tenant": one_tenant,
    "verify-dns-configuration": one_tenant,
    "get-managed-certificate-details": one_tenant,
}
"""Where the generated sample is not what the example is about."""


def fitted(command: Command, sample: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """The command and its files, with names of things that are there."""
    known = {name: value for name, value in found(sample) if name in REPLACED}
    if command.operation.startswith("create-"):
        known["CallerReference"] = unique("example")
    arguments = [shorthand(each, known) for each in command.arguments]
    for name, value in known.items():
        place = option(arguments, name)
        if place is not None:
            arguments[place + 1] = value if isinstance(value, str) else json.dumps(value)
    own = {name: sample[name] for name in ("Id", "IfMatch") if name in sample}
    deep = {name: value for name, value in known.items() if name not in ("Id", "IfMatch")}
    files = {
        name: replaced(content, deep) | {each: value for each, value in own.items() if each in content}
        for name, content in command.files.items()
    }
    return arguments, files


def option(arguments: list[str], member: str) -> int | None:
    """Where the option of a member is; the CLI takes its beginning for it, and the manual uses that."""
    whole = f"--{xform_name(member, '-')}"
    written = whole if whole in arguments else whole[:4]
    return arguments.index(written) if written in arguments else None


def shorthand(argument: str, known: dict[str, Any]) -> str:
    """`Name=value` as the CLI takes it for a structure."""
    return re.sub(
        r"(?<![A-Za-z])(\w+)=([^,]+)",
        lambda pair: f"{pair[1]}={known[pair[1]]}" if isinstance(known.get(pair[1]), str) else pair[0],
        argument,
    )


def found(value: Any) -> Iterator[tuple[str, Any]]:
    """Every member at every level, the outer ones last."""
    if isinstance(value, dict):
        for member in value.values():
            yield from found(member)
        yield from value.items()
    elif isinstance(value, list):
        for item in value:
            yield from found(item)


def replaced(value: Any, known: dict[str, Any]) -> Any:
    """The document with known members in place of its own."""
    if isinstance(value, dict):
        return {name: known.get(name, replaced(member, known)) for name, member in value.items()}
    return [replaced(item, known) for item in value] if isinstance(value, list) else value


def missing(command: Command, shape: Any, answered: Any) -> Iterator[str]:
    """What the manual shows of the answer and this one lacks.

    What an example sets must be there as shown. What it does not set was made here, by another configuration, or by
    what the CLI fills in: of that, members which the model does not require may be absent.
    """
    is_reading = not command.files
    differing = list(differences(command.answer, answered, shape, ""))
    for path, is_required, what in differing:
        is_paging = path.rpartition(".")[2] in PAGING and command.operation.startswith("list-")
        if not is_paging and (is_required or not is_reading):
            yield f"{path}: {what}"


def differences(documented: Any, answered: Any, shape: Any, path: str) -> Iterator[tuple[str, bool, str]]:
    """Members of which the kind differs or that are absent: path, whether the model requires them, what is wrong."""
    if type(documented) is not type(answered):
        yield path, True, f"{type(documented).__name__} in the manual, {type(answered).__name__} here"
    elif isinstance(documented, dict) and shape.type_name == "structure":
        for name, member in documented.items():
            if name not in answered:
                yield f"{path}.{name}", name in shape.required_members or not path, "missing"
            elif name in shape.members:
                yield from differences(member, answered[name], shape.members[name], f"{path}.{name}")
    elif isinstance(documented, list) and documented:
        if not answered:
            yield path, True, "empty"
        for item in answered[:1]:
            yield from differences(documented[0], item, shape.member, f"{path}[]")


PAGING = ("Marker", "NextMarker", "NextToken", "MaxItems", "IsTruncated", "Quantity")
"""What the CLI of today leaves out, because it reads all pages."""
