"""What is sent to the service: images, hosts, sites."""

import asyncio
import io
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from custom_modules.service.decoding import RefusedImageError, decode
from custom_modules.service.settings import Limits

from ..service_models import Brightness, scan_bomb
from .case import Case

LIMITS = Limits(pixels=1_000_000, side=5_000)


def _image(data: Callable[[], bytes], limits: Limits = LIMITS) -> Callable[[Path], str]:
    def run(_: Path) -> str:
        try:
            height, width = decode(data(), limits).shape[:2]
        except RefusedImageError as error:
            return f'{error.status}: {error}'
        return f'{width}x{height} pixels'

    return run


def _killed(_: Path) -> str:
    """Decode in a process of its own, which is the only way to end this one."""
    from custom_modules.service.decoders import Decoders

    async def decoded() -> str:
        decoders = Decoders(Limits(decode_seconds=0.05))
        try:
            async with decoders.free(float('inf')) as one:
                await one(scan_bomb(4000, 70))
        except RefusedImageError as error:
            return f'{error.status}: {error}'
        finally:
            await decoders.close()
        return 'decoded'

    return asyncio.run(decoded())


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _png_of_size(width: int, height: int) -> bytes:
    """Return a PNG whose header says that size, with the pixels of another."""
    data = bytearray(_saved(Image.new('L', (8, 8)), 'PNG'))
    data[16:24] = struct.pack('>II', width, height)
    data[29:33] = struct.pack('>I', zlib.crc32(bytes(data[12:29])))
    return bytes(data)


IMAGES: dict[str, tuple[Callable[[Path], str], str]] = {
    'JPEG of 20,000 scans': (
        _image(lambda: scan_bomb(100, 20_000)),
        '415: not a readable image',
    ),
    'JPEG of 80 scans and 16 megapixels, for which there is little time': (
        _killed,
        '413: it takes longer than 0.05 seconds to decode',
    ),
    'an ordinary progressive JPEG': (_image(lambda: scan_bomb(100, 0)), '100x100 pixels'),
    'PNG of 1 x 60,000': (
        _image(lambda: _saved(Image.new('L', (1, 60_000)), 'PNG')),
        '413: 1x60000 pixels; at most 5,000 a side',
    ),
    'PNG of 1 x 40,000,000 by its header': (
        _image(lambda: _png_of_size(1, 40_000_000)),
        '415: not a readable image',
    ),
    'PNG of 0 x 5 by its header': (_image(lambda: _png_of_size(0, 5)), '415: not a readable image'),
    'PNG of 4,000 x 4,000 by its header': (
        _image(lambda: _png_of_size(4000, 4000)),
        '413: 4000x4000 pixels; at most 1,000,000',
    ),
    'PNG of one pixel': (_image(lambda: _saved(Image.new('L', (1, 1)), 'PNG')), '1x1 pixels'),
    'GIF of 500 frames': (
        _image(
            lambda: _saved(
                Image.new('P', (9, 9)),
                'GIF',
                save_all=True,
                append_images=[
                    Image.fromarray(np.full((9, 9), n % 256, np.uint8)) for n in range(499)
                ],
            )
        ),
        '415: 499 pictures in one file, of which no more than one is read; save each as a file of '
        'its own',
    ),
}


def _asked(
    headers: Mapping[str, str], method: str = 'GET', hosts: tuple[str, ...] = ('localhost', '::1')
) -> Callable[[Path], str]:
    def run(_: Path) -> str:
        from fastapi.testclient import TestClient

        from custom_modules.service.app import build_app
        from custom_modules.service.batcher import Batcher

        batcher = Batcher(Brightness(), LIMITS)  # type: ignore[arg-type]
        client = TestClient(build_app({'brightness': batcher}, LIMITS, hosts), 'http://localhost')
        path = '/healthz' if method == 'GET' else '/v1/mask'  # there is no file in it: 422
        answer = client.request(method, path, headers=dict(headers))
        batcher.close()
        return str(answer.status_code)

    return run


SITES: dict[str, tuple[Callable[[Path], str], str]] = {
    'its own name': (_asked({'host': 'localhost:8000'}), '200'),
    'its own name in capitals': (_asked({'host': 'LOCALHOST'}), '200'),
    'its own address': (_asked({'host': '[::1]:8000'}), '200'),
    'a name that was added': (_asked({'host': 'masks.example'}, hosts=('masks.example',)), '200'),
    'any name, where all are allowed': (_asked({'host': 'elsewhere'}, hosts=('*',)), '200'),
    'the name of another page (DNS rebinding)': (_asked({'host': 'elsewhere.example'}), '421'),
    'a name that begins alike': (_asked({'host': 'localhost.elsewhere.example'}), '421'),
    'a name that ends alike': (_asked({'host': 'notlocalhost'}), '421'),
    'a name behind another': (_asked({'host': 'localhost@elsewhere'}), '421'),
    'two names': (_asked({'host': 'localhost, elsewhere'}), '421'),
    'an empty name': (_asked({'host': ''}), '421'),
    'a name without end': (_asked({'host': 'x' * 10_000}), '421'),
    'a program sends': (_asked({}, 'POST'), '422'),
    'its own page sends': (_asked({'origin': 'http://localhost'}, 'POST'), '422'),
    'its own page sends, through a proxy': (
        _asked({'origin': 'https://masks.example', 'sec-fetch-site': 'same-origin'}, 'POST'),
        '422',
    ),
    'a page of another site sends': (_asked({'origin': 'https://x.example'}, 'POST'), '403'),
    'a page of another port sends': (_asked({'origin': 'http://localhost:81'}, 'POST'), '403'),
    'a page of nowhere sends': (_asked({'origin': 'null'}, 'POST'), '403'),
    'a page sends that names no origin': (_asked({'sec-fetch-site': 'cross-site'}, 'POST'), '403'),
    'a page of the same domain sends': (_asked({'sec-fetch-site': 'same-site'}, 'POST'), '403'),
    'a page of another site asks whether it may': (
        _asked({'origin': 'https://x.example', 'access-control-request-method': 'POST'}, 'OPTIONS'),
        '403',
    ),
}

SERVICE = (
    *(Case('image for the service', name, run, read=out) for name, (run, out) in IMAGES.items()),
    *(
        Case('host and site of a request', name, run, read=out)
        for name, (run, out) in SITES.items()
    ),
)
