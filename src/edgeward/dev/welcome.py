"""What the person at the terminal is told: where everything is, and what to try first.

Pure text from endpoints. Invariant: every line can be pasted into a shell as it stands, from any folder.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path

from edgeward.dev.credentials import AccessKey
from edgeward.dev.sample_distribution import SampleDistribution
from edgeward.dev.state_folder import StateFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the running CDN is reached."""

    sample: SampleDistribution
    http_port: int
    https_port: int
    api: str
    """The CloudFront API, `http://127.0.0.1:4566`."""
    s3: str
    """The S3 API."""
    bucket: str
    ca_file: Path
    """The local CA's certificate; absolute."""
    key: AccessKey
    """Good for the API and for S3."""
    places: tuple[str, ...] = ()
    """Of what the edge has data: country, city, asn."""

    @property
    def http_url(self) -> str:
        """The site in clear, without a final slash."""
        return f"http://{self.sample.domain_name}:{self.http_port}"

    @property
    def https_url(self) -> str:
        """The site over TLS, without a final slash."""
        return f"https://{self.sample.domain_name}:{self.https_port}"


def environment(endpoints: Endpoints) -> dict[str, str]:
    """The variables that point AWS tools here.

    The endpoint for S3 is named apart, because AWS_ENDPOINT_URL alone would send `aws s3` to the CloudFront API. The
    region has two names: the CLI and boto3 read one, the other SDKs AWS_REGION.
    """
    return {
        "AWS_ENDPOINT_URL": endpoints.api,
        "AWS_ENDPOINT_URL_S3": endpoints.s3,
        "AWS_ACCESS_KEY_ID": endpoints.key.id,
        "AWS_SECRET_ACCESS_KEY": endpoints.key.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }


def running_record(endpoints: Endpoints) -> dict[str, object]:
    """The endpoints as plain values, for other programs."""
    return {
        "distribution_id": endpoints.sample.id,
        "http_url": endpoints.http_url,
        "https_url": endpoints.https_url,
        "bucket": endpoints.bucket,
        "ca_file": str(endpoints.ca_file),
        "environment": environment(endpoints),
    }


def welcome(endpoints: Endpoints, folder: StateFolder) -> str:
    """The text printed when everything runs."""
    variables = environment(endpoints)
    exports = [
        " ".join(f"{name}={variables[name]}" for name in names)
        for names in (
            ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"),
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            ("AWS_DEFAULT_REGION", "AWS_REGION"),
        )
    ]
    return f"""
  Your CDN is running. Distribution {endpoints.sample.id} is deployed.

  site    {endpoints.http_url}/
          {endpoints.https_url}/
          trusted with: curl --cacert {shlex.quote(str(endpoints.ca_file))}
  state   {folder.root}
  places  {_places(endpoints, folder)}

  For the AWS CLI and SDKs, in another terminal (or: . {shlex.quote(str(folder.environment))}):

    export {exports[0]}
    export {exports[1]}
    export {exports[2]}

  Try:

    curl -sD- -o /dev/null {endpoints.http_url}/    # twice: a Miss, then a Hit with its Age
    edgeward explain {endpoints.http_url}/    # why it is answered as it is
    aws cloudfront create-invalidation --distribution-id {endpoints.sample.id} --paths '/*'
    aws cloudfront list-distributions --query 'DistributionList.Items[].[Id,DomainName,Status]' --output text
    zcat {shlex.quote(str(folder.logs))}/*.gz | tail  # one line per request, ten seconds behind

  Ctrl-C stops everything. The next start finds it all again.
"""


def _places(endpoints: Endpoints, folder: StateFolder) -> str:
    if endpoints.places:
        return f"data of {', '.join(endpoints.places)} for headers such as CloudFront-Viewer-Country"
    return f"no data, so no CloudFront-Viewer-Country: edgeward geodata --state {shlex.quote(str(folder.root))}"


def shell_exports(endpoints: Endpoints) -> str:
    """The same variables as a file for the shell to read. Values need no quotes: see `credentials`."""
    return "".join(f"export {name}={value}\n" for name, value in environment(endpoints).items())
