"""The page to try models on: a few files, and photographs that PetSeg draws.

All of it is in memory and has a fixed path; no request names a file. What somebody gives goes to
the service's own interface, as a program's photographs do.
"""

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from fastapi import FastAPI, Response

from ..datasets.synthetic_dataset import BREEDS, draw_pet

#: Path, file and type.
FILES = (
    ('/', 'page.html', 'text/html; charset=utf-8'),
    ('/page.js', 'page.js', 'text/javascript; charset=utf-8'),
    ('/column.js', 'column.js', 'text/javascript; charset=utf-8'),
    ('/page.css', 'page.css', 'text/css; charset=utf-8'),
)

#: Names of the photographs to try.
EXAMPLES = tuple(f'{name}_{n}.png' for n, (name, _, _) in enumerate((*BREEDS, *BREEDS)[:6]))


def add_page(app: FastAPI) -> None:
    """Let a service answer for the page; the photographs to try are a part of its interface."""
    for path, name, kind in FILES:
        data = Path(__file__).with_name('static').joinpath(name).read_bytes()
        app.api_route(path, methods=['GET', 'HEAD'], include_in_schema=False)(_file(data, kind))


def _file(data: bytes, kind: str) -> Callable[[], Awaitable[Response]]:
    async def file() -> Response:
        return Response(data, headers={'Content-Type': kind, 'Cache-Control': 'no-cache'})

    return file


@cache
def example(number: int) -> bytes:
    """Return a photograph to try as a PNG; ``number`` is one of ``EXAMPLES``."""
    _, species, fur = BREEDS[number % len(BREEDS)]
    image, _ = draw_pet(np.random.RandomState(number), species, fur)
    return cv2.imencode('.png', cv2.resize(image, None, fx=3, fy=3))[1].tobytes()
