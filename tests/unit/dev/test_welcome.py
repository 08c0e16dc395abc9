"""What the person at the terminal is told."""

import re
from dataclasses import replace
from pathlib import Path

from edgeward.dev.credentials import AccessKey
from edgeward.dev.sample_distribution import SampleDistribution
from edgeward.dev.state_folder import StateFolder
from edgeward.dev.welcome import Endpoints, environment, shell_exports, welcome

ENDPOINTS = Endpoints(
    sample=SampleDistribution(id="E1ABC", domain_name="d1.cloudfront.localhost"),
    http_port=8080,
    https_port=8443,
    api="http://127.0.0.1:4566",
    s3="http://127.0.0.1:8333",
    bucket="sample-site",
    ca_file=Path("/state dir/authority/ca.pem"),
    key=AccessKey(id="AKIA", secret="secret"),
)
FOLDER = StateFolder(root=Path("/state dir"))


def test_the_site_is_named_in_clear_and_over_tls() -> None:
    text = welcome(ENDPOINTS, FOLDER)
    assert "http://d1.cloudfront.localhost:8080/" in text
    assert "https://d1.cloudfront.localhost:8443/" in text


def test_every_variable_an_aws_tool_needs_is_exported() -> None:
    exported = re.findall(r"(AWS_\w+)=(\S+)", welcome(ENDPOINTS, FOLDER))
    assert dict(exported) == environment(ENDPOINTS)


def test_paths_are_quoted_for_the_shell() -> None:
    text = welcome(ENDPOINTS, FOLDER)
    assert "--cacert '/state dir/authority/ca.pem'" in text
    assert ". '/state dir/env'" in text
    assert "zcat '/state dir/logs'/*.gz" in text


def test_what_is_known_of_places_is_said_and_how_to_know_more() -> None:
    assert "edgeward geodata --state '/state dir'" in welcome(ENDPOINTS, FOLDER)
    assert "data of country, asn for headers" in welcome(replace(ENDPOINTS, places=("country", "asn")), FOLDER)


def test_the_file_for_the_shell_exports_the_same_variables() -> None:
    lines = shell_exports(ENDPOINTS).splitlines()
    assert lines == [f"export {name}={value}" for name, value in environment(ENDPOINTS).items()]


def test_s3_has_an_endpoint_of_its_own() -> None:
    variables = environment(ENDPOINTS)
    assert (variables["AWS_ENDPOINT_URL"], variables["AWS_ENDPOINT_URL_S3"]) == (ENDPOINTS.api, ENDPOINTS.s3)
