"""Requests that are larger than allowed end before they are read."""

from fastapi import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Answer 413 to a request whose body has more bytes than ``limit``, announced or sent.

    Args:
        app: what is protected.
        limit: bytes.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit
        self.detail = f'the request is larger than {limit:,} bytes'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            await self.app(scope, receive, send)
            return
        announced = dict(scope['headers']).get(b'content-length', b'0')
        if not announced.isdigit() or int(announced) > self.limit:
            response = JSONResponse({'detail': self.detail}, 413, {'connection': 'close'})
            await response(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get('body', b''))
            if seen > self.limit:
                # Of this class, because FastAPI calls all others an error in the form.
                raise HTTPException(413, self.detail, {'connection': 'close'})
            return message

        await self.app(scope, counted, send)
