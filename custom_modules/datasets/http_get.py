"""Asking a server that nobody has checked: where it may lead to, and how long it may take."""

import contextlib
import http.client
import socket
import string
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from ..base.errors import UserError

TIMEOUT = 30.0  # seconds without a byte
SLOWEST = 16 << 10  # bytes that have to arrive within TIMEOUT
MAX_REDIRECTS = 10

_REDIRECTS = (301, 302, 303, 307, 308)


class BrokenOffError(Exception):
    """The server did not give what it was asked for; it may when it is asked again."""


class StatusError(BrokenOffError):
    """The server answered with another status than that of success."""

    def __init__(self, code: int) -> None:
        super().__init__(
            f'the server answered {code} {http.client.responses.get(code, "")}'.strip()
        )
        self.code = code


class Answer(http.client.HTTPResponse):
    """An answer whose connection is broken off when fewer than SLOWEST bytes arrive within TIMEOUT.

    The timeout of a socket ends only complete silence; with a byte now and then, of head, body or
    what follows it, a server could hold the connection for years.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._socket = sock
        self._moves = threading.Event()
        self._over = self._slow = False
        self._since = 0

    def begin(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()
        super().begin()

    def _watch(self) -> None:
        while self._moves.wait(TIMEOUT):
            if self._over:
                return
            self._moves.clear()
        self._slow = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def next_bytes(self, size: int) -> bytes:
        """Return what has arrived of the body, at most ``size`` bytes; nothing at its end.

        Raises:
            BrokenOffError: the connection ended or was too slow.
        """
        try:
            data = self.read1(size)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _broken_off(error) from None
        if self._slow:  # what was shut down looks like an end
            raise BrokenOffError(
                f'the connection broke off (fewer than {SLOWEST:,} bytes in {TIMEOUT:g} seconds)'
            )
        self._since += len(data)
        if self._since >= SLOWEST:
            self._since = 0
            self._moves.set()
        return data

    def close(self) -> None:
        self._over = True
        self._moves.set()
        super().close()


def get(url: str, headers: dict[str, str]) -> Answer:
    """Return a server's answer, whose body is yet to be read.

    Args:
        url: address to fetch, http or https; so are the addresses that the server may lead to, and
            it may not lead from https to http.
        headers: headers of the request: name -> value.

    Raises:
        UserError: an address is not that of a file on a web server, or the server leads from one to
            the next without an end.
        StatusError: the answer's status is none of success.
        BrokenOffError: there was no answer.
    """
    check_address(url)
    for _ in range(MAX_REDIRECTS + 1):
        try:
            answer: Any = _opener().open(
                urllib.request.Request(url, headers=headers), None, TIMEOUT
            )
        except urllib.error.HTTPError as error:
            error.close()
            target = error.headers.get('Location')
            if error.code not in _REDIRECTS or not target:
                raise StatusError(error.code) from None
            url = redirected(url, target)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _broken_off(error) from None
        else:
            return answer
    raise UserError(f'{url}: the server leads from one address to the next, without an end')


def check_address(url: str) -> None:
    """Refuse what is not the address of a file on a web server.

    Raises:
        UserError: the address is none; the message says how to write one.
    """
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise UserError(f'{url[:200]!r} is no address; write https://HOST/FOLDER') from None
    if parts.scheme not in ('http', 'https'):
        raise UserError(f'{url[:200]}: only http and https addresses are fetched')
    if not valid or not url.isascii() or not url.isprintable() or ' ' in url:
        raise UserError(f'{url[:200]!r} is no address; write https://HOST/FOLDER')


def redirected(url: str, target: str) -> str:
    """Return the address that an answer of ``url`` leads to.

    Args:
        url: address that was asked for.
        target: address that the answer's ``Location`` names, absolute or relative, as http.client
            decodes it.

    Raises:
        UserError: the address is not that of a file on a web server, or leads from https to http.
    """
    try:
        address = urljoin(url, quote(target, safe=string.punctuation, encoding='iso-8859-1'))
    except ValueError:
        address = target
    try:
        check_address(address)
    except UserError as error:
        raise UserError(f'{url}: leads elsewhere, which is not followed ({error})') from None
    if urlsplit(url).scheme == 'https' and urlsplit(address).scheme == 'http':
        raise UserError(f'{url}: leads to {address[:200]}, which is not encrypted; not followed')
    return address


def _broken_off(error: Exception) -> BrokenOffError:
    reason = str(getattr(error, 'reason', error)).partition('\n')[0][:200]
    if isinstance(error, http.client.HTTPException) or not reason.isprintable():
        reason = type(error).__name__  # its text is that of the server
    return BrokenOffError(f'the connection broke off ({reason or type(error).__name__})')


def _watched(kind: type[http.client.HTTPConnection]) -> Callable[..., http.client.HTTPConnection]:
    def connect(*args: Any, **kwargs: Any) -> http.client.HTTPConnection:
        connection = kind(*args, **kwargs)
        connection.response_class = Answer
        return connection

    return connect


class _Http(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_watched(http.client.HTTPConnection), request)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_watched(http.client.HTTPSConnection), request)


def _opener() -> urllib.request.OpenerDirector:
    """Return what knows http and https and follows nothing; urllib's own knows ftp and files."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        _Http,
        _Https,
    ):
        opener.add_handler(handler())
    return opener
