"""Downloads from servers that do not answer as they should."""

from collections.abc import Callable
from pathlib import Path
from unittest import mock

from custom_modules.datasets import download as download_module
from custom_modules.datasets import http_get
from custom_modules.datasets.download import download
from custom_modules.datasets.http_get import redirected
from tests.file_server import CONTENT, MD5, Server

from .case import Case


def _fetch(*faults: str, md5: str = MD5, timeout: float = 30) -> Callable[[Path], str]:
    """Return what comes of a download whose requests are answered with these faults."""

    def run(folder: Path) -> str:
        with (
            Server() as server,
            mock.patch.object(http_get, 'TIMEOUT', timeout),
            mock.patch.object(download_module, 'MAX_BYTES', 8_000_000),
        ):
            server.faults = list(faults)
            download(f'{server.url}/file', folder / 'file', md5, attempts=len(faults), wait=0)
            assert (folder / 'file').read_bytes() == CONTENT
            return f'the file, after {len(server.ranges)} requests'

    return run


def _address(url: str) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        download(url, folder / 'file', MD5, attempts=1)
        return 'the file'

    return run


def _part(folder: Path) -> str:
    (folder / 'file.part').mkdir()
    return _fetch('')(folder)


BROKEN = 'the connection broke off'

DOWNLOADS: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'a body without end': (_fetch('no end'), 'sends more than 8,000,000 bytes', ''),
    'chunks without end': (_fetch('chunks without end'), 'sends more than 8,000,000 bytes', ''),
    'a chunk of no size': (_fetch('a chunk of no size'), BROKEN, ''),
    'trailers without end': (_fetch('trailers without end', timeout=0.2), BROKEN, ''),
    'headers without end': (_fetch('headers without end'), BROKEN, ''),
    'a status without end': (_fetch('a status without end'), BROKEN, ''),
    'provisional answers without end': (
        _fetch('provisional answers without end', timeout=0.2),
        BROKEN,
        '',
    ),
    'no HTTP': (_fetch('no HTTP'), 'broke off (BadStatusLine)', ''),
    'no answer': (_fetch('nothing'), BROKEN, ''),
    'silence': (_fetch('silence', timeout=0.2), BROKEN, ''),
    'silence in the middle, then the rest': (
        _fetch('silence in the middle', '', timeout=1),
        '',
        'the file, after 2 requests',
    ),
    'a byte now and then': (_fetch('a byte now and then', timeout=0.2), BROKEN, ''),
    'a head in pieces': (_fetch('a head in pieces', timeout=0.2), BROKEN, ''),
    'Content-Length is a text': (
        _fetch('Content-Length: many'),
        '',
        'the file, after 1 requests',
    ),
    'Content-Length is negative': (_fetch('Content-Length: -5'), '', 'the file, after 1 requests'),
    'Content-Length is a terabyte': (
        _fetch('Content-Length: 1099511627776'),
        'sends more than 8,000,000 bytes',
        '',
    ),
    'another part than the one asked for': (
        _fetch('breaks off', 'Content-Range: bytes 0-9/3072000', ''),
        '',
        'the file, after 3 requests',
    ),
    'a part that does not say which': (
        _fetch('breaks off', 'Content-Range: all'),
        'another part of the file than it was asked for',
        '',
    ),
    'another file': (_fetch('', '', '', md5='0' * 32), f'whose MD5 is {MD5}, not 000', ''),
    'to another address of the web': (_fetch('-> /file', ''), '', 'the file, after 2 requests'),
    'to itself': (_fetch(*['-> /file'] * 20), 'from one address to the next, without an end', ''),
    'to ftp': (_fetch('-> ftp://127.0.0.1/file'), 'only http and https', ''),
    'to a file': (_fetch('-> file:///etc/passwd'), 'only http and https', ''),
    'to data': (_fetch('-> data:text/plain,x'), 'only http and https', ''),
    'to no address': (_fetch('-> http://[::1'), 'is no address', ''),
    'from https to http': (
        lambda _: redirected('https://a.example/file', 'http://a.example/file'),
        'which is not encrypted; not followed',
        '',
    ),
    'an address without a host': (_address('http:///file'), 'is no address', ''),
    'an address with a port of letters': (_address('http://a:b/file'), 'is no address', ''),
    'an address with a space': (_address('http://127.0.0.1:9/a file'), 'is no address', ''),
    'an address with other letters': (_address('http://127.0.0.1:9/Käthe'), 'is no address', ''),
    'the unfinished file is a folder': (_part, 'file.part: cannot be written', ''),
}

DOWNLOAD_CASES = tuple(Case('download', name, *rest) for name, rest in DOWNLOADS.items())
