"""Which texts are domain names (RFC 1123 section 2.1, RFC 952): the names of origins and of aliases.

Pure syntax: whether a name resolves is for the edge to find out.
"""

import re


def why_not_a_host_name(name: str) -> str | None:
    """What is wrong with `name` as the name of a host, in words that say what to change; None if nothing."""
    for is_wrong, advice in _MISTAKES:
        if is_wrong(name):
            return advice
    return None


def _has_bad_label(name: str) -> bool:
    return not all(_LABEL.fullmatch(label) for label in name.split("."))


def _is_address(name: str) -> bool:
    """No top-level domain is a number, so a last label of digits means an address (RFC 1123 section 2.1)."""
    return name.rsplit(".", 1)[-1].isdigit() or (name.startswith("[") and name.endswith("]"))


_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_NAME = 253

_MISTAKES = (
    (lambda name: name == "", "is empty; give a domain name such as www.example.com"),
    (lambda name: "://" in name, "has a scheme; give the domain name alone"),
    (lambda name: "/" in name, "has a path; give the domain name alone"),
    (_is_address, "is an IP address; give a domain name"),
    (lambda name: ":" in name, "has a port, or is an IP address; give the domain name alone"),
    (lambda name: not name.isascii(), "is not ASCII; write an internationalized name as xn--…"),
    (lambda name: len(name) > _LONGEST_NAME, f"is longer than {_LONGEST_NAME} characters"),
    (_has_bad_label, "is no domain name: labels of letters, digits, - and _, parted by single dots"),
)
