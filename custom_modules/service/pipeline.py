"""From the bytes of photographs to the answer, an image at a time, so that few are in memory."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TypeVar

from fastapi import UploadFile

from ..prediction import Prediction
from .batcher import Batcher, OverloadedError
from .decoders import Decoders
from .settings import Limits

Answer = TypeVar('Answer')


class Pipeline:
    """What all requests share: processes that decode, and room for what was decoded.

    Args:
        decoders: decoding processes, used by this pipeline alone.
        limits: bounds of room and time.
    """

    def __init__(self, decoders: Decoders, limits: Limits) -> None:
        self.decoders = decoders
        self.limits = limits
        self.room = PixelRoom(limits.queue_pixels)

    async def answers(
        self,
        batcher: Batcher,
        files: Sequence[UploadFile],
        threshold: float,
        answer: Callable[[str, Prediction], Answer],
        weight: int = 1,
    ) -> list[Answer]:
        """Return what is to be said about each file.

        Args:
            batcher: batcher of the model that predicts.
            files: uploaded files with images.
            threshold: probability above which a pixel is foreground, 0 to 1.
            answer: function that makes an answer of a file's name and its prediction, in another
                thread.
            weight: memory that a pixel takes, as a multiple of what it takes to predict it.

        Raises:
            RefusedImageError: a file is not taken.
            OverloadedError: there is too much to do.
        """
        if not batcher.has_room(len(files)):
            raise OverloadedError('the queue is full')  # before work is done for nothing
        deadline = time.monotonic() + self.limits.seconds
        turn = asyncio.Lock()  # many images of one request do not keep others from a process

        async def one(file: UploadFile) -> Answer:
            async with AsyncExitStack() as room:
                # The process is kept until there is room for its image: else images would pile up.
                async with turn, self.decoders.free(deadline) as decode:
                    image = await decode(await file.read(), batcher.predictor.reading)
                    height, width, channels = image.shape
                    pixels = height * width * max(1, channels // 3)
                    await room.enter_async_context(self.room.taken(weight * pixels, deadline))
                future = batcher.submit(image, deadline)
                del image
                found = replace(await asyncio.wrap_future(future), threshold=threshold)
                return await asyncio.to_thread(answer, file.filename or '', found)

        tasks = [asyncio.ensure_future(one(file)) for file in files]
        try:
            return await asyncio.gather(*tasks)
        finally:  # a refusal, or a client that left: what is not begun is not done
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class PixelRoom:
    """Bounds the pixels that are held at a time; an image that is alone always has room.

    Args:
        pixels: largest number of pixels of all images together.
    """

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels
        self.held = 0
        self._released = asyncio.Event()

    @asynccontextmanager
    async def taken(self, pixels: int, deadline: float) -> AsyncIterator[None]:
        """Wait for room and keep it meanwhile.

        Args:
            pixels: number of pixels of the image.
            deadline: time of the monotonic clock, in seconds, by which there has to be room.

        Raises:
            OverloadedError: there was no room in time.
        """
        while self.held and self.held + pixels > self.pixels:
            self._released.clear()
            try:
                await asyncio.wait_for(self._released.wait(), deadline - time.monotonic())
            except asyncio.TimeoutError:
                raise OverloadedError('it waited too long') from None
        self.held += pixels
        try:
            yield
        finally:
            self.held -= pixels
            self._released.set()
