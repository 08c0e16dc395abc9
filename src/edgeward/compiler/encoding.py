"""The bytes of a plan: UTF-8 JSON, members in order, no spaces, so that equal plans are equal bytes."""

import json
from collections.abc import Mapping

from edgeward.aws.model import Shape

Challenges = Mapping[str, Mapping[str, str]]
"""What is answered to certificate authorities: key authorizations by token, by host."""

FORMAT = 1
"""The version of the document; an edge refuses one that it does not know."""


def encode_plan(
    sequence: int,
    base: int | None,
    distributions: Mapping[str, Shape | None],
    default_certificate: Mapping[str, str] | None,
    challenges: Challenges | None = None,
) -> bytes:
    """The whole plan when `base` is None, else the change that turns plan `base` into plan `sequence`.

    `distributions` are compiled ones by id; None removes one. `default_certificate` holds `chain_pem` and `key_pem`.
    None for `challenges` leaves those as they are that the edge has.
    """
    document = {
        "format": FORMAT,
        "sequence": sequence,
        "base": base,
        "default_certificate": None if default_certificate is None else dict(default_certificate),
        "distributions": dict(distributions),
        **({} if challenges is None else {"challenges": challenges}),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
