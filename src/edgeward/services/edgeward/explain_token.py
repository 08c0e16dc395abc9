"""The token that makes responses of one distribution explain themselves, for a while.

`1.<distribution>.<expiry>.<HMAC-SHA256 of what stands before, hex>`; `crates/proxy/src/explain/token.rs` checks it with
the same key. Pure; called by `service` and by the scenario runner.
"""

import hmac

REQUEST_FIELD = "Edgeward-Debug"
"""The request header field that carries a token."""
RESPONSE_FIELD = "Edgeward-Explain"
"""The response header field that carries the explanation."""


def explain_token(key: str, distribution_id: str, expiry: int) -> str:
    """A token for `distribution_id` that holds until `expiry` (Unix seconds); `key` is 64 hexadecimal digits."""
    signed = f"1.{distribution_id}.{expiry}"
    signature = hmac.digest(bytes.fromhex(key), f"edgeward-explain:{signed}".encode(), "sha256")
    return f"{signed}.{signature.hex()}"
