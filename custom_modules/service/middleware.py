"""What every request and every answer goes through."""

import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: What a client is told to wait before it tries again, in seconds.
RETRY_AFTER = 1

#: Of an answer to a request that was not read to its end.
CLOSE = {'Connection': 'close'}

#: What a page may do here: ask this service, and show what a script of it has made. Text never
#: becomes a script or a part of the page's structure (the last line).
CONTENT_SECURITY_POLICY = '; '.join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)

#: Path of the page about the interface, which is Swagger UI's.
DOCS = '/docs'

#: What that one needs beside, whose script stands in the page; nothing that anybody gave is in it.
DOCS_POLICY = '; '.join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


class ConcurrencyLimit:
    """Answer 503 where more requests than ``limit`` are at work.

    Args:
        app: application that is protected; requests come to it whole, see ``Uploads``.
        limit: largest number of requests at a time.
        paths: paths to protect; others are always answered.
    """

    def __init__(self, app: ASGIApp, limit: int, paths: tuple[str, ...]) -> None:
        self.app = app
        self.limit = limit
        self.paths = paths
        self.active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http' or scope['path'] not in self.paths:
            await self.app(scope, receive, send)
        elif self.active >= self.limit:
            await too_much('too many requests at a time')(scope, receive, send)
        else:
            self.active += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.active -= 1


def too_much(reason: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer to what is too much to do now."""
    headers = {'Retry-After': str(RETRY_AFTER), **(headers or {})}
    return JSONResponse({'detail': f'{reason}; try again'}, 503, headers)


class SecurityHeaders:
    """Tell browsers to load nothing from elsewhere and to guess no types."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        policy = DOCS_POLICY if scope.get('path') == DOCS else CONTENT_SECURITY_POLICY

        async def with_headers(message: Message) -> None:
            if message['type'] == 'http.response.start':
                headers = MutableHeaders(scope=message)
                headers['Content-Security-Policy'] = policy
                headers['X-Content-Type-Options'] = 'nosniff'
                headers['Referrer-Policy'] = 'no-referrer'
                headers['Cross-Origin-Resource-Policy'] = 'same-origin'
            await send(message)

        await self.app(scope, receive, with_headers if scope['type'] == 'http' else send)


class Measured:
    """Count the answers of some paths and the time to them, for Prometheus.

    Args:
        app: application that is measured.
        registry: registry of Prometheus that the service's counts and times go into.
        paths: paths to measure; others would make a label of whatever somebody asks for.
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
