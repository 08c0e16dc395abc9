"""What an OCSP answer proves, and which prove nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from edgeward.authority import LocalAuthority
from edgeward.deploy.ocsp import OcspError, Query, query_for, staple_of
from ocsp_responder import HOUR, Responder, sign

NOW = datetime.now(UTC)


@pytest.fixture
def there() -> Responder:
    return Responder("http://127.0.0.1:1/ocsp")


@pytest.fixture
def query(there: Responder) -> Query:
    found = query_for(there.chain_pem)
    assert found is not None
    return found


def test_the_certificate_names_whom_to_ask(query: Query, there: Responder) -> None:
    assert query.url == there.url
    assert query.leaf == there.leaf.certificate


def test_nobody_is_asked_about_a_certificate_without_responder_or_issuer(there: Responder) -> None:
    assert query_for(there.leaf.pem) is None
    assert query_for(there.issuer.pem + there.issuer.pem) is None
    with pytest.raises(OcspError, match="cannot be read"):
        query_for("nonsense")


def test_a_good_certificate_has_a_staple_until_the_next_update(query: Query, there: Responder) -> None:
    answer = there.answer()

    staple = staple_of(answer, query, datetime.now(UTC))

    assert staple.response == answer
    assert staple.revoked is None
    assert staple.expires - staple.produced == there.life
    assert staple.renew_at - staple.produced == there.life / 2


def test_a_revoked_certificate_has_one_too(query: Query, there: Responder) -> None:
    there.revoked = datetime(2026, 1, 2, tzinfo=UTC)

    assert staple_of(there.answer(), query, datetime.now(UTC)).revoked == there.revoked


def test_the_issuer_may_put_another_in_charge(query: Query, there: Responder) -> None:
    assert staple_of(there.answer(by=there.delegate()), query, datetime.now(UTC)).revoked is None


Answer = Callable[[Responder], bytes]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(lambda there: b"", "does not hold", id="nothing"),
        pytest.param(lambda there: b"\x30\x03\x0a\x01\x03", "answered TRY_LATER", id="no answer now"),
        pytest.param(lambda there: there.answer()[:-1], "does not hold", id="cut short"),
        pytest.param(lambda there: there.answer()[:-1] + b"x", "does not hold", id="a wrong signature"),
        pytest.param(lambda there: there.answer(about=there.issue("b.example")), "another certificate", id="another's"),
        pytest.param(lambda there: there.answer(since=NOW - 25 * HOUR), "in force from", id="old"),
        pytest.param(lambda there: there.answer(since=NOW + HOUR), "in force from", id="of the future"),
        pytest.param(lambda there: there.answer(by=sign("stranger", None)), "does not hold", id="by a stranger"),
        pytest.param(
            lambda there: there.answer(by=there.delegate(ExtendedKeyUsageOID.SERVER_AUTH)),
            "not for that",
            id="by a certificate for servers",
        ),
    ],
)
def test_an_answer_that_proves_nothing_is_refused(answer: Answer, reason: str, query: Query, there: Responder) -> None:
    with pytest.raises(OcspError, match=reason):
        staple_of(answer(there), query, datetime.now(UTC))


def test_certificates_of_the_local_authority_have_no_responder(tmp_path_factory: pytest.TempPathFactory) -> None:
    authority = LocalAuthority(tmp_path_factory.mktemp("authority"))

    assert query_for(authority.certificate_for(["a.example"]).chain_pem) is None


def test_a_staple_is_not_used_before_its_time(query: Query, there: Responder) -> None:
    with pytest.raises(OcspError):
        staple_of(there.answer(), query, NOW - timedelta(days=1))
