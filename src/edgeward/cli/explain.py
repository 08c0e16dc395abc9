"""`edgeward explain`: sends a request and tells why the answer is what it is."""

import json
from pathlib import Path
from typing import Any

import click

from edgeward.cli.explain_report import Policies, report


def _field(_context: click.Context, _option: click.Parameter, lines: tuple[str, ...]) -> list[tuple[str, str]]:
    fields = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    if not all(name for name, _ in fields) or any(":" not in line for line in lines):
        raise click.BadParameter("write it as 'Name: value'")
    return fields


@click.command()
@click.argument("url")
@click.option("-H", "--header", "headers", multiple=True, callback=_field, help="'Name: value'; may be repeated.")
@click.option("--method", default="GET", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as the edge sent it.")
@click.option(
    "--cacert",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An authority to trust beside the system's; default: that of the running `edgeward dev`.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".edgeward"),
    show_default=True,
    help="Folder of `edgeward dev`, asked where the environment names no endpoint.",
)
def explain(  # noqa: PLR0913 - one parameter for each option
    url: str, headers: list[tuple[str, str]], method: str, *, as_json: bool, cacert: Path | None, state: Path
) -> None:
    """Send a request and tell why the answer is what it is: cache behavior, cache key, look-up, origin, lifetime.

    The request is a real one: it reaches the origin and the cache as any viewer's would. Credentials and endpoint are
    found as the AWS CLI finds them.
    """
    # Imported here: `--help` need not wait for them.
    from edgeward.cli.endpoints import Api
    from edgeward.cli.viewer import ViewerRequest, send

    api = Api(state)
    request = ViewerRequest(url=url, method=method, headers=headers, ca_file=cacert or _own_authority(api, url))
    token = api.call("explain-token", Host=request.host)
    fields = [*headers, ("Edgeward-Debug", token["Token"])]
    response = send(ViewerRequest(url=url, method=method, headers=fields, ca_file=request.ca_file))
    text = response.headers.get("edgeward-explain")
    if text is None:
        raise click.ClickException(
            f"the answer ({response.status}) does not explain itself: is {url} served by an Edgeward edge with this "
            "control plane's explain key, and is its clock right?"
        )
    if as_json:
        click.echo(text)
        return
    explanation = json.loads(text)
    for line in report(explanation, _policies(api, explanation)):
        click.echo(line)


def _own_authority(api: Any, url: str) -> Path | None:
    is_known = url.startswith("https:") and "ca_file" in api.running
    return Path(api.running["ca_file"]) if is_known else None


def _policies(api: Any, explanation: dict[str, Any]) -> Policies:
    """The names of the policies that the behavior attaches; those that cannot be read are left out."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return _attached(api.cloudfront, explanation)
    except (BotoCoreError, ClientError):
        # The configuration may have changed since the edge answered; the explanation stands without names.
        return Policies()


def _attached(client: Any, explanation: dict[str, Any]) -> Policies:
    if "distribution" not in explanation or "behavior" not in explanation:
        return Policies()
    config = client.get_distribution_config(Id=explanation["distribution"])["DistributionConfig"]
    listed = config.get("CacheBehaviors", {}).get("Items", [])
    place = explanation["behavior"]["place"] - 1
    behavior = listed[place] if place < len(listed) else config["DefaultCacheBehavior"]
    return Policies(
        cache=_name_of(client, "CachePolicy", behavior),
        origin_request=_name_of(client, "OriginRequestPolicy", behavior),
        response_headers=_name_of(client, "ResponseHeadersPolicy", behavior),
    )


def _name_of(client: Any, kind: str, behavior: dict[str, Any]) -> str | None:
    policy_id = behavior.get(f"{kind}Id")
    if not policy_id:
        return None
    calls = {
        "CachePolicy": client.get_cache_policy,
        "OriginRequestPolicy": client.get_origin_request_policy,
        "ResponseHeadersPolicy": client.get_response_headers_policy,
    }
    return str(calls[kind](Id=policy_id)[kind][f"{kind}Config"]["Name"])
