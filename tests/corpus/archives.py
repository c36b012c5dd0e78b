"""Archives: damaged, dangerous, or without an end."""

import gzip
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from custom_modules.datasets.archives import extract
from custom_modules.datasets.oxford.archives import belongs

from .case import Case


def zipped() -> bytes:
    """Return an archive of another kind."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        archive.writestr('images/a.jpg', 'abc')
    return file.getvalue()


def _tar(*members: tuple[str, bytes, str], mode: str = 'w:gz') -> bytes:
    """Return an archive of (name, kind of tarfile, link target)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as tar:
        for name, kind, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            info.size = 3 if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(b'abc') if info.size else None)
    return file.getvalue()


def _archive(content: bytes | None, size: int | None = None) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        archive, root = folder / 'images.tar.gz', folder / 'data'
        if content is not None:
            archive.write_bytes(content)
        if size:
            os.truncate(archive, size)
        before = set(folder.rglob('*'))
        try:
            count = extract(archive, root, belongs)
        finally:
            outside = {p for p in folder.rglob('*') if p not in before and root not in p.parents}
            assert outside <= {root}
        return f'{count} file'

    return run


FILE = ('images/a.jpg', tarfile.REGTYPE, '')
ONE = _tar(FILE)


PACKED_ZEROS = gzip.compress(bytes(1 << 20))
PLAIN = _tar(FILE, ('images/b.jpg', tarfile.REGTYPE, ''), mode='w')  # two blocks each, then zeros
END = PLAIN[4 * 512 :]


def _header(kind: bytes, size: int, **fields: str) -> bytes:
    """Return a header as no tar writes it."""
    info = tarfile.TarInfo('images/c.jpg')
    info.type, info.size = kind, size
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT)


def _extended(content: bytes, times: int = 1, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """Return an archive whose file is preceded by headers that extend it."""
    padding = bytes(-len(content) % 512)
    return (_header(kind, len(content)) + content + padding) * times + PLAIN


def _with_member(name: str, kind: bytes = tarfile.REGTYPE, link: str = '') -> bytes:
    return _tar(FILE, (name, kind, link))


ARCHIVES: dict[str, tuple[bytes | None, str, str]] = {
    'missing': (None, 'there is no such archive', ''),
    'empty file': (b'', 'cannot be unpacked', ''),
    'text': (b'not found\n' * 99, 'cannot be unpacked', ''),
    'ZIP named .tar.gz': (zipped(), 'cannot be unpacked', ''),
    'cut in half': (ONE[: len(ONE) // 2], 'cannot be unpacked', ''),
    'without its last bytes': (ONE[:-9], 'cannot be unpacked', ''),
    'a byte changed': (ONE[:40] + bytes([ONE[40] ^ 255]) + ONE[41:], 'cannot be unpacked', ''),
    'no member': (_tar(), 'nothing in it belongs to the data set', ''),
    'nothing of a data set in it': (
        _tar(('readme.md', tarfile.REGTYPE, '')),
        'nothing in it belongs to the data set',
        '',
    ),
    'member with ..': (_with_member('../evil.jpg'), 'would leave the folder', ''),
    'member with .. inside': (_with_member('images/../../evil.jpg'), 'would leave the folder', ''),
    'member with an absolute path': (_with_member('/tmp/evil.jpg'), 'would leave the folder', ''),
    'member with a path of Windows': (_with_member('..\\evil.jpg'), 'would leave the folder', ''),
    'member with a drive': (_with_member('C:evil.jpg'), 'would leave the folder', ''),
    'symbolic link outwards': (
        _with_member('images/b.jpg', tarfile.SYMTYPE, '/etc/passwd'),
        'is a link or a device',
        '',
    ),
    'symbolic link inside': (
        _with_member('images/b.jpg', tarfile.SYMTYPE, 'a.jpg'),
        'is a link or a device',
        '',
    ),
    'hard link': (
        _with_member('images/b.jpg', tarfile.LNKTYPE, '../../.bashrc'),
        'is a link or a device',
        '',
    ),
    'device': (_with_member('images/b.jpg', tarfile.CHRTYPE), 'is a link or a device', ''),
    'pipe': (_with_member('images/b.jpg', tarfile.FIFOTYPE), 'is a link or a device', ''),
    'member of a terabyte by its header': (
        _header(tarfile.REGTYPE, 1 << 40) + END,
        '1,099,511,627,776 bytes',
        '',
    ),
    'member of fewer than no bytes': (_header(tarfile.REGTYPE, -512) + END, 'has -512 bytes', ''),
    'four gigabytes of zeros behind its end': (
        ONE + PACKED_ZEROS * 4096,
        '1 MiB of zeros are behind its end',
        '',
    ),
    'a photograph of four gigabytes of zeros': (
        gzip.compress(_header(tarfile.REGTYPE, 4 << 30)) + PACKED_ZEROS * 4096,
        '4,294,967,296 bytes by its header',
        '',
    ),
    'a hundred members of a megabyte of zeros': (
        (gzip.compress(_header(tarfile.REGTYPE, 1 << 20)) + PACKED_ZEROS) * 100,
        'bytes by its header',
        '',
    ),
    'a second archive behind its end': (ONE * 2, 'something behind its end', ''),
    'a damaged header in the middle': (
        PLAIN[:1030] + b'?' + PLAIN[1031:],
        'a header is damaged',
        '',
    ),
    'cut at a header': (PLAIN[:1024], 'it is cut short', ''),
    'cut inside of a file': (PLAIN[:514], 'it is cut short', ''),
    'xz': (lzma.compress(PLAIN), 'nor one packed by gzip', ''),
    'a damaged header of xz': (
        lzma.compress(PLAIN)[:6] + bytes(64),
        'nor one packed by gzip',
        '',
    ),
    'a damaged header of gzip': (ONE[:2] + b'\xff' * 8 + ONE[10:], 'cannot be unpacked', ''),
    'sparse file': (_header(tarfile.GNUTYPE_SPARSE, 512) + PLAIN, 'of another kind', ''),
    'sparse file in an extended header': (
        _extended(b'22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n'),
        'an extended header changes the name or size',
        '',
    ),
    'extended header with another name': (
        _extended(b'24 path=../../evil.jpg\n'),
        'an extended header changes the name or size',
        '',
    ),
    'extended header of a megabyte': (
        _extended(b'1' * (1 << 20)),
        'a header of 1,048,576 bytes',
        '',
    ),
    'extended headers that only hold a time': (
        _extended(b'16 mtime=123.45\n', times=2000),
        '',
        '2 file',
    ),
    'a name with a line end': (_with_member('images/b\n.jpg'), 'a name that is no text', ''),
    'a file where a folder should be': (
        _tar(('images/a.jpg/b.jpg', tarfile.REGTYPE, ''), FILE),
        '',
        '1 file',
    ),
    'the same member twice': (_tar(FILE, FILE), '', '2 file'),
    'not compressed': (_tar(FILE, mode='w'), '', '1 file'),
    'hidden files of macOS': (_with_member('images/._a.jpg'), '', '1 file'),
}

ARCHIVE_CASES = (
    *(
        Case('archive', name, _archive(content), refused=said, read=out)
        for name, (content, said, out) in ARCHIVES.items()
    ),
    Case(
        'archive', 'a terabyte of nothing', _archive(ONE, 1 << 40), '1,048,576 MiB are no archive'
    ),
)
