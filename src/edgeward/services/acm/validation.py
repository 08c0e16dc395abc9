"""How whoever asks for a certificate shows that a name is theirs, as ACM tells it. Pure.

The local authority needs no proof for names of private use, so every validation has succeeded; the record or redirect
is told nevertheless, because tools put it where it belongs. A CA looks for what it says itself. Rules: API reference,
DomainValidation; User Guide, "DNS validation": a record is the same for every certificate of an account and a name,
wildcard or not.
"""

import hashlib

from edgeward.aws.model import Shape


def shown_validation(account_id: str, name: str, method: str) -> Shape:
    """The DomainValidation of a name, by DNS or by HTTP."""
    token = hashlib.sha256(f"{account_id} {name.removeprefix('*.')}".encode()).hexdigest()
    shown = _record(name, token) if method == "DNS" else _redirect(name, token)
    return {
        "DomainName": name,
        "ValidationDomain": name,
        "ValidationStatus": "SUCCESS",
        "ValidationMethod": method,
        **shown,
    }


def shown_challenge(name: str, method: str, status: str, order: Shape | None) -> Shape:
    """The DomainValidation of a name that a CA validates; with what it looks for while there is an order.

    A record is of the type TXT, where ACM's own are CNAMEs: that is what an ACME CA reads (RFC 8555 section 8.4).
    """
    shown: Shape = {
        "DomainName": name,
        "ValidationDomain": name,
        "ValidationStatus": status,
        "ValidationMethod": method,
    }
    found = [each for each in (order or {"Challenges": []})["Challenges"] if each["Identifier"] == name]
    if found:
        shown |= {"ValidationStatus": "PENDING_VALIDATION", **_looked_for(found[0])}
    return shown


def _looked_for(challenge: Shape) -> Shape:
    if "Token" in challenge:
        return {"HttpRedirect": {"RedirectFrom": challenge["From"], "RedirectTo": challenge["To"]}}
    record = {"Name": f"{challenge['Record']}.", "Type": "TXT", "Value": challenge["Value"]}
    return {"ResourceRecord": record}


def _record(name: str, token: str) -> Shape:
    own, answer = token[:32], token[32:]
    return {
        "ResourceRecord": {
            "Name": f"_{own}.{name.removeprefix('*.')}.",
            "Type": "CNAME",
            "Value": f"_{answer}.{own[:10]}.acm-validations.aws.",
        }
    }


def _redirect(name: str, token: str) -> Shape:
    path = f"/.well-known/pki-validation/{token[:32]}.txt"
    return {
        "HttpRedirect": {
            "RedirectFrom": f"http://{name}{path}",
            "RedirectTo": f"https://validation.acm-validations.aws/{token[32:]}{path}",
        }
    }
