"""The HTTP service: ``POST /v1/segment``, ``POST /v1/mask``, ``/healthz``, ``/metrics``."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Literal

import cv2
import numpy as np
from fastapi import FastAPI, File, HTTPException, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from PIL import Image
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from ..datasets.image_io import decode_image
from ..prediction import Prediction, Predictor
from .answers import Problem, Segments, png, segment
from .batcher import Batcher, OverloadedError
from .body_limit import BodyLimit
from .settings import Limits

Images = Annotated[list[UploadFile], File(description='photographs: JPEG, PNG, WebP, TIFF, ...')]
One = Annotated[UploadFile, File(description='a photograph')]
Threshold = Annotated[
    float | None, Query(ge=0, le=1, description="of the probability; the model's if left out")
]

#: What a client is told to wait before it tries again, in seconds.
RETRY_AFTER = 1

_PROBLEMS: dict[int | str, dict] = {
    400: dict(model=Problem, description='the body is no form'),
    413: dict(model=Problem, description='too many bytes, pixels or images'),
    415: dict(model=Problem, description='not a readable image'),
    503: dict(model=Problem, description='too much to do; see Retry-After'),
}


def build_app(predictor: Predictor, limits: Limits | None = None) -> FastAPI:
    """Return the service around a model.

    Args:
        predictor: of ``custom_modules.api.load``; used by one thread.
        limits: what is allowed.
    """
    limits = limits or Limits()
    registry = CollectorRegistry()
    requests = Counter('petseg_requests', 'Requests', ['path', 'status'], registry=registry)
    latency = Histogram('petseg_request_seconds', 'Time to answer', ['path'], registry=registry)
    batches = Histogram(
        'petseg_batch_images', 'Images in a batch', registry=registry, buckets=(1, 2, 4, 8, 16, 32)
    )
    batcher = Batcher(predictor, limits, batches.observe)
    waiting = Gauge('petseg_waiting_images', 'Images in the queue', registry=registry)
    waiting.set_function(batcher.waiting)
    decoding = asyncio.Semaphore(2)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(batcher.close)

    # FastAPI's own pages would fetch their scripts from other machines.
    app = FastAPI(
        title='PetSeg',
        description='Masks of photographs.',
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(BodyLimit, limit=limits.request_bytes)
    paths = ('/v1/segment', '/v1/mask')

    @app.middleware('http')
    async def measure(
        request: Request, answer: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        started = time.perf_counter()
        response = await answer(request)
        path = request.url.path
        if path in paths:  # others would make a label of whatever somebody asks for
            requests.labels(path, response.status_code).inc()
            latency.labels(path).observe(time.perf_counter() - started)
        return response

    @app.exception_handler(OverloadedError)
    async def overloaded(_: Request, error: OverloadedError) -> JSONResponse:
        headers = {'Retry-After': str(RETRY_AFTER)}
        return JSONResponse({'detail': f'{error}; try again'}, 503, headers)

    async def predict(files: Sequence[UploadFile], threshold: float | None) -> list[Prediction]:
        if len(files) > limits.images:
            raise HTTPException(413, f'{len(files)} images; at most {limits.images} in a request')
        async with decoding:  # so that few images are in memory that are not queued
            if not batcher.has_room(len(files)):
                raise OverloadedError('the queue is full')  # before work is done for nothing
            images = [await asyncio.to_thread(_decode, await file.read(), limits) for file in files]
            futures = batcher.submit(images)
            del images
        found = await asyncio.gather(*map(asyncio.wrap_future, futures))
        if threshold is None:
            return found
        return [replace(prediction, threshold=threshold) for prediction in found]

    @app.post('/v1/segment', responses=_PROBLEMS)
    async def segment_images(
        files: Images, mask: Literal['rle', 'png'] = 'rle', threshold: Threshold = None
    ) -> Segments:
        """Return the masks of one or more photographs, at their own sizes."""
        found = await predict(files, threshold)
        pairs = zip(files, found, strict=True)
        results = await asyncio.to_thread(
            lambda: [segment(file.filename or '', one, mask) for file, one in pairs]
        )
        used = predictor.threshold if threshold is None else threshold
        return Segments(threshold=used, results=results)

    @app.post(
        '/v1/mask',
        response_class=Response,
        responses=_PROBLEMS | {200: dict(content={'image/png': {}}, description='0 and 255')},
    )
    async def mask_of_image(file: One, threshold: Threshold = None) -> Response:
        """Return the mask of a photograph as a PNG, at its own size."""
        (found,) = await predict([file], threshold)
        return Response(await asyncio.to_thread(png, found.mask), media_type='image/png')

    @app.get('/healthz')
    async def healthy() -> dict[str, str]:
        """Say that the service is there, and what computes."""
        return {'status': 'ok', 'network': predictor.network.description}

    @app.get('/metrics', response_class=Response)
    async def metrics() -> Response:
        """Return counts and times in the format of Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


def _decode(data: bytes, limits: Limits) -> np.ndarray:
    """Return an image (H, W, 3) uint8 RGB; its size is looked at before it is decoded."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
        if width * height > limits.pixels:
            raise HTTPException(413, f'{width}x{height} pixels; at most {limits.pixels:,}')
        return np.ascontiguousarray(decode_image(data)[..., ::-1])
    except (OSError, ValueError, SyntaxError, cv2.error, Image.DecompressionBombError):
        raise HTTPException(415, 'not a readable image') from None
