"""The control plane: the API, the store and the publisher, put together.

Invariant: no globals; everything a part works with is handed to it here. `edgeward.dev` runs it beside an
edge, tests run it with channels of their own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
from edgeward.deploy import stapler as stapling
from edgeward.deploy.channel import CertificateSource, Channel
from edgeward.deploy.planner import Planner
from edgeward.deploy.publisher import PublishedElsewhere, Publisher
from edgeward.deploy.stapler import Stapler
from edgeward.periodic import Backoff, Periodic
from edgeward.services.acm import renewing, validating
from edgeward.services.acm.certificates import tags_of_certificate
from edgeward.services.acm.challenges import Places, challenges_of
from edgeward.services.acm.issuing import Issuer, Validating
from edgeward.services.acm.renewing import renew_due
from edgeward.services.acm.service import acm, acm_model
from edgeward.services.acm.validating import Validations
from edgeward.services.cloudfront.demands import tags_of_arn
from edgeward.services.cloudfront.own_certificates import servable
from edgeward.services.cloudfront.service import cloudfront, service_model
from edgeward.services.cloudfront.trust_store import ReadObject, no_bucket
from edgeward.services.edgeward.api import EdgewardApi, Operation
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
    backoff: Backoff = Backoff(first=timedelta(milliseconds=100), longest=timedelta(seconds=5))
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a control plane is put together from; the functions below make the rest of it."""

    settings: ControlPlaneSettings
    authority: Authority
    clock: Callable[[], datetime]
    identifiers: Identifiers
    vault: Vault
    store: Store
    stapler: Stapler
    audit: AuditFile


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
        self._store = Store(settings.database_url or f"sqlite:///{settings.state_directory / 'control-plane.db'}")
        self._audit = AuditFile(settings.state_directory / "audit")
        parts = _Parts(
            settings=settings,
            authority=certificates,
            clock=clock,
            identifiers=identifiers or Identifiers(),
            vault=Vault(settings.sealing_key),
            store=self._store,
            stapler=Stapler(clock),
            audit=self._audit,
        )
        self._publisher = _publisher(parts, channels) if settings.publishes else None
        environment = _environment(parts, self._publisher)
        self._looks = list(_looks(parts, environment, self._publisher)) if self._publisher is not None else []
        self.app: AsgiApplication = _application(parts, environment)
        """The API as an ASGI application."""

    def start(self) -> None:
        """Brings the store's schema up to date and publishes the whole plan.

        Returns once the edges have it or have not answered in `acknowledgement_seconds`.
        """
        self._store.migrate()
        if self._publisher is not None:
            self._publisher.start()
        for look in self._looks:
            look.start()

    def stop(self) -> None:
        """Ends publishing and closes the store; what edges did not acknowledge is sent again at the next
        start.
        """
        for look in reversed(self._looks):
            look.stop()
        if self._publisher is not None:
            self._publisher.stop()
        self._audit.close()
        self._store.close()


def _publisher(parts: _Parts, channels: Sequence[Channel]) -> Publisher:
    settings = parts.settings
    planner = Planner(
        account_id=settings.account_id,
        domain_suffix=settings.domain_suffix,
        certificates=parts.authority,
        own_certificates=partial(servable, parts.vault),
        challenges_of=challenges_of,
        staple_for=parts.stapler.staple_for,
    )
    return Publisher(
        parts.store,
        planner,
        channels,
        acknowledgement_seconds=settings.acknowledgement_seconds,
        backoff=settings.backoff,
    )


def _environment(parts: _Parts, publisher: Publisher | None) -> Environment:
    settings = parts.settings
    return Environment(
        store=parts.store,
        deployment=publisher
        or PublishedElsewhere(parts.store, acknowledgement_seconds=settings.acknowledgement_seconds),
        identifiers=parts.identifiers,
        account_id=settings.account_id,
        quotas=settings.quotas,
    )


def _looks(parts: _Parts, environment: Environment, publisher: Publisher) -> Iterator[Periodic]:
    """What the control plane that publishes looks after, so that no two do it at once."""
    stapler, clock = parts.stapler, parts.clock
    yield Periodic(
        "fetching OCSP responses",
        lambda: stapler.look(publisher.chains(), publisher.renew_certificates),
        every=stapling.LOOK_EVERY,
        backoff=Backoff(first=stapling.LOOK_EVERY, longest=timedelta(minutes=1)),
    )
    yield Periodic(
        "renewing certificates",
        lambda: renew_due(environment, parts.vault, parts.authority, clock()),
        every=renewing.LOOK_EVERY,
        backoff=Backoff(first=timedelta(minutes=1), longest=renewing.LOOK_EVERY),
    )
    if (validations := _validations(parts, environment)) is not None:
        yield Periodic(
            "having certificates issued",
            lambda: validations.look(clock()),
            every=validating.LOOK_EVERY,
            backoff=Backoff(first=validating.LOOK_EVERY, longest=timedelta(minutes=1)),
        )


def _validations(parts: _Parts, environment: Environment) -> Validations | None:
    settings = parts.settings
    if settings.acme is None:
        return None
    ca = _acme_authority(settings.acme, settings.state_directory / "acme")
    places = Places(host=f"validation.{settings.domain_suffix}", port=settings.acme.http_port)
    return Validations(environment=environment, vault=parts.vault, ca=ca, places=places)


def _guard(parts: _Parts) -> Guard:
    account_id = parts.settings.account_id
    return Guard(
        store=parts.store,
        vault=parts.vault,
        account_id=account_id,
        root_keys=dict(parts.settings.access_keys),
        resource_tags={
            "acm": tags_of_certificate,
            "cloudfront": tags_of_arn(account_id),
            "iam": tags_of_entity(account_id),
        },
    )


def _application(parts: _Parts, environment: Environment) -> Application:
    """All services on one endpoint."""
    settings, guard = parts.settings, _guard(parts)

    def auditor(source: str) -> Auditor:
        return Auditor(trail=parts.audit, source=source, account_id=settings.account_id)

    def api(service: Service, source: str) -> Api:
        return Api(service, access=guard, clock=parts.clock, identifiers=parts.identifiers, auditor=auditor(source))

    certificates = acm(environment, parts.vault, parts.authority, has_ca=settings.acme is not None)
    on_root = RootPath(
        targets={acm_model().target_prefix: api(certificates, "acm.amazonaws.com")},
        versions={
            IAM_VERSION: api(iam(environment, guard), "iam.amazonaws.com"),
            STS_VERSION: api(sts(environment, guard), "sts.amazonaws.com"),
        },
    )
    keys = api(key_value_store(environment), "cloudfront-keyvaluestore.amazonaws.com")
    distributions = cloudfront(environment, settings.domain_suffix, settings.read_object)
    own = EdgewardApi(
        _own_operations(parts),
        api(distributions, "cloudfront.amazonaws.com"),
        access=guard,
        clock=parts.clock,
        identifiers=parts.identifiers,
        auditor=auditor("edgeward"),
    )
    return Application(own, {"key-value-stores": keys, "": on_root})


def _own_operations(parts: _Parts) -> Mapping[str, Operation]:
    """Those of Edgeward's own API."""
    own = history_operations(parts.store) | lint_operation(parts.store, service_model())
    if parts.settings.explain_key is not None:
        own["explain-token"] = issue_token(parts.store, parts.settings.explain_key)
    return own
