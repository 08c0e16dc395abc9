"""A viewer who only wants a page: `python -m bench.attack.viewer HTTP_PORT HTTPS_PORT SECONDS`.

Asks for a small hit every few milliseconds, in turns in clear and over TLS, over a kept connection nine times and over
a new one the tenth time; prints how long each took, in microseconds, and how many failed, as JSON.
"""

import http.client
import json
import ssl
import sys
import time

from bench.content import HOST, ONE_KILOBYTE

PAUSE_SECONDS = 0.005
PATIENCE_SECONDS = 10


class Viewer:
    """One connection, made again when it is lost or on purpose."""

    def __init__(self, port: int, context: ssl.SSLContext | None) -> None:
        self._connection = (
            http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
            if context is None
            else http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS, context=context)
        )

    def asks(self, *, anew: bool) -> bool:
        """Whether it got the page."""
        if anew:
            self._connection.close()
        try:
            self._connection.request("GET", ONE_KILOBYTE.path, headers={"Host": HOST})
            response = self._connection.getresponse()
            return len(response.read()) == ONE_KILOBYTE.length and response.status == 200
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return False


def main(http_port: int, https_port: int, seconds: int) -> None:
    """Asks for so long, and prints what came of it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    viewers = (Viewer(http_port, None), Viewer(https_port, context))
    microseconds, failed, end, number = [], 0, time.monotonic() + seconds, 0
    while time.monotonic() < end:
        began = time.perf_counter_ns()
        failed += not viewers[number % 2].asks(anew=number // 2 % 10 == 0)
        microseconds.append((time.perf_counter_ns() - began) // 1000)
        number += 1
        time.sleep(PAUSE_SECONDS)
    print(json.dumps({"microseconds": microseconds, "failed": failed}))


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:]))
