"""A listener that does nothing: `python -m bench.attack.silence HTTP_PORT HTTPS_PORT CHAIN_PEM KEY_PEM`.

Takes every connection, finishes TLS on the second port, throws away what comes and never answers. Attackers who attack
it beside an edge show what their own traffic costs a viewer who shares a CPU with them. It has the edge's CPU, where
the edge goes first.
"""

import asyncio
import os
import resource
import ssl
import sys


async def listen(http: int, https: int, chain: str, key: str) -> None:
    """Listens until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.set_alpn_protocols(["h2"])
    loop = asyncio.get_running_loop()
    for port, over in ((http, None), (https, context)):
        await loop.create_server(asyncio.Protocol, "127.0.0.1", port, ssl=over, backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.nice(19)
    asyncio.run(listen(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
