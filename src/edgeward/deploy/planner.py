"""What the edges have to be told: compiled distributions and, for every committed change, the step that
brings it.

Only what changed is compiled again. Invariant: `position` says up to where the outbox is contained in the
compiled distributions, so that the whole plan can stand in for any number of steps. Not thread-safe:
`publisher` guards it.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from edgeward.aws.model import Shape
from edgeward.aws.resources import PendingChange, Resource
from edgeward.compiler import Challenges, DistributionSource, compile_distribution, encode_plan
from edgeward.compiler.exceptions import DanglingReferenceError
from edgeward.deploy.channel import CertificateSource, ChallengesOf, OwnCertificates, no_certificates, no_challenges
from edgeward.deploy.ocsp import Staple
from edgeward.services.acm.certificates import FAMILY as CERTIFICATE
from edgeward.services.cloudfront.distribution.family import distribution_arn
from edgeward.services.cloudfront.distribution.fields import items_of
from edgeward.services.cloudfront.distribution.origin_mtls import client_certificate_arn, client_certificate_arns
from edgeward.services.cloudfront.distribution.viewer_certificate import own_certificate_name
from edgeward.services.cloudfront.invalidation import patterns_of
from edgeward.services.cloudfront.store_references import StoreAttachments
from edgeward.store.transaction import SqlTransaction

logger = logging.getLogger(__name__)


def no_staple(_chain_pem: str) -> Staple | None:
    """What is shown beside any certificate where nobody fetches OCSP responses."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One advance of the edges: a change of the plan, then invalidation orders."""

    position: int
    """The last outbox row it contains."""
    sequence: int
    """The plan's sequence after it."""
    change: bytes | None = None
    """The change document; None when the plan stays as it is, or when only the whole plan leads here."""
    needs_whole_plan: bool = False
    orders: tuple[bytes, ...] = ()
    completes: tuple[PendingChange, ...] = ()
    """The outbox rows that are done once every edge has taken the step."""
    left_out: frozenset[int] = frozenset()
    """The positions of those that are not: their distributions could not be compiled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The whole plan at one position."""

    position: int
    sequence: int
    document: bytes


class Planner:
    """The compiled state of all distributions of one account."""

    def __init__(  # noqa: PLR0913 - where each part of a plan comes from
        self,
        *,
        account_id: str,
        domain_suffix: str,
        certificates: CertificateSource,
        own_certificates: OwnCertificates = no_certificates,
        challenges_of: ChallengesOf = no_challenges,
        staple_for: Callable[[str], Staple | None] = no_staple,
    ) -> None:
        """`certificates` steps in where a distribution names none of `own_certificates`; `staple_for` gives what is
        shown beside a chain, `challenges_of` what edges answer to certificate authorities.
        """
        self._challenges_of = challenges_of
        self._challenges: Challenges = {}
        self._staple_for = staple_for
        self._account_id = account_id
        self._certificates = certificates
        self._own_certificates = own_certificates
        self._default_certificate = _pem_members(certificates, [f"*.{domain_suffix}"])
        self._compiled: dict[str, Shape] = {}
        self._position = 0
        self._sequence = 0

    @property
    def position(self) -> int:
        """The last outbox row that is compiled."""
        return self._position

    def load(self, transaction: SqlTransaction) -> Step:
        """Compiles everything; the step contains all that was pending."""
        failed = self._compile(transaction, [distribution.id for distribution in transaction.all("distribution")])
        self._challenges = self._challenges_of(transaction)
        self._position = self._sequence = transaction.last_change()
        completes = _without(failed, transaction.pending())
        return Step(
            position=self._position,
            sequence=self._sequence,
            needs_whole_plan=True,
            orders=self._orders(transaction, completes),
            completes=completes,
        )

    def advance(self, transaction: SqlTransaction) -> list[Step]:
        """Compiles the changes of the outbox that have come since."""
        return [self._step(transaction, batch) for batch in _batches(transaction.pending(after=self._position))]

    def _step(self, transaction: SqlTransaction, changes: Sequence[PendingChange]) -> Step:
        ids = {change.id for change in changes if change.family == "distribution"}
        known = {each: self._compiled.get(each) for each in sorted(ids)}
        failed = self._compile(transaction, list(known))
        position, completes = changes[-1].position, _without(failed, changes)
        orders = self._orders(transaction, completes)
        change = self._encode_change(position, known, self._changed_challenges(transaction, changes))
        self._position = position
        self._sequence = position if change is not None else self._sequence
        return Step(
            position=position,
            sequence=self._sequence,
            change=change,
            orders=orders,
            completes=completes,
            left_out=frozenset(each.position for each in changes if each.id in failed),
        )

    def _changed_challenges(self, transaction: SqlTransaction, changes: Iterable[PendingChange]) -> Challenges | None:
        if not any(change.family == CERTIFICATE for change in changes):
            return None
        before, self._challenges = self._challenges, self._challenges_of(transaction)
        return self._challenges if self._challenges != before else None

    def renewed(self, transaction: SqlTransaction) -> list[str]:
        """The ids of compiled distributions that would get another certificate, or another staple, now."""
        return [each for each in self._compiled if self._is_renewed(transaction, each)]

    def _is_renewed(self, transaction: SqlTransaction, id: str) -> bool:
        distribution = transaction.find("distribution", id)
        if distribution is None:
            return False
        try:
            return self._shows_another(transaction, self._compiled[id], distribution.config)
        except DanglingReferenceError as error:
            logger.warning("distribution %s keeps the certificate it has: %s", id, error)
            return False

    def _shows_another(self, transaction: SqlTransaction, compiled: Shape, config: Shape) -> bool:
        """Whether viewers or an origin would be shown another certificate than they are."""
        if compiled["certificate"] != self._certificate(transaction, config):
            return True
        certificates = self._client_certificates(transaction, config)
        named = {origin["Id"]: client_certificate_arn(origin) for origin in items_of(config["Origins"])}
        now_shown = {each: certificates[arn] if arn else None for each, arn in named.items()}
        return now_shown != {each: origin["client_certificate"] for each, origin in compiled["origins"].items()}

    def whole_plan(self) -> Snapshot:
        """The plan that stands in for every step so far."""
        document = encode_plan(self._sequence, None, self._compiled, self._default_certificate, self._challenges)
        return Snapshot(position=self._position, sequence=self._sequence, document=document)

    def _encode_change(
        self, sequence: int, known: Mapping[str, Shape | None], challenges: Challenges | None
    ) -> bytes | None:
        """The document that turns the `known` state of some distributions into theirs, and brings challenges where they
        are others; None when there is no difference.
        """
        changed = {
            each: self._compiled.get(each) for each, before in known.items() if self._compiled.get(each) != before
        }
        if not changed and challenges is None:
            return None
        return encode_plan(sequence, self._sequence, changed, self._default_certificate, challenges)

    def _compile(self, transaction: SqlTransaction, ids: list[str]) -> set[str]:
        """Compiles distributions again and returns the ids of those that could not be: they stay as they
        were.
        """
        failed = set()
        for each in ids:
            try:
                self._compile_one(transaction, each)
            except Exception:
                logger.exception("distribution %s cannot be compiled; the edges keep what they have of it", each)
                failed.add(each)
        return failed

    def _compile_one(self, transaction: SqlTransaction, id: str) -> None:
        distribution = transaction.find("distribution", id)
        if distribution is None or distribution.config["Staging"]:
            self._compiled.pop(id, None)
            return
        source = self._source(transaction, distribution)
        self._compiled[id] = compile_distribution(source, StoreAttachments(transaction=transaction))

    def _source(self, transaction: SqlTransaction, distribution: Resource) -> DistributionSource:
        return DistributionSource(
            id=distribution.id,
            arn=distribution_arn(self._account_id, distribution.id),
            domain_name=distribution.attributes["DomainName"],
            config=distribution.config,
            certificate=self._certificate(transaction, distribution.config),
            client_certificates=self._client_certificates(transaction, distribution.config),
        )

    def chains(self) -> set[str]:
        """The certificate chains that distributions show, PEM."""
        shown = (compiled["certificate"] for compiled in self._compiled.values())
        return {certificate["chain_pem"] for certificate in shown if certificate is not None}

    def _certificate(self, transaction: SqlTransaction, config: Shape) -> Shape | None:
        named = own_certificate_name(config)
        if named is None:
            issued = _pem_members(self._certificates, items_of(config["Aliases"]))
            return None if issued is None else dict(issued)
        members = self._own_members(transaction, named)
        staple = self._staple_for(members["chain_pem"])
        return members if staple is None else members | {"ocsp": ocsp_member(staple)}

    def _client_certificates(self, transaction: SqlTransaction, config: Shape) -> dict[str, Shape]:
        """What origins are shown that ask for a certificate, by its ARN."""
        return {arn: self._own_members(transaction, arn) for arn in client_certificate_arns(config)}

    def _own_members(self, transaction: SqlTransaction, arn: str) -> Shape:
        certificate = self._own_certificates(transaction, arn)
        if certificate is None:
            raise DanglingReferenceError("certificate", arn)
        return {"chain_pem": certificate.chain_pem, "key_pem": certificate.key_pem}

    def _orders(self, transaction: SqlTransaction, changes: Iterable[PendingChange]) -> tuple[bytes, ...]:
        invalidations = (change for change in changes if change.family == "invalidation")
        orders = (self._order(transaction, each) for each in invalidations)
        return tuple(order for order in orders if order is not None)

    def _order(self, transaction: SqlTransaction, change: PendingChange) -> bytes | None:
        """The order for the edges, numbered by its place in the outbox; None when its distribution is gone for good.

        One that cannot be compiled just now may still have responses on an edge's disk.
        """
        invalidation = transaction.find("invalidation", change.id)
        if invalidation is None or not self._is_there(transaction, invalidation.parent or ""):
            return None
        order = {
            "format": 1,
            "distribution": invalidation.parent,
            "sequence": change.position,
            "patterns": patterns_of(
                items_of(invalidation.config["Paths"]), invalidation.attributes.get("CacheTagHeader")
            ),
        }
        return json.dumps(order, sort_keys=True, separators=(",", ":")).encode()

    def _is_there(self, transaction: SqlTransaction, id: str) -> bool:
        """Whether a distribution lives; those that are compiled do."""
        return id in self._compiled or transaction.find("distribution", id) is not None


def ocsp_member(staple: Staple) -> Shape:
    """What a plan says of an answer about a certificate."""
    return {
        "response": staple.response.hex(),
        "expires": int(staple.expires.timestamp()),
        "revoked": staple.revoked is not None,
    }


def _batches(pending: Sequence[PendingChange]) -> list[list[PendingChange]]:
    """The rows, parted where a plan change follows an invalidation: orders follow the plan before them."""
    batches: list[list[PendingChange]] = []
    for change in pending:
        follows_order = bool(batches) and batches[-1][-1].family == "invalidation"
        if not batches or (follows_order and change.family != "invalidation"):
            batches.append([])
        batches[-1].append(change)
    return batches


def _without(failed: set[str], changes: Iterable[PendingChange]) -> tuple[PendingChange, ...]:
    return tuple(change for change in changes if change.id not in failed)


def _pem_members(certificates: CertificateSource, names: Iterable[str]) -> Mapping[str, str] | None:
    """A certificate for those of the names that can have one, as the plan holds it."""
    covered = [name for name in names if certificates.covers(name)]
    if not covered:
        return None
    certificate = certificates.certificate_for(covered)
    return {"chain_pem": certificate.chain_pem, "key_pem": certificate.key_pem}
