"""Bodies of requests are read whole before any work; the work ends when its client leaves."""

import asyncio
from dataclasses import dataclass, field

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .middleware import CLOSE, too_much
from .settings import Limits

#: Bytes of a body that the application parses before others have their turn.
PIECE = 1 << 16


class _ClientLeftError(Exception):
    """The client closed its connection before its request was whole."""


@dataclass
class _Body:
    data: bytearray = field(default_factory=bytearray)
    held: int = 0


class Uploads:
    """Read the body of a request, within bounds of size, time and memory, then let it in.

    So a client that sends slowly takes nothing that others wait for. Where all bodies together are
    more than ``held_bytes``, the oldest upload under way is answered 503: a client that does what
    it should is done long before it is the oldest.

    Args:
        app: application that gets whole requests; it is cancelled when their client leaves.
        limits: bounds of size, time and memory.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits
        self.held = 0
        self.under_way: dict[asyncio.Future, _Body] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            await self.app(scope, receive, send)
            return
        body = _Body()
        try:
            refusal = await self._read(scope, receive, body)
            if refusal:
                await refusal(scope, receive, send)
            else:
                await self._work(scope, receive, send, body)
        except _ClientLeftError:
            return
        finally:
            self._let_go(body)

    async def _read(self, scope: Scope, receive: Receive, body: _Body) -> JSONResponse | None:
        """Read a body to its end, or return why it is refused."""
        limits = self.limits
        too_large = JSONResponse(
            {'detail': f'the request is larger than {limits.request_bytes:,} bytes'}, 413, CLOSE
        )
        announced = dict(scope['headers']).get(b'content-length', b'0')
        if not announced.isdigit() or int(announced) > limits.request_bytes:
            return too_large
        upload = asyncio.ensure_future(self._collect(receive, body))
        self.under_way[upload] = body
        try:
            await asyncio.wait({upload}, timeout=limits.body_seconds)
            if not upload.done():
                detail = f'the body did not arrive within {limits.body_seconds:g} seconds'
                return JSONResponse({'detail': detail}, 408, CLOSE)
            if upload.cancelled():
                return too_much('too many uploads at a time', CLOSE)
            return None if upload.result() else too_large
        finally:
            self.under_way.pop(upload, None)
            upload.cancel()

    async def _collect(self, receive: Receive, body: _Body) -> bool:
        """Return whether a body that was read to its end is small enough."""
        more = True
        while more:
            message = await receive()
            if message['type'] == 'http.disconnect':
                raise _ClientLeftError
            piece = message.get('body', b'')
            body.data += piece
            body.held += len(piece)
            self.held += len(piece)
            if body.held > self.limits.request_bytes:
                return False
            if self.held > self.limits.held_bytes:
                oldest = next(iter(self.under_way))  # this one, if it is the only one
                oldest.cancel()
                self._let_go(self.under_way.pop(oldest))
            more = message.get('more_body', False)
        return True

    def _let_go(self, body: _Body) -> None:
        self.held -= body.held
        body.held = 0
        body.data.clear()

    async def _work(self, scope: Scope, receive: Receive, send: Send, body: _Body) -> None:
        """Let the application answer, unless the client leaves before."""
        given = answered = False

        async def pieces() -> Message:
            nonlocal given
            if leaving.done() or given:
                await asyncio.wait({leaving})
                return {'type': 'http.disconnect'}
            await asyncio.sleep(0)  # parsing takes time: others have their turn
            piece = bytes(body.data[:PIECE])
            del body.data[:PIECE]
            given = not body.data
            return {'type': 'http.request', 'body': piece, 'more_body': not given}

        async def sent(message: Message) -> None:
            nonlocal answered
            if message['type'] == 'http.response.body' and not message.get('more_body'):
                answered = True
            await send(message)

        leaving = asyncio.ensure_future(_disconnect(receive))
        work = asyncio.ensure_future(self.app(scope, pieces, sent))
        try:
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if answered:  # what is left to do is tidying up
                await asyncio.wait({work})
        finally:
            leaving.cancel()
            if not work.done():
                work.cancel()
            await asyncio.gather(work, leaving, return_exceptions=True)
        if not work.cancelled():
            work.result()


async def _disconnect(receive: Receive) -> None:
    """Wait until the client has left, or has its answer."""
    while (await receive())['type'] != 'http.disconnect':
        pass
