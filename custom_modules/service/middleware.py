"""What every request and every answer goes through."""

import time

from fastapi import HTTPException
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: What a client is told to wait before it tries again, in seconds.
RETRY_AFTER = 1

#: A browser that shows a page of this service asks this service and nobody else.
CONTENT_SECURITY_POLICY = '; '.join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "style-src 'self' 'unsafe-inline'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "worker-src 'self' blob:",
        "connect-src 'self' blob: data:",
        "form-action 'self'",
        "frame-ancestors 'self'",
        "base-uri 'self'",
    )
)


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


class ConcurrencyLimit:
    """Answer 503 where more requests than ``limit`` are at work, after their bodies were read.

    An answer before the end of the body may never be read: the connection is reset.

    Args:
        app: what is protected.
        limit: requests at a time.
        body_limit: bytes of a body that are read and thrown away, at most.
        paths: to protect; others are always answered.
    """

    def __init__(self, app: ASGIApp, limit: int, body_limit: int, paths: tuple[str, ...]) -> None:
        self.app = app
        self.limit = limit
        self.body_limit = body_limit
        self.paths = paths
        self.active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http' or scope['path'] not in self.paths:
            await self.app(scope, receive, send)
        elif self.active >= self.limit:
            seen, more = 0, True
            while more and seen <= self.body_limit:
                message = await receive()
                seen += len(message.get('body', b''))
                more = message.get('more_body', False)
            await too_much('too many requests at a time')(scope, receive, send)
        else:
            self.active += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.active -= 1


def too_much(reason: str) -> JSONResponse:
    """Return the answer to what is too much to do now."""
    headers = {'Retry-After': str(RETRY_AFTER)}
    return JSONResponse({'detail': f'{reason}; try again'}, 503, headers)


class SecurityHeaders:
    """Tell browsers to load nothing from elsewhere and to guess no types."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message['type'] == 'http.response.start':
                headers = MutableHeaders(scope=message)
                headers['Content-Security-Policy'] = CONTENT_SECURITY_POLICY
                headers['X-Content-Type-Options'] = 'nosniff'
                headers['Referrer-Policy'] = 'no-referrer'
            await send(message)

        await self.app(scope, receive, with_headers if scope['type'] == 'http' else send)


class Measured:
    """Count the answers of some paths and the time to them, for Prometheus.

    Args:
        app: what is measured.
        registry: of the service.
        paths: to measure; others would make a label of whatever somebody asks for.
    """

    def __init__(self, app: ASGIApp, registry: CollectorRegistry, paths: tuple[str, ...]) -> None:
        self.app = app
        self.paths = paths
        self.requests = Counter(
            'petseg_requests', 'Requests', ['path', 'status'], registry=registry
        )
        self.seconds = Histogram(
            'petseg_request_seconds', 'Time to answer', ['path'], registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http' or scope['path'] not in self.paths:
            await self.app(scope, receive, send)
            return
        path, started = scope['path'], time.perf_counter()

        async def measured(message: Message) -> None:
            if message['type'] == 'http.response.start':
                self.requests.labels(path, message['status']).inc()
                self.seconds.labels(path).observe(time.perf_counter() - started)
            await send(message)

        await self.app(scope, receive, measured)
