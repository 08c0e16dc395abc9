"""`edgeward import`: a distribution made from what CloudFront's get-distribution-config answers.

What the configuration names by id (policies, origin access controls) has other ids here. Policies come from files
beside it, access controls are made anew, and everything that was changed on the way is told. Invariant: nothing of the
configuration is left out without a word.
"""

import copy
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from edgeward.cli.lint import told_with

POLICIES = {
    "CachePolicy": "cache-policy",
    "OriginRequestPolicy": "origin-request-policy",
    "ResponseHeadersPolicy": "response-headers-policy",
}
"""Kinds of policies, and what they are called in commands of the AWS CLI."""


@click.command("import")
@click.argument("config_file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--with",
    "policy_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What get-cache-policy and its like answered, for a policy of your own; may be repeated.",
)
@click.option("--keep-aliases", is_flag=True, help="Take over the alternate domain names too.")
@click.option("--disabled", is_flag=True, help="Leave the distribution disabled.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".edgeward"),
    show_default=True,
    help="Folder of `edgeward dev`, asked where the environment names no endpoint.",
)
def import_config(
    config_file: Path, policy_files: tuple[Path, ...], *, keep_aliases: bool, disabled: bool, state: Path
) -> None:
    """Make a distribution from FILE, what `aws cloudfront get-distribution-config` answers.

    Certificates of ACM are replaced by those of the local authority, and alternate domain names are left out, unless
    they are wanted. What the edge cannot do yet is refused by name, and nothing is made then.
    """
    # Imported here: `--help` need not wait for them.
    from botocore.exceptions import BotoCoreError, ClientError

    from edgeward.cli.endpoints import Api

    importing = _Import(client=Api(state).cloudfront, files=[_read(path) for path in policy_files])
    config = copy.deepcopy(_read(config_file).get("DistributionConfig") or _read(config_file))
    try:
        importing.adapt(config, keep_aliases=keep_aliases)
        config |= {"CallerReference": f"import {uuid.uuid4()}", "Enabled": bool(config["Enabled"]) and not disabled}
        answer = importing.client.create_distribution(DistributionConfig=config)
    except KeyError as error:
        raise click.ClickException(f"{config_file} is no DistributionConfig: it has no {error}") from error
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(f"nothing was imported: {error}") from error
    for line in importing.changes:
        click.echo(line)
    made = answer["Distribution"]
    click.echo(f"{made['Id']} is {made['Status']}: {made['DomainName']}")
    for line in told_with(answer):
        click.echo(line, err=True)


@dataclass(kw_only=True)
class _Import:
    """One import on its way."""

    client: Any
    files: list[Any]
    changes: list[str] = field(default_factory=list)

    def adapt(self, config: Any, *, keep_aliases: bool) -> None:
        """Puts what there is here in place of what the configuration names."""
        behaviors = [config["DefaultCacheBehavior"], *_items(config.get("CacheBehaviors"))]
        for kind, command in POLICIES.items():
            wanted = {behavior[f"{kind}Id"]: None for behavior in behaviors if behavior.get(f"{kind}Id")}
            ids = {each: self._policy(kind, command, each) for each in wanted}
            for behavior in behaviors:
                if behavior.get(f"{kind}Id"):
                    behavior[f"{kind}Id"] = ids[behavior[f"{kind}Id"]]
        controls: dict[str, str] = {}
        for origin in _items(config["Origins"]):
            if origin.get("OriginAccessControlId"):
                origin["OriginAccessControlId"] = self._control(origin, controls)
        self._certificate(config)
        if _items(config.get("Aliases")) and not keep_aliases:
            self.changes.append(f"left out: the aliases {', '.join(_items(config['Aliases']))} (--keep-aliases)")
            config["Aliases"] = {"Quantity": 0}

    def _policy(self, kind: str, command: str, id: str) -> str:
        """The id of the policy here: the same for a managed one, a new one for those in a file."""
        from botocore.exceptions import ClientError

        try:
            getattr(self.client, f"get_{command.replace('-', '_')}")(Id=id)
        except ClientError as error:
            if not error.response["Error"]["Code"].startswith("NoSuch"):
                raise
        else:
            return id
        given = next((each[kind] for each in self.files if each.get(kind, {}).get("Id") == id), None)
        if given is None:
            raise click.ClickException(
                f"there is no {command.replace('-', ' ')} {id} here: save it with "
                f"`aws cloudfront get-{command} --id {id} > {id}.json`, and add --with {id}.json"
            )
        config = given[f"{kind}Config"]
        made = self._made(kind, command, config)
        self.changes.append(f"{command.replace('-', ' ')} {config['Name']}: {id} is {made} here")
        return made

    def _made(self, kind: str, command: str, config: Mapping[str, Any]) -> str:
        from botocore.exceptions import ClientError

        create = getattr(self.client, f"create_{command.replace('-', '_')}")
        try:
            return str(create(**{f"{kind}Config": config})[kind]["Id"])
        except ClientError as error:
            # From an earlier import: the name is unique.
            if not error.response["Error"]["Code"].endswith("AlreadyExists"):
                raise
        return next(own for own, name in self._own_policies(kind, command) if name == config["Name"])

    def _own_policies(self, kind: str, command: str) -> Iterator[tuple[str, str]]:
        operation = f"list_{command.replace('-', '_').removesuffix('y')}ies"
        marker: dict[str, str] = {}
        while True:
            page = getattr(self.client, operation)(Type="custom", **marker)[f"{kind}List"]
            for item in page.get("Items", []):
                yield item[kind]["Id"], item[kind][f"{kind}Config"]["Name"]
            if "NextMarker" not in page:
                return
            marker = {"Marker": page["NextMarker"]}

    def _control(self, origin: Mapping[str, Any], controls: dict[str, str]) -> str:
        """A control that always signs, as nearly all do; one for each that the configuration names."""
        wanted = origin["OriginAccessControlId"]
        if wanted not in controls:
            config = {
                "Name": f"import {uuid.uuid4()}",
                "SigningProtocol": "sigv4",
                "SigningBehavior": "always",
                "OriginAccessControlOriginType": "s3",
            }
            made = self.client.create_origin_access_control(OriginAccessControlConfig=config)
            controls[wanted] = made["OriginAccessControl"]["Id"]
            self.changes.append(f"origin access control: {wanted} is {controls[wanted]} here, which always signs")
        return controls[wanted]

    def _certificate(self, config: Any) -> None:
        certificate = config.get("ViewerCertificate", {})
        if certificate.get("ACMCertificateArn") or certificate.get("IAMCertificateId"):
            named = certificate.get("ACMCertificateArn") or certificate["IAMCertificateId"]
            config["ViewerCertificate"] = {"CloudFrontDefaultCertificate": True}
            self.changes.append(f"certificate: the local authority stands in for {named}")


def _read(path: Path) -> Any:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise click.ClickException(f"{path} is no answer of `aws cloudfront get-...`")
    return document


def _items(container: Any) -> list[Any]:
    return list((container or {}).get("Items") or [])
