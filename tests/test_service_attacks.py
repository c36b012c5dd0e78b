"""Clients that mean no good: each comes to its end, and all others are answered meanwhile."""

import asyncio
import os
import re
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np
import pytest

pytest.importorskip('fastapi')
pytest.importorskip('prometheus_client')
httpx = pytest.importorskip('httpx')

from fastapi import Response  # noqa: E402

from custom_modules.commands.serve import OTHER_FILES, possible_connections  # noqa: E402
from custom_modules.service import decoder_process  # noqa: E402  (only where it is installed)
from custom_modules.service.app import build_app  # noqa: E402
from custom_modules.service.batcher import Batcher, OverloadedError  # noqa: E402
from custom_modules.service.decoders import Decoders  # noqa: E402
from custom_modules.service.decoding import RefusedImageError  # noqa: E402
from custom_modules.service.pipeline import PixelRoom  # noqa: E402
from custom_modules.service.settings import Limits  # noqa: E402
from tests import endless_decoder  # noqa: E402
from tests.endless_decoder import ENDLESS  # noqa: E402
from tests.served import served  # noqa: E402
from tests.service_models import Brightness, Gate, photograph  # noqa: E402

LIMITS = Limits(
    requests=2,
    request_bytes=200_000,
    held_bytes=300_000,
    decode_seconds=1.0,
    linger=0.0,
    connections=20,
    header_seconds=0.5,
    body_seconds=0.7,
    answer_seconds=1.0,
)

#: A test waits so long at most; what it waits for is there in a second.
HANG = 20

HALF_HEADER = b'POST /v1/mask HTTP/1.1\r\nHost: localhost\r\n'
HALF_BODY = HALF_HEADER + b'Content-Length: 150000\r\n\r\n' + bytes(149_000)
CHUNKED = HALF_HEADER + b'Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n'
GET = b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
LARGE = 40_000_000


@pytest.fixture(scope='module', autouse=True)
def endless() -> Iterator[None]:
    """Let there be a file whose decoding has no end on the fastest machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder_process, '__file__', endless_decoder.__file__)
        yield


@pytest.fixture(scope='module')
def address() -> Iterator[str]:
    app = build_app({'a': Batcher(Brightness(), LIMITS)}, LIMITS)  # type: ignore[arg-type]
    app.get('/large')(lambda: Response(bytes(LARGE)))
    with served(app, LIMITS) as address:
        yield address


@pytest.fixture
def connect(address: str) -> Iterator[Callable[..., socket.socket]]:
    with ExitStack() as stack:

        def connect(sent: bytes = b'', receive_buffer: int = 0) -> socket.socket:
            one = stack.enter_context(socket.socket())
            if receive_buffer:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            one.settimeout(HANG)
            one.connect(('127.0.0.1', urlsplit(address).port))
            one.sendall(sent)
            return one

        yield connect


def honest(address: str) -> None:
    """Be answered, as everybody who means well."""
    answer = httpx.post(f'{address}/v1/mask', files={'file': photograph()}, timeout=HANG)
    assert (answer.status_code, answer.content[1:4]) == (200, b'PNG')
    assert httpx.get(f'{address}/healthz', timeout=HANG).status_code == 200


def rest(one: socket.socket, drip: bytes = b'') -> bytes:
    """Return what comes until the connection ends, sending something meanwhile."""
    received = b''
    one.settimeout(0.1 if drip else HANG)
    end = time.monotonic() + HANG
    while time.monotonic() < end:
        with suppress(ConnectionError):
            try:
                if drip:
                    one.sendall(drip)
                piece = one.recv(1 << 16)
            except TimeoutError:
                assert drip, 'it is not ended'
                continue
            received += piece
            if piece:
                continue
        return received
    raise AssertionError('it is not ended')


@pytest.mark.parametrize(
    ('sent', 'drip', 'answer'),
    [
        pytest.param(b'', b'', b'', id='nothing'),
        pytest.param(HALF_HEADER, b'', b'', id='half a header'),
        pytest.param(HALF_HEADER + b'X: ', b'x', b'', id='a header without end'),
        pytest.param(GET + HALF_HEADER, b'', b'200', id='half a header after a request'),
        pytest.param(
            GET + HALF_HEADER + b'X: ', b'x', b'200', id='one without end after a request'
        ),
        pytest.param(HALF_BODY, b'', b'408', id='half a body'),
        pytest.param(HALF_BODY, b'x', b'408', id='a body that trickles'),
        pytest.param(CHUNKED, b'1\r\nx\r\n', b'408', id='chunks without end'),
        pytest.param(CHUNKED, b'1\r\nx\r\n' * 2000, b'', id='chunks of a byte'),
        pytest.param(b'\x16\x03\x01\x02\x00\x01', b'\x00', b'', id='TLS'),
        pytest.param(b'GET / HTTP/1.1\r\n' + b'X: y\r\n' * 20_000, b'', b'400', id='a long header'),
    ],
)
def test_who_does_not_send_is_not_waited_for(
    address: str, connect: Callable, sent: bytes, drip: bytes, answer: bytes
) -> None:
    one = connect(sent)
    honest(address)
    statuses = re.findall(rb'^HTTP/1.1 (\d+)', rest(one, drip), re.MULTILINE)
    # Without an answer of its own to give, a busy machine may get to the limit of time first.
    assert statuses == [answer] if answer else statuses in ([], [b'400'], [b'408'])


def test_who_does_not_read_is_not_waited_for(address: str, connect: Callable) -> None:
    one = connect(b'GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n', receive_buffer=1 << 12)
    time.sleep(LIMITS.answer_seconds + 0.5)
    honest(address)
    assert 0 < len(rest(one)) < LARGE


def test_answers_are_bounded_together() -> None:
    """The one that waits longest gives way, long before its time is up."""
    limits = replace(LIMITS, answer_seconds=10 * HANG)
    app = build_app({'a': Batcher(Brightness(), limits)}, limits)  # type: ignore[arg-type]
    app.get('/large')(lambda: Response(bytes(LARGE)))
    with served(app, limits) as address, ExitStack() as stack:
        two = [stack.enter_context(socket.socket()) for _ in range(2)]
        for one in two:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
            one.settimeout(HANG)
            one.connect(('127.0.0.1', urlsplit(address).port))
            one.sendall(b'GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n')
            assert one.recv(8) == b'HTTP/1.1'
        assert len(rest(two[0])) < LARGE
        honest(address)


@pytest.mark.parametrize('sent', [b'', HALF_HEADER, HALF_BODY[:50_000]], ids=len)
def test_more_connections_than_there_can_be(address: str, connect: Callable, sent: bytes) -> None:
    """The one that has let us wait longest goes first; who comes is served."""
    many = [connect(sent) for _ in range(3 * LIMITS.connections)]
    honest(address)
    for one in many:
        rest(one)
    honest(address)


def test_bodies_are_bounded_together(address: str, connect: Callable) -> None:
    first = connect(HALF_BODY)
    wait_for_memory = [connect(HALF_BODY) for _ in range(2)]
    assert rest(first).startswith(b'HTTP/1.1 503')  # before its time was up
    honest(address)
    for one in wait_for_memory:
        assert rest(one).startswith((b'HTTP/1.1 408', b'HTTP/1.1 503'))


def ends(address: str) -> float:
    text = httpx.get(f'{address}/metrics', timeout=HANG).text
    return float(re.search(r'^petseg_decoder_ends_total (\S+)', text, re.M)[1])  # type: ignore[index]


def test_an_image_that_computes_for_minutes(address: str) -> None:
    before = ends(address)
    bomb = {'file': ENDLESS}
    answers: list[httpx.Response] = []

    def post() -> None:
        answers.append(httpx.post(f'{address}/v1/mask', files=bomb, timeout=HANG))

    thread = threading.Thread(target=post)
    thread.start()
    honest(address)
    thread.join(HANG)
    assert answers[0].status_code == 413
    assert answers[0].json() == {'detail': 'it takes longer than 1 seconds to decode'}
    assert ends(address) == before + 1
    honest(address)


def test_a_decoder_whose_client_leaves() -> None:
    """It is ended, where it is not nearly done; a small image does not cost a process."""
    decoders = Decoders(replace(LIMITS, decoders=1, decode_seconds=60.0))
    ended: list[int] = []
    decoders.observe_end = lambda: ended.append(1)

    async def decode(data: bytes, leaves_after: float | None = None) -> np.ndarray:
        async with decoders.free(time.monotonic() + HANG) as one:
            return await asyncio.wait_for(one(data), leaves_after)

    async def all_of_it() -> None:
        image = await decode(photograph(50, 20))
        assert (image.shape, image.dtype) == ((20, 50, 3), np.uint8)
        (process,) = [one.process for one in decoders._decoders]
        assert process
        bound, _ = resource.prlimit(process.pid, resource.RLIMIT_AS)
        assert 0 < bound < 3 << 30
        with pytest.raises(asyncio.TimeoutError):
            await decode(photograph(), leaves_after=1e-4)
        assert not ended
        with pytest.raises(asyncio.TimeoutError):
            await decode(ENDLESS, leaves_after=0.05)
        assert (ended, process.returncode) == ([1], -9)
        with pytest.raises(OverloadedError):
            async with decoders.free(time.monotonic() + HANG):
                await decoders.free(time.monotonic()).__aenter__()
        with pytest.raises(RefusedImageError, match='not a readable image'):
            await decode(b'no image')
        (process,) = [one.process for one in decoders._decoders]
        assert process
        os.kill(process.pid, 11)
        with pytest.raises(RefusedImageError, match='not a readable image'):
            await decode(photograph())
        assert (await decode(photograph())).shape == (40, 60, 3)
        await decoders.close()

    asyncio.run(all_of_it())


def test_nothing_is_computed_for_who_has_left() -> None:
    gate = Gate()
    limits = replace(LIMITS, batch=1)
    batcher = Batcher(gate, limits)  # type: ignore[arg-type]
    app = build_app({'gate': batcher}, limits)
    request = httpx.Request('POST', 'http://localhost/v1/mask', files={'file': photograph()})
    headers = [(name.lower(), value) for name, value in request.headers.raw]
    scope = dict(type='http', method='POST', path='/v1/mask', headers=headers, query_string=b'')

    async def ask(left: asyncio.Event) -> list[int]:
        messages = iter([dict(type='http.request', body=request.read())])
        statuses = []

        async def receive() -> dict:
            if message := next(messages, None):
                return message
            await left.wait()
            return dict(type='http.disconnect')

        async def send(message: dict) -> None:
            statuses.extend([message['status']] if 'status' in message else [])

        await app(scope, receive, send)
        return statuses

    async def until(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + HANG
        while not condition():
            assert time.monotonic() < end
            await asyncio.sleep(0.01)

    async def all_of_it() -> None:
        stays, leaves = asyncio.Event(), asyncio.Event()
        async with app.router.lifespan_context(app):
            first = asyncio.ensure_future(ask(stays))
            await until(gate.began.is_set)
            second = asyncio.ensure_future(ask(leaves))
            await until(lambda: batcher.waiting() == 1)
            leaves.set()
            assert await second == []
            gate.open.set()
            assert await first == await ask(stays) == [200]

    asyncio.run(all_of_it())
    assert gate.batches == [1, 1]


def test_room_for_pixels() -> None:
    async def all_of_it() -> None:
        room = PixelRoom(10)
        far = time.monotonic() + HANG
        async with room.taken(50, far):  # it is alone
            with pytest.raises(OverloadedError):
                await room.taken(1, time.monotonic()).__aenter__()

            async def later() -> int:
                async with room.taken(6, far):
                    return room.held

            tasks = [asyncio.ensure_future(later()) for _ in range(3)]
            await asyncio.sleep(0)
        assert await asyncio.gather(*tasks) == [6, 6, 6]
        assert room.held == 0

    asyncio.run(all_of_it())


def test_no_more_connections_than_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OTHER_FILES + 5, hard))
        assert possible_connections(10) == 10
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == OTHER_FILES + 10
        assert possible_connections(hard) == hard - OTHER_FILES
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
