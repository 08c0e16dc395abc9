"""The token that makes responses explain themselves."""

from edgeward.services.edgeward.explain_token import explain_token


def test_a_token_is_what_the_engine_accepts() -> None:
    """The same one stands in crates/proxy/src/explain/token.rs."""
    signature = "3a7016e525ed894a9889afdb9e68f5c8636c2adcb14b19d6e181db3709700fc1"
    assert explain_token("a" * 64, "E1EXAMPLE", 1_700_000_060) == f"1.E1EXAMPLE.1700000060.{signature}"
