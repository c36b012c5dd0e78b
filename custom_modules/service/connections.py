"""Connections that end: uvicorn with a time for each step in which it waits for the client."""

import asyncio
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from .settings import Limits

#: Bytes that are looked at before others have their turn.
PIECE = 1 << 12

#: Bytes that a body sent in chunks may have around its content, if they are more than that: each
#: chunk takes as long as a kilobyte, so that chunks of one byte keep a processor busy.
FRAMING = 1 << 14


class Connections:
    """The connections that wait for their clients, the one that waits longest first.

    Args:
        limits: bounds: how many connections there are at a time, and how long each step may take.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.waiting: dict[BoundedProtocol, asyncio.TimerHandle] = {}
        self.answers: list[BoundedProtocol] = []

    def protocol(self, *args: Any, **kwargs: Any) -> 'BoundedProtocol':
        """Return the protocol of a new connection; uvicorn calls this (``Config.http``)."""
        return BoundedProtocol(self, *args, **kwargs)

    def make_room(self, connections: int) -> None:
        """End the connection that has waited longest if there are more than allowed."""
        if connections > self.limits.connections and self.waiting:
            next(iter(self.waiting)).abort()

    def bound_answers(self, last: 'BoundedProtocol') -> None:
        """End the connections that have let answers wait longest where all together are too much.

        Args:
            last: connection whose answer was written now; it stays: alone, it always has room.
        """
        others = [one for one in self.answers if one is not last and one.unsent()]
        self.answers = [*others, last]
        held = sum(one.unsent() for one in self.answers)
        for one in others:
            if held <= self.limits.held_bytes:
                break
            held -= one.unsent()
            one.abort()


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 for a client that may be slow, but not without end.

    Header, body and answer have a time each, whatever trickles in or out meanwhile. It is only
    while the service itself is at work on a request that no time runs.
    """

    def __init__(self, all_connections: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.all_connections = all_connections
        self.limits = all_connections.limits
        self.app: Any = partial(self._request, self.app)
        self.framing = self.content = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(self.limits.header_seconds)
        self.all_connections.make_room(len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            if self.transport.is_closing():
                return
            piece = data[start : start + PIECE]
            held = len(self.cycle.body) if self.cycle else 0
            super().data_received(piece)
            if self.cycle and self.cycle.more_body:
                content = max(0, len(self.cycle.body) - held)
                self.content += content
                self.framing += len(piece) - content
                if self.framing > FRAMING + self.content:
                    self.abort()

    def unsent(self) -> int:
        """Return how many bytes of answers the client has not taken."""
        return self.transport.get_write_buffer_size()

    def abort(self) -> None:
        """End the connection now, with what is not yet sent."""
        self._wait(None)
        self.transport.abort()

    async def _request(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, whose header has arrived."""
        self.framing = self.content = 0
        # One second more than the application gives it, which says so before it closes.
        self._wait(self.limits.body_seconds + 1)

        async def received() -> Message:
            message = await receive()
            if message['type'] == 'http.request' and not message.get('more_body'):
                self._wait(None)
            return message

        async def sent(message: Message) -> None:
            if message['type'] == 'http.response.start':
                self._wait(self.limits.answer_seconds)
            await send(message)
            if self.unsent():
                self.all_connections.bound_answers(self)

        await app(scope, received, sent)

    def on_response_complete(self) -> None:
        # The answer lies in a buffer now. Its client takes it or does not; a next request's header
        # comes or does not.
        if self.unsent() == 0:
            self._wait(self.limits.header_seconds)
        super().on_response_complete()

    def _wait(self, seconds: float | None) -> None:
        """Give the client so many seconds from now for its step; None: it is our turn."""
        if timer := self.all_connections.waiting.pop(self, None):
            timer.cancel()
        if seconds is not None and not self.transport.is_closing():
            self.all_connections.waiting[self] = self.loop.call_later(seconds, self.abort)
