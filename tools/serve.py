#!/usr/bin/env python
"""Serve models over HTTP: python tools/serve.py PUBLISHED

It answers /v1/segment, /v1/mask, /v1/picture, /healthz, /metrics and /docs, and has a page for
people; see docs/deploy.md.
"""

import argparse
import math

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f'{text}: give a number above 0')
    return value


def one_or_more(text: str) -> int:
    return int(above_zero(str(int(text))))


def not_shared(_: str) -> str:
    raise argparse.ArgumentTypeError(
        'nothing goes through servers of others; let people in with --host and --allow-host, or by '
        'a proxy (docs/deploy.md)'
    )


def build_parser(description: str | None, models: str = '+') -> Parser:
    """Return the parser of this tool and of the demo, which can do without models ('*')."""
    parser = Parser(description)
    parser.add_argument(
        'models',
        nargs=models,
        metavar='MODEL',
        help='folder of tools/publish.py, or a config followed by its checkpoint; one or more',
    )
    parser.add_device()
    parser.add_argument('--host', default='127.0.0.1', help='(default: this machine alone)')
    parser.add_argument(
        '--allow-host',
        action='append',
        default=[],
        metavar='NAME',
        help='another name under which the service is asked, beside --host and localhost; may be '
        'repeated; * for any',
    )
    parser.add_argument('--port', type=int, default=8000, help='0 for any (default: 8000)')
    parser.add_argument(
        '--megabytes', type=above_zero, default=32, help='of a request at most (default: 32)'
    )
    parser.add_argument(
        '--megapixels', type=above_zero, default=40, help='of an image at most (default: 40)'
    )
    parser.add_argument(
        '--side', type=one_or_more, default=16_384, help='of an image in pixels (default: 16384)'
    )
    parser.add_argument('--images', type=one_or_more, default=16, help='of a request (default: 16)')
    parser.add_argument(
        '--queue', type=one_or_more, default=32, help='images that wait (default: 32)'
    )
    parser.add_argument(
        '--seconds', type=above_zero, default=10, help='that an image waits at most (default: 10)'
    )
    parser.add_argument(
        '--decode-seconds',
        type=above_zero,
        default=5,
        help='that an image may take to be decoded (default: 5)',
    )
    parser.add_argument(
        '--client-seconds',
        type=above_zero,
        default=30,
        help='that a client may take to send a request, and to take its answer (default: 30)',
    )
    parser.add_argument('--batch-size', type=one_or_more, default=8, help='(default: 8)')
    # A habit of other demos, which send all of it through somebody's server.
    parser.add_argument('--share', nargs='?', const='', type=not_shared, help=argparse.SUPPRESS)
    return parser


def serve(args: argparse.Namespace) -> None:
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors(needs_output=False):
        from custom_modules.base.errors import UserError

        try:
            import python_multipart  # noqa: F401  (FastAPI says so only where it builds the form)

            from custom_modules.commands.serve import run
            from custom_modules.service.settings import Limits
        except ImportError as error:
            raise UserError(
                f'{error.name} is missing: pip install -r requirements-service.txt'
            ) from None
        limits = Limits(
            request_bytes=int(args.megabytes * 2**20),
            images=args.images,
            pixels=int(args.megapixels * 1e6),
            side=args.side,
            queue=args.queue,
            seconds=args.seconds,
            decode_seconds=args.decode_seconds,
            body_seconds=args.client_seconds,
            answer_seconds=args.client_seconds,
            batch=args.batch_size,
        )
        run(args.models, limits, args.host, args.port, args.allow_host)


if __name__ == '__main__':
    serve(build_parser(__doc__).parse_args())
