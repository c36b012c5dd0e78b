"""The HTTP service: ``/v1/segment``, ``/v1/mask``, ``/healthz``, ``/metrics`` and ``/docs``."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Any

from fastapi import FastAPI, File, HTTPException, Query, Request, Response, UploadFile
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from ..prediction import Prediction
from .batcher import Batcher, OverloadedError
from .decoding import RefusedImageError, decode
from .messages import Health, MaskQuery, Problem, SegmentQuery, Segments, png, segment
from .middleware import BodyLimit, ConcurrencyLimit, Measured, SecurityHeaders, too_much
from .settings import Limits

Images = Annotated[
    list[UploadFile], File(min_length=1, description='photographs: JPEG, PNG, WebP, TIFF, ...')
]
One = Annotated[UploadFile, File(description='a photograph')]

_PROBLEMS: dict[int | str, dict] = {
    400: dict(model=Problem, description='the body is no form'),
    404: dict(model=Problem, description='no model of that name'),
    413: dict(model=Problem, description='too many bytes, pixels or images'),
    415: dict(model=Problem, description='not a readable image'),
    503: dict(model=Problem, description='too much to do; see Retry-After'),
}


def build_app(batchers: Mapping[str, Batcher], limits: Limits | None = None) -> FastAPI:
    """Return the service around one or more models.

    Args:
        batchers: a model each, by name; they are closed when the service ends.
        limits: what is allowed.
    """
    limits = limits or Limits()
    registry = CollectorRegistry()
    batches = Histogram(
        'petseg_batch_images', 'Images in a batch', registry=registry, buckets=(1, 2, 4, 8, 16, 32)
    )
    waiting = Gauge('petseg_waiting_images', 'Images in the queues', registry=registry)
    waiting.set_function(lambda: sum(batcher.waiting() for batcher in batchers.values()))
    for batcher in batchers.values():
        batcher.observe = batches.observe
    decoding = asyncio.Semaphore(2)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        for batcher in batchers.values():
            await asyncio.to_thread(batcher.close)

    app = FastAPIOffline(  # its pages load nothing from elsewhere
        title='PetSeg',
        version='1',
        description='Masks of photographs.',
        redoc_url=None,
        lifespan=lifespan,
        swagger_ui_parameters=dict(defaultModelsExpandDepth=-1),
    )
    paths = ('/v1/segment', '/v1/mask')
    app.add_middleware(BodyLimit, limit=limits.request_bytes)
    app.add_middleware(
        ConcurrencyLimit, limit=limits.requests, body_limit=limits.request_bytes, paths=paths
    )
    app.add_middleware(Measured, registry=registry, paths=paths)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(CORSMiddleware)  # without an origin, so that other sites may ask nothing

    @app.exception_handler(OverloadedError)
    async def overloaded(_: Request, error: OverloadedError) -> JSONResponse:
        return too_much(str(error))

    @app.exception_handler(RefusedImageError)
    async def refused(_: Request, error: RefusedImageError) -> JSONResponse:
        return JSONResponse({'detail': error.detail}, error.status)

    def chosen(name: str | None) -> tuple[str, Batcher]:
        """Return the name of a model and the model, which is the first if none is named."""
        name = next(iter(batchers)) if name is None else name
        if name not in batchers:
            raise HTTPException(404, f'no such model; there are: {", ".join(batchers)}')
        return name, batchers[name]

    async def predict(
        batcher: Batcher, files: Sequence[UploadFile], threshold: float | None
    ) -> list[Prediction]:
        if len(files) > limits.images:
            raise HTTPException(413, f'{len(files)} images; at most {limits.images} in a request')
        async with decoding:  # so that few images are in memory that are not queued
            if not batcher.has_room(len(files)):
                raise OverloadedError('the queue is full')  # before work is done for nothing
            images = [await asyncio.to_thread(decode, await file.read(), limits) for file in files]
            futures = batcher.submit(images)
            del images
        found = await asyncio.gather(*map(asyncio.wrap_future, futures))
        if threshold is None:
            return found
        return [replace(prediction, threshold=threshold) for prediction in found]

    @app.post('/v1/segment', responses=_PROBLEMS, tags=['masks'], openapi_extra=_images_in('files'))
    async def segment_images(files: Images, query: Annotated[SegmentQuery, Query()]) -> Segments:
        """Return the masks of one or more photographs, at their own sizes."""
        name, batcher = chosen(query.model)
        found = await predict(batcher, files, query.threshold)
        pairs = zip(files, found, strict=True)
        results = await asyncio.to_thread(
            lambda: [segment(file.filename or '', one, query.mask) for file, one in pairs]
        )
        return Segments(model=name, threshold=found[0].threshold, results=results)

    @app.post(
        '/v1/mask',
        tags=['masks'],
        openapi_extra=_images_in('file'),
        response_class=Response,
        responses=_PROBLEMS | {200: dict(content={'image/png': {}}, description='0 and 255')},
    )
    async def mask_of_image(file: One, query: Annotated[MaskQuery, Query()]) -> Response:
        """Return the mask of a photograph as a PNG, at its own size."""
        (found,) = await predict(chosen(query.model)[1], [file], query.threshold)
        return Response(await asyncio.to_thread(png, found.mask), media_type='image/png')

    @app.get('/healthz', tags=['operation'])
    async def healthy() -> Health:
        """Say that the service is there, its models, and what computes them."""
        models = {name: one.predictor.network.description for name, one in batchers.items()}
        return Health(status='ok', models=models)

    @app.get('/metrics', response_class=Response, tags=['operation'])
    async def metrics() -> Response:
        """Return counts and times in the format of Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


def _images_in(part: str) -> dict[str, Any]:
    """Return what OpenAPI says of a part of a form that holds images."""
    encoding = {part: {'contentType': 'image/png, image/jpeg, image/webp, image/tiff'}}
    return {'requestBody': {'content': {'multipart/form-data': {'encoding': encoding}}}}
