"""Untrusted images are decoded in processes, because nothing else ends a decoder."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from functools import partial
from typing import Any, cast

import numpy as np

from ..base.system import own_group
from ..datasets.image_io import COLOURS
from ..datasets.image_reading import ImageReading
from . import decoder_process
from .batcher import OverloadedError
from .decoding import RefusedImageError
from .settings import Limits

#: Seconds for what is decoded while its client leaves: to start a process takes as long.
GRACE = 0.5

Decode = Callable[..., Awaitable[np.ndarray]]

#: Bytes that are taken from a process at a time.
PIECE = 1 << 20


class Decoders:
    """Processes that decode images; each is started when it is needed, and again when it has ended.

    Args:
        limits: bounds: how many processes there are, and what is allowed of an image.

    Attributes:
        observe_end: function that is called when a process was killed or died.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.observe_end: Callable[[], None] = lambda: None
        self._decoders = [_Decoder(limits) for _ in range(limits.decoders)]
        self._free: asyncio.LifoQueue[_Decoder] = asyncio.LifoQueue()
        for decoder in self._decoders:
            self._free.put_nowait(decoder)

    @asynccontextmanager
    async def free(self, deadline: float) -> AsyncIterator[Decode]:
        """Wait for a process and keep it meanwhile; yield what decodes the bytes of a file by it.

        It takes the bytes and, where they are not read as colours, an ``ImageReading``; it returns
        an image (H, W, C) uint8, RGB where C is 3, and raises RefusedImageError if it is none, or
        if it takes too much time or memory.

        Args:
            deadline: time of the monotonic clock, in seconds, by which a process has to be free.

        Raises:
            OverloadedError: no process was free in time.
        """
        try:
            decoder = await asyncio.wait_for(self._free.get(), deadline - time.monotonic())
        except asyncio.TimeoutError:
            raise OverloadedError('it waited too long') from None
        try:
            yield partial(self._decode, decoder)
        finally:
            self._free.put_nowait(decoder)

    async def _decode(
        self, decoder: '_Decoder', data: bytes, reading: ImageReading = COLOURS
    ) -> np.ndarray:
        work = asyncio.ensure_future(decoder.decode(data, reading))
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            done, _ = await asyncio.wait({work}, timeout=GRACE)
            for one in done:
                one.exception()  # of which nobody has to hear any more
            raise
        finally:
            if not work.done():
                work.cancel()
                await decoder.end()
            if not decoder.process:
                self.observe_end()
        return work.result()

    async def close(self) -> None:
        """End the processes."""
        for decoder in self._decoders:
            await decoder.end()


class _Decoder:
    """One process, where it is there (see ``decoder_process``)."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.process: Process | None = None

    async def decode(self, data: bytes, reading: ImageReading) -> np.ndarray:
        if self.process is None:
            self.process = await self._start()
        began = time.monotonic()
        try:
            return await self._exchange(self.process, data, reading)
        except (EOFError, OSError):  # of the pipe to a process that is no more
            await self.end()
            if time.monotonic() - began >= self.limits.decode_seconds:
                detail = f'it takes longer than {self.limits.decode_seconds:g} seconds to decode'
                raise RefusedImageError(413, detail) from None
            raise RefusedImageError(415, 'not a readable image') from None

    async def end(self) -> None:
        """Kill the process."""
        process, self.process = self.process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _start(self) -> Process:
        words = [sys.executable, decoder_process.__file__, json.dumps(asdict(self.limits))]
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,  # what libraries say of damaged files
            limit=PIECE,
            **own_group(),  # Ctrl-C ends the service, which ends this in its turn
        )
        assert process.stdout
        if await process.stdout.read(len(decoder_process.READY)) != decoder_process.READY:
            raise RuntimeError(f'it does not start: {" ".join(words)}')
        return process

    async def _exchange(self, process: Process, data: bytes, reading: ImageReading) -> np.ndarray:
        assert process.stdin and process.stdout
        rule = json.dumps(reading.settings()).encode()
        process.stdin.write(decoder_process.LENGTHS.pack(len(data), len(rule)))
        process.stdin.write(data)
        process.stdin.write(rule)
        await process.stdin.drain()
        header = await process.stdout.readexactly(decoder_process.HEADER.size)
        status, height, width, channels = decoder_process.HEADER.unpack(header)
        if status != 200:
            raise RefusedImageError(status, (await process.stdout.readexactly(height)).decode())
        image = np.empty((height, width, channels), np.uint8)
        rest = memoryview(cast(Any, image)).cast('B')
        while rest:
            piece = await process.stdout.read(min(PIECE, len(rest)))
            if not piece:
                raise EOFError
            rest[: len(piece)] = piece
            rest = rest[len(piece) :]
        return image
