"""What ``tools/serve.py`` and ``tools/demo.py`` do."""

import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from ..errors import UserError
from .app import build_app
from .batcher import Batcher
from .models import load_models
from .settings import Limits


def run(words: Sequence[str], limits: Limits, host: str, port: int, page: bool) -> None:
    """Serve models until SIGTERM or Ctrl-C; what was taken is answered first.

    Args:
        words: name the models, see ``load_models``.
        limits: what is allowed.
        host: address to listen on.
        port: to listen on; 0 for any that is free.
        page: serve the page to try the models on, too.

    Raises:
        UserError: the address cannot be had, or a model cannot be loaded.
    """
    sock = _listen(host, port)
    predictors, cards = load_models(words, limits.batch)
    batchers = {name: Batcher(predictor, limits) for name, predictor in predictors.items()}
    app = build_app(batchers, limits)
    settings = uvicorn.Config(
        app,
        log_level='warning',
        server_header=False,
        timeout_graceful_shutdown=int(limits.seconds) + 5,
        limit_concurrency=8 * limits.requests,  # connections; see also ConcurrencyLimit
    )
    # uvicorn raises the signal anew when all is done; it is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix='petseg-') as folder, sock:
        if page:
            from .page import add_page  # Gradio, three seconds

            app = add_page(app, batchers, cards, limits, Path(folder))
        shown = f'[{host}]' if ':' in host else host
        address = f'http://{shown}:{sock.getsockname()[1]}'
        what = f'a page to try them on: {address}/; ' if page else ''
        print(f'{", ".join(batchers)}: {what}for programs: {address}/docs', flush=True)
        try:
            uvicorn.Server(settings).run(sockets=[sock])
        except KeyboardInterrupt:
            print('ended')


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise UserError(f'{host}:{port}: {reason}; choose another --port or --host') from None
