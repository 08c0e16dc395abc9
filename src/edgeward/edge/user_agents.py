"""What tells devices apart: the `ua-parser` project's regular expressions, as the engine reads them.

They are data of the package `ua-parser-builtins`, which is released every month; upgrading it and starting the edge
again is all that fresh ones need. Invariant: the package's own defaults are left to the engine's parser, which has the
same ones. Called by `settings`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from ua_parser.loaders import load_lazy_builtins

Regexes = dict[str, Any]


@cache
def user_agent_regexes() -> Regexes:
    """`os_parsers` and `device_parsers`, in the form and the order of the project's `regexes.yaml`."""
    _, systems, devices = load_lazy_builtins()
    return {
        "os_parsers": [_parser(each, _system_replacement(each)) for each in systems],
        "device_parsers": [_parser(each, _device_replacements(each)) for each in devices],
    }


def _system_replacement(matcher: Any) -> dict[str, str]:
    return {"os_replacement": matcher.family}


def _device_replacements(matcher: Any) -> dict[str, str]:
    return {
        "device_replacement": matcher.family,
        "brand_replacement": matcher.brand,
        "model_replacement": matcher.model,
    }


def _parser(matcher: Any, replacements: dict[str, str]) -> dict[str, str]:
    flag = {"regex_flag": "i"} if getattr(matcher, "regex_flag", None) == "i" else {}
    given = {name: text for name, text in replacements.items() if text not in _DEFAULTS}
    return {"regex": matcher.regex} | flag | given


_DEFAULTS: Sequence[str] = ("", "$1")
