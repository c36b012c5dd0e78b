"""Fetching a file over HTTP so that a broken connection costs nothing but patience."""

import errno
import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import UserError

CHUNK = 1 << 20
TIMEOUT = 30.0  # seconds without a byte

#: Called with the bytes that are there and the total the server claims (0: it does not say).
Report = Callable[[int, int], None]


def md5_of(path: Path) -> str:
    """Return the MD5 of a file as hexadecimal digits."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, 'rb') as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def download(
    url: str,
    target: Path,
    md5: str,
    report: Report | None = None,
    attempts: int = 6,
    wait: float = 1.0,
) -> None:
    """Fetch ``url`` to ``target``, which appears only when its MD5 is right.

    What has arrived stays in ``<target>.part``; the next attempt, or the next call, asks for the
    rest with a Range request. Only the MD5 is believed: a server may break off or lie about the
    length. A file that is complete and wrong is thrown away and fetched anew.

    Args:
        url: http or https.
        target: file to write.
        md5: of the right file.
        report: progress.
        attempts: connections in all.
        wait: seconds before the second attempt; doubles for each further one.

    Raises:
        UserError: the address is not allowed, the server refuses, the disk is full, or the file is
            not complete and right after all attempts.
    """
    if urlsplit(url).scheme not in ('http', 'https'):
        raise UserError(f'{url}: only http and https addresses are fetched')
    part = target.with_name(target.name + '.part')
    reason = ''
    for attempt in range(attempts):
        if attempt:
            time.sleep(wait * 2 ** (attempt - 1))
        before = part.stat().st_size if part.exists() else 0
        try:
            _fetch_rest(url, part, before, report or (lambda *_: None))
            reason = 'the connection broke off'
        except urllib.error.HTTPError as error:
            if error.code != 416:  # 416: there is nothing behind what we have
                reason = f'the server answered {error.code} {error.reason}'
                if error.code in (401, 403, 404, 410):
                    raise UserError(f'{url}: {reason}; choose another address with --url') from None
                continue
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise UserError(f'{part}: the disk is full') from None
            reason = str(getattr(error, 'reason', error)) or type(error).__name__
        except http.client.HTTPException as error:
            reason = f'the connection broke off ({type(error).__name__})'
        size = part.stat().st_size if part.exists() else 0
        if size and md5_of(part) == md5:
            part.replace(target)
            return
        if size and size == before:
            # Nothing more comes, and what is there is wrong.
            reason = f'its MD5 is {md5_of(part)}, not {md5}'
            part.unlink()
    raise UserError(
        f'{url}: not complete after {attempts} attempts ({reason}). Run the command again to go '
        'on, fetch the file by other means and use --archives, or choose another address with --url'
    )


def _fetch_rest(url: str, part: Path, start: int, report: Report) -> None:
    request = urllib.request.Request(url, headers={'User-Agent': 'PetSeg'})
    if start:
        request.add_header('Range', f'bytes={start}-')
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        if answer.status != 206:  # the server sends the whole file
            start = 0
        total = start + int(answer.headers.get('Content-Length') or 0)
        with open(part, 'ab' if start else 'wb') as file:
            done = start
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                report(done, total)
