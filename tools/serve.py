#!/usr/bin/env python
"""Serve a model over HTTP: python tools/serve.py PUBLISHED

It answers /v1/segment, /v1/mask, /healthz, /metrics and /openapi.json; see docs/deploy.md.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('model', help='folder of tools/publish.py, or a config')
    parser.add_argument('checkpoint', nargs='?', help="weights (default: the folder's)")
    parser.add_argument('--host', default='127.0.0.1', help='(default: this machine alone)')
    parser.add_argument('--port', type=int, default=8000, help='(default: 8000)')
    parser.add_argument(
        '--megabytes', type=float, default=32, help='of a request at most (default: 32)'
    )
    parser.add_argument(
        '--megapixels', type=float, default=40, help='of an image at most (default: 40)'
    )
    parser.add_argument('--images', type=int, default=16, help='of a request (default: 16)')
    parser.add_argument('--queue', type=int, default=32, help='images that wait (default: 32)')
    parser.add_argument(
        '--seconds', type=float, default=10, help='that an image waits at most (default: 10)'
    )
    parser.add_argument('--batch-size', type=int, default=8, help='(default: 8)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.cli import user_errors  # after parsing: --help need not wait for torch

    with user_errors():
        from custom_modules.errors import UserError

        try:
            import python_multipart  # noqa: F401  (FastAPI says so only where it builds the form)
            import uvicorn

            from custom_modules.service.app import build_app
        except ImportError as error:
            raise UserError(
                f'the service needs {error.name}: pip install -r requirements-service.txt'
            ) from None
        from custom_modules.api import load
        from custom_modules.service.settings import Limits

        limits = Limits(
            request_bytes=int(args.megabytes * 2**20),
            images=args.images,
            pixels=int(args.megapixels * 1e6),
            queue=args.queue,
            seconds=args.seconds,
            batch=args.batch_size,
        )
        model = load(args.model, args.checkpoint, batch_size=args.batch_size)
        uvicorn.run(
            build_app(model, limits),
            host=args.host,
            port=args.port,
            log_level='warning',
            server_header=False,
            timeout_graceful_shutdown=int(args.seconds) + 5,
            limit_concurrency=8 * args.queue,
        )


if __name__ == '__main__':
    main()
