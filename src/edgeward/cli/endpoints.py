"""Where the commands find the API, with which credentials, and how they reach a viewer's URL.

As the AWS CLI does: environment, profile and configuration files; where they name no endpoint, the running
`edgeward dev` of the state folder. Invariant: nothing signed is ever sent to Amazon.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click


@dataclass(frozen=True)
class Api:
    """The API of CloudFront and our own beside it. `state` is the folder of `edgeward dev`."""

    state: Path

    @cached_property
    def cloudfront(self) -> Any:
        """A botocore client of the CloudFront API. Raises ClickException where no endpoint is known."""
        session = self._session
        found = session.create_client("cloudfront", region_name=session.get_config_variable("region") or _REGION)
        if not str(urlsplit(found.meta.endpoint_url).hostname).endswith(_AMAZON):
            return found
        variables = self.running.get("environment")
        if not variables:
            raise click.ClickException(
                f"no endpoint is known: set AWS_ENDPOINT_URL, or start `edgeward dev` (none runs in {self.state})"
            )
        session.set_credentials(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
        endpoint, region = variables["AWS_ENDPOINT_URL"], variables["AWS_DEFAULT_REGION"]
        return session.create_client("cloudfront", region_name=region, endpoint_url=endpoint)

    @cached_property
    def running(self) -> dict[str, Any]:
        """What the running `edgeward dev` of the state folder says of itself; empty when none runs."""
        try:
            record: dict[str, Any] = json.loads((self.state / "running.json").read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise click.ClickException(f"{self.state / 'running.json'} cannot be read: {error}") from error
        return record

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """One call of our own API. Raises ClickException with the refusal's message."""
        from botocore.exceptions import BotoCoreError

        url = f"{self.cloudfront.meta.endpoint_url}/edgeward/2026-11-01/{operation}"
        try:
            status, content = self._post(url, json.dumps(members).encode())
            answer: dict[str, Any] = json.loads(content)
        except BotoCoreError as error:
            raise click.ClickException(str(error)) from error
        except ValueError as error:
            raise click.ClickException(f"{url} does not answer as Edgeward: is the endpoint right?") from error
        if status != 200:
            raise click.ClickException(answer.get("message", f"{url} answered {status}"))
        return answer

    def _post(self, url: str, content: bytes) -> tuple[int, bytes]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.httpsession import URLLib3Session

        request = AWSRequest("POST", url, data=content)
        SigV4Auth(self._session.get_credentials(), "edgeward", self.cloudfront.meta.region_name).add_auth(request)
        response = URLLib3Session(timeout=_TIMEOUT_SECONDS).send(request.prepare())
        return response.status_code, response.content

    @cached_property
    def _session(self) -> Any:
        import botocore.session

        return botocore.session.Session()


_REGION = "us-east-1"
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_TIMEOUT_SECONDS = 30
