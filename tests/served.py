"""An application behind a real port of this machine, in a thread."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from custom_modules.commands.serve import server_config
from custom_modules.service.settings import Limits


@contextmanager
def served(app: FastAPI, limits: Limits | None = None) -> Iterator[str]:
    """Yield the address, without a slash at its end; connections are bounded as a service's are."""
    server = uvicorn.Server(server_config(app, limits or Limits()))
    thread = threading.Thread(target=server.run)
    thread.start()
    end = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < end
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f'http://127.0.0.1:{port}'
    finally:
        server.should_exit = True
        thread.join(20)
