"""Connections that do nothing, in a process of its own: `python -m bench.door.idle PORT COUNT`.

Makes them, each with one request over TLS 1.3, says `ready`, and keeps them until it is stopped.
"""

import resource
import signal
import socket
import ssl
import sys

from bench.content import HOST, ONE_KILOBYTE

REQUEST = f"GET {ONE_KILOBYTE.path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def connected(context: ssl.SSLContext, port: int, number: int) -> ssl.SSLSocket:
    """A connection that has had its one response, from an address that others share with a few."""
    plain = socket.create_connection(("127.0.0.1", port), 30, (f"127.0.1.{1 + number % 250}", 0))
    stream = context.wrap_socket(plain, server_hostname=HOST)
    stream.sendall(REQUEST)
    received = b""
    while len(received.partition(b"\r\n\r\n")[2]) < ONE_KILOBYTE.length:
        piece = stream.recv(65536)
        if not piece:
            raise ConnectionError(f"connection {number} was closed: {received[:200]!r}")
        received += piece
    return stream


def main(port: int, count: int) -> None:
    """Makes so many connections and keeps them."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    kept = [connected(context, port, number) for number in range(count)]
    print("ready", flush=True)
    signal.pause()
    del kept


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
