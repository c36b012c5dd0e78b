"""Images that would fill the memory are refused."""

import io
import struct
import zlib
from pathlib import Path

import pytest

from custom_modules.base.errors import UnreadableImageError
from custom_modules.datasets.image_io import read_image


def png_of(width: int, height: int) -> bytes:
    """A PNG that unpacks to black pixels of that many."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
        )

    pack = zlib.compressobj(1)
    row, rows = bytes(1 + width // 8), io.BytesIO()
    for _ in range(height):
        rows.write(pack.compress(row))
    rows.write(pack.flush())
    header = struct.pack('>IIBBBBB', width, height, 1, 0, 0, 0, 0)
    parts = chunk(b'IHDR', header) + chunk(b'IDAT', rows.getvalue()) + chunk(b'IEND', b'')
    return b'\x89PNG\r\n\x1a\n' + parts


@pytest.mark.parametrize('side', [16_000, 40_000])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    path = tmp_path / 'bomb.png'
    path.write_bytes(png_of(side, side))
    assert path.stat().st_size < side * side / 500
    with pytest.raises(UnreadableImageError, match=r'bomb\.png: not a readable image .*exceeds'):
        read_image(path)
