"""What ``tools/serve.py`` and ``tools/demo.py`` do."""

import signal
import socket
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, cast

import uvicorn
from fastapi import FastAPI

from ..base.errors import UserError
from ..base.system import resource
from ..runs.environment import describe_device
from ..service.app import build_app
from ..service.batcher import Batcher
from ..service.connections import Connections
from ..service.middleware import DOCS
from ..service.models import load_models
from ..service.settings import Limits
from ..service.sites import LOOPBACK

#: Open files of a service beside its connections: of models, uploads on the disk, decoders.
OTHER_FILES = 512


def run(
    words: Sequence[str],
    limits: Limits,
    host: str,
    port: int,
    hosts: Collection[str] = (),
) -> None:
    """Serve models until SIGTERM, SIGHUP or Ctrl-C; what was taken is answered first.

    Args:
        words: published folders, and configs each followed by its checkpoint, see ``load_models``.
        limits: bounds of the service, such as sizes and times.
        host: address to listen on.
        port: TCP port to listen on; 0 for any that is free.
        hosts: host names that requests may address, beside ``host`` and those of this machine for
            itself.

    Raises:
        UserError: the address cannot be had, or a model cannot be loaded.
    """
    sock = _listen(host, port)
    predictors, cards = load_models(words, limits.batch)
    batchers = {name: Batcher(predictor, limits) for name, predictor in predictors.items()}
    limits = replace(limits, connections=possible_connections(limits.connections))
    app = build_app(batchers, limits, (*LOOPBACK, host, *hosts), cards)
    # uvicorn raises the signal anew when all is done; it is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Of a closed terminal uvicorn knows nothing; where nohup ignores that, it stays ignored.
    # Windows has another one for it.
    for name in ('SIGHUP', 'SIGBREAK'):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: signal.raise_signal(signal.SIGTERM))
    with sock:
        shown = f'[{host}]' if ':' in host else host
        address = f'http://{shown}:{sock.getsockname()[1]}'
        names = ', '.join(batchers)
        kinds = dict.fromkeys(one.network.description for one in predictors.values())
        where = f'on {describe_device()}, {", ".join(kinds)}'
        says = f'{names}: {where}; a page to try them on: {address}/; for programs: {address}{DOCS}'
        print(says, flush=True)
        try:
            uvicorn.Server(server_config(app, limits)).run(sockets=[sock])
        except KeyboardInterrupt:
            print('ended')


def server_config(app: FastAPI, limits: Limits, port: int = 0) -> uvicorn.Config:
    """Return what uvicorn has to know to serve within the limits."""
    return uvicorn.Config(
        app,
        port=port,
        http=cast(Any, Connections(limits).protocol),  # it is called, no more
        ws='none',
        log_level='error',  # nothing about clients that speak no HTTP
        server_header=False,
        timeout_graceful_shutdown=int(limits.seconds) + 5,
    )


def possible_connections(wanted: int) -> int:
    """Return how many connections there can be, having asked the system for so many open files.

    Windows has no such bound: a socket is no file there.
    """
    if resource is None:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - OTHER_FILES))


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise UserError(f'{host}:{port}: {reason}; choose another --port or --host') from None
