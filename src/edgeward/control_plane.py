"""The control plane: the API, the store and the publisher, put together.

Invariant: no globals; everything a part works with is handed to it here. `edgeward.dev` runs it beside an
edge, tests run it with channels of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from edgeward.acme.orders import AcmePackagesMissingError, AcmeSettings
from edgeward.aws.api import Api, Service
from edgeward.aws.app import Application, AsgiApplication
from edgeward.aws.audit import AuditFile, Auditor
from edgeward.aws.engine import Environment
from edgeward.aws.identifiers import Identifiers
from edgeward.aws.quotas import AWS_QUOTAS, Quotas
from edgeward.aws.root_path import RootPath
from edgeward.deploy.channel import CertificateSource, Channel
from edgeward.deploy.delivery import Backoff
from edgeward.deploy.planner import Planner
from edgeward.deploy.publisher import PublishedElsewhere, Publisher
from edgeward.deploy.stapler import Stapler
from edgeward.services.acm import renewing, validating
from edgeward.services.acm.certificates import tags_of_certificate
from edgeward.services.acm.challenges import Places, challenges_of
from edgeward.services.acm.issuing import Issuer, Validating
from edgeward.services.acm.periodic import Periodic
from edgeward.services.acm.renewing import renew_due
from edgeward.services.acm.service import acm, acm_model
from edgeward.services.acm.validating import Validations
from edgeward.services.cloudfront.demands import tags_of_arn
from edgeward.services.cloudfront.own_certificates import servable
from edgeward.services.cloudfront.service import cloudfront, service_model
from edgeward.services.cloudfront.trust_store import ReadObject, no_bucket
from edgeward.services.edgeward.api import EdgewardApi
from edgeward.services.edgeward.explain import issue_token
from edgeward.services.edgeward.history import history_operations
from edgeward.services.edgeward.lint import lint_operation
from edgeward.services.iam.entities import tags_of_entity
from edgeward.services.iam.guard import Guard
from edgeward.services.iam.service import IAM_VERSION, STS_VERSION, iam, sts
from edgeward.services.key_value_store.service import key_value_store
from edgeward.store.database import Store
from edgeward.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlaneSettings:
    """What a control plane is started with."""

    state_directory: Path
    """Where the audit trail goes, and the database file unless `database_url` says otherwise. Made when missing."""
    access_keys: Mapping[str, str]
    """Secret access keys by access key id, of the account's root, who may do everything."""
    sealing_key: str = field(repr=False)
    """What secrets of users, session tokens and private keys are sealed with, 64 hexadecimal digits: the same for all
    control planes of a database."""
    account_id: str = "123456789012"
    """The account that owns everything: in ARNs."""
    domain_suffix: str = "cloudfront.localhost"
    """Where distributions get their domain names: `d111111abcdef8.<suffix>`."""
    acknowledgement_seconds: float = 1.0
    """How long a write waits for the edges before it answers with the status InProgress."""
    backoff: Backoff = field(default_factory=Backoff)
    """How long to wait before an edge that failed is tried again."""
    explain_key: str | None = None
    """The key of debug tokens, 64 hexadecimal digits, as the edges have it; None: there are none."""
    database_url: str | None = field(default=None, repr=False)
    """SQLAlchemy URL of the store, `sqlite:///...` or `postgresql+psycopg://...`; SQLite in `state_directory` by
    default."""
    acme: AcmeSettings | None = None
    """The CA that issues certificates for public names; None: there is none. Needs the extra `acme`."""
    quotas: Quotas = AWS_QUOTAS
    """How many of each thing the account may have, and how large."""
    read_object: ReadObject = no_bucket
    """Fetches the bundles of trust stores."""
    publishes: bool = True
    """False: only the API is served, and another control plane on the same database brings changes to the edges."""


def _system_clock() -> datetime:
    return datetime.now(UTC)


def _acme_authority(settings: AcmeSettings, directory: Path) -> Validating:
    try:
        from edgeward.acme.authority import AcmeAuthority
    except ModuleNotFoundError as missing:
        raise AcmePackagesMissingError from missing
    return AcmeAuthority(settings, directory)


class Authority(CertificateSource, Issuer, Protocol):
    """What has certificates for the names of distributions, and signs those that ACM is asked for."""


class ControlPlane:
    """One control plane. Call `start` before `app` is served: it makes the store and the edges ready."""

    def __init__(
        self,
        settings: ControlPlaneSettings,
        channels: Sequence[Channel],
        certificates: Authority,
        *,
        clock: Callable[[], datetime] = _system_clock,
        identifiers: Identifiers | None = None,
    ) -> None:
        identifiers, vault = identifiers or Identifiers(), Vault(settings.sealing_key)
        self._store = Store(settings.database_url or f"sqlite:///{settings.state_directory / 'control-plane.db'}")
        self._stapler = Stapler(clock)
        self._publisher = (
            Publisher(
                self._store,
                Planner(
                    account_id=settings.account_id,
                    domain_suffix=settings.domain_suffix,
                    certificates=certificates,
                    own_certificates=partial(servable, vault),
                    challenges_of=challenges_of,
                    staple_for=self._stapler.staple_for,
                ),
                channels,
                acknowledgement_seconds=settings.acknowledgement_seconds,
                backoff=settings.backoff,
            )
            if settings.publishes
            else None
        )
        environment = Environment(
            store=self._store,
            deployment=self._publisher
            or PublishedElsewhere(self._store, acknowledgement_seconds=settings.acknowledgement_seconds),
            identifiers=identifiers,
            account_id=settings.account_id,
            quotas=settings.quotas,
        )
        guard = Guard(
            store=self._store,
            vault=vault,
            account_id=settings.account_id,
            root_keys=dict(settings.access_keys),
            resource_tags={
                "acm": tags_of_certificate,
                "cloudfront": tags_of_arn(settings.account_id),
                "iam": tags_of_entity(settings.account_id),
            },
        )
        self._looks: list[Periodic] = []
        if settings.publishes:
            renew = partial(renew_due, environment, vault, certificates)
            self._looks.append(Periodic("renewals", lambda: renew(clock()), renewing.LOOK_EVERY))
        if settings.publishes and settings.acme is not None:
            ca = _acme_authority(settings.acme, settings.state_directory / "acme")
            places = Places(host=f"validation.{settings.domain_suffix}", port=settings.acme.http_port)
            validations = Validations(environment=environment, vault=vault, ca=ca, places=places)
            self._looks.append(Periodic("validations", lambda: validations.look(clock()), validating.LOOK_EVERY))
        self._audit = AuditFile(settings.state_directory / "audit")

        def auditor(source: str) -> Auditor:
            return Auditor(trail=self._audit, source=source, account_id=settings.account_id)

        def api(service: Service, source: str) -> Api:
            return Api(service, access=guard, clock=clock, identifiers=identifiers, auditor=auditor(source))

        own = history_operations(self._store) | lint_operation(self._store, service_model())
        if settings.explain_key is not None:
            own["explain-token"] = issue_token(self._store, settings.explain_key)
        on_root = RootPath(
            targets={
                acm_model().target_prefix: api(
                    acm(environment, vault, certificates, has_ca=settings.acme is not None), "acm.amazonaws.com"
                )
            },
            versions={
                IAM_VERSION: api(iam(environment, guard), "iam.amazonaws.com"),
                STS_VERSION: api(sts(environment, guard), "sts.amazonaws.com"),
            },
        )
        keys = api(key_value_store(environment), "cloudfront-keyvaluestore.amazonaws.com")
        self.app: AsgiApplication = Application(
            EdgewardApi(
                own,
                api(cloudfront(environment, settings.domain_suffix, settings.read_object), "cloudfront.amazonaws.com"),
                access=guard,
                clock=clock,
                identifiers=identifiers,
                auditor=auditor("edgeward"),
            ),
            {"key-value-stores": keys, "": on_root},
        )
        """The API as an ASGI application."""

    def start(self) -> None:
        """Brings the store's schema up to date and publishes the whole plan.

        Returns once the edges have it or have not answered in `acknowledgement_seconds`.
        """
        self._store.migrate()
        if self._publisher is not None:
            self._publisher.start()
            self._stapler.start(self._publisher.chains, self._publisher.renew_certificates)
        for look in self._looks:
            look.start()

    def stop(self) -> None:
        """Ends publishing and closes the store; what edges did not acknowledge is sent again at the next
        start.
        """
        for look in self._looks:
            look.stop()
        self._stapler.stop()
        if self._publisher is not None:
            self._publisher.stop()
        self._audit.close()
        self._store.close()
