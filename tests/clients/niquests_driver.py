"""Asks an edge with niquests, in the environment of its own that has it.

Takes one JSON document, `{"host": ..., "port": ..., "ca_file": ..., "forced": true, "paths": [...]}`, asks for the
paths one after the other in one session, and prints what came of each: HTTP version, status, length and SHA-256 of the
content. `forced`: HTTP/3 from the first request on, not only once Alt-Svc has told of it.
"""

import hashlib
import json
import sys
from typing import Any

import niquests  # type: ignore[import-not-found] # in niquests' environment


def ask(session: Any, url: str, ca_file: str) -> dict[str, Any]:
    """What comes of one request."""
    response = session.get(url, verify=ca_file, timeout=60, stream=True)
    digest, length = hashlib.sha256(), 0
    for piece in response.iter_content(1 << 16):
        digest.update(piece)
        length += len(piece)
    version = response.conn_info.http_version.value
    return {"version": version, "status": response.status_code, "length": length, "sha256": digest.hexdigest()}


def main(host: str, port: int, ca_file: str, forced: bool, paths: list[str]) -> None:  # noqa: FBT001 - from a document
    """Prints what comes of each request."""
    known = {(host, port): (host, port)} if forced else None
    # Not every C library resolves *.localhost.
    resolver = f"in-memory://default/?hosts={host}:127.0.0.1"
    with niquests.Session(resolver=resolver, quic_cache_layer=known, disable_ipv6=True) as session:
        results = [ask(session, f"https://{host}:{port}{path}", ca_file) for path in paths]
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
