"""Fetching a file over HTTP so that a broken connection costs nothing but patience."""

import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path

from ..base.errors import UserError
from .http_get import BrokenOffError, StatusError, check_address, get

CHUNK = 1 << 20

#: Of a file. A server that sends more sends something else; the official archives have 0.8 GB.
MAX_BYTES = 2 << 30

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
        url: address of the file, http or https.
        target: file to write.
        md5: MD5 that the file must have, as 32 hexadecimal digits.
        report: function that is called with the number of bytes that are there and the total that
            the server claims (0 where it does not say); None for no report.
        attempts: largest number of connections.
        wait: number of seconds before the second attempt; doubles for each further one.

    Raises:
        UserError: an address is not allowed, the server refuses or sends without an end, the file
            cannot be written, or it is not complete and right after all attempts.
    """
    check_address(url)
    part = target.with_name(target.name + '.part')
    reason = ''
    for attempt in range(attempts):
        if attempt:
            time.sleep(wait * 2 ** (attempt - 1))
        try:
            before = part.stat().st_size if part.exists() else 0
            reason = ''
            try:
                _fetch_rest(url, part, before, report or (lambda *_: None))
            except BrokenOffError as error:
                reason = str(error)
                status = error.code if isinstance(error, StatusError) else 0
                if status in (401, 403, 404, 410):
                    raise UserError(f'{url}: {reason}; choose another address with --url') from None
                if status and status != 416:  # 416: there is nothing behind what we have
                    continue
            size = part.stat().st_size if part.exists() else 0
            found = md5_of(part) if size else ''
            if found == md5:
                part.replace(target)
                return
            if not reason or size == before > 0:
                reason = f'{size:,} bytes arrived, whose MD5 is {found or "none"}, not {md5}'
            if size == before > 0:  # nothing more comes, and what is there is wrong
                part.unlink()
        except OSError as error:  # those of the connection are BrokenOffError
            raise UserError(
                f'{part}: cannot be written ({error.strerror or error}); choose another folder '
                'with --root'
            ) from None
    raise UserError(
        f'{url}: not complete after {attempts} attempts ({reason}). Run the command again to go '
        'on, fetch the file by other means and use --archives, or choose another address with --url'
    )


def _fetch_rest(url: str, part: Path, start: int, report: Report) -> None:
    headers = {'User-Agent': 'PetSeg'} | ({'Range': f'bytes={start}-'} if start else {})
    with get(url, headers) as answer:
        if answer.status != 206:  # the server sends the whole file
            start = 0
        elif not re.match(rf'bytes {start}-\d', answer.headers.get('Content-Range') or ''):
            part.unlink(missing_ok=True)
            raise BrokenOffError('the server sent another part of the file than it was asked for')
        done, total = start, start + (answer.length or 0)
        _refuse_endless(url, total)
        with open(part, 'ab' if start else 'wb') as file:
            while done <= MAX_BYTES and (chunk := answer.next_bytes(CHUNK)):
                file.write(chunk)
                done += len(chunk)
                report(done, total)
    if done > MAX_BYTES:
        part.unlink()
    _refuse_endless(url, done)


def _refuse_endless(url: str, size: int) -> None:
    if size > MAX_BYTES:
        raise UserError(
            f'{url}: sends more than {MAX_BYTES:,} bytes, which is no archive of the data set; '
            'choose another address with --url'
        )
