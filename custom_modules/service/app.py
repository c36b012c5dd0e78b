"""The HTTP service: ``/v1/segment``, ``/v1/mask``, ``/healthz``, ``/metrics`` and ``/docs``."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, File, HTTPException, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from .batcher import Batcher, OverloadedError
from .decoders import Decoders
from .decoding import RefusedImageError
from .messages import Health, MaskQuery, Problem, SegmentQuery, Segments, png, segment
from .middleware import ConcurrencyLimit, Measured, SecurityHeaders, too_much
from .pipeline import Pipeline
from .settings import Limits
from .sites import LOOPBACK, SiteCheck
from .uploads import Uploads

Images = Annotated[
    list[UploadFile], File(min_length=1, description='photographs: JPEG, PNG, WebP, TIFF, ...')
]
One = Annotated[UploadFile, File(description='a photograph')]

_PROBLEMS: dict[int | str, dict] = {
    400: dict(model=Problem, description='the body is no form'),
    403: dict(model=Problem, description='sent by a page of another site'),
    404: dict(model=Problem, description='no model of that name'),
    408: dict(model=Problem, description='the body did not arrive in time'),
    413: dict(model=Problem, description='too many bytes, pixels or images; too long to decode'),
    415: dict(model=Problem, description='not a readable image'),
    421: dict(model=Problem, description='the host is no name of this service'),
    503: dict(model=Problem, description='too much to do; see Retry-After'),
}


def build_app(
    batchers: Mapping[str, Batcher],
    limits: Limits | None = None,
    hosts: Collection[str] = LOOPBACK,
) -> FastAPI:
    """Return the service around one or more models.

    Args:
        batchers: a model each, by name; they are closed when the service ends.
        limits: what is allowed; those of connections are kept by ``server_config``.
        hosts: names under which it is asked, see ``SiteCheck``.
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
    ends = Counter('petseg_decoder_ends', 'Decoders that were killed or died', registry=registry)
    decoders = Decoders(limits)
    decoders.observe_end = ends.inc
    pipeline = Pipeline(decoders, limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        for batcher in batchers.values():
            await asyncio.to_thread(batcher.close)
        await decoders.close()

    app = FastAPIOffline(  # its pages load nothing from elsewhere
        title='PetSeg',
        version='1',
        description='Masks of photographs.',
        redoc_url=None,
        lifespan=lifespan,
        swagger_ui_parameters=dict(defaultModelsExpandDepth=-1),
    )
    paths = ('/v1/segment', '/v1/mask')
    # A request meets the last of them first.
    app.add_middleware(ConcurrencyLimit, limit=limits.requests, paths=paths)
    app.add_middleware(SiteCheck, hosts=hosts)
    app.add_middleware(Uploads, limits=limits)
    app.add_middleware(Measured, registry=registry, paths=paths)
    app.add_middleware(SecurityHeaders)

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

    @app.post('/v1/segment', responses=_PROBLEMS, tags=['masks'], openapi_extra=_images_in('files'))
    async def segment_images(files: Images, query: Annotated[SegmentQuery, Query()]) -> Segments:
        """Return the masks of one or more photographs, at their own sizes."""
        name, batcher = chosen(query.model)
        if len(files) > limits.images:
            raise HTTPException(413, f'{len(files)} images; at most {limits.images} in a request')
        threshold = batcher.predictor.threshold if query.threshold is None else query.threshold
        answer = partial(segment, mask=query.mask)
        results = await pipeline.answers(batcher, files, threshold, answer)
        return Segments(model=name, threshold=threshold, results=results)

    @app.post(
        '/v1/mask',
        tags=['masks'],
        openapi_extra=_images_in('file'),
        response_class=Response,
        responses=_PROBLEMS | {200: dict(content={'image/png': {}}, description='0 and 255')},
    )
    async def mask_of_image(file: One, query: Annotated[MaskQuery, Query()]) -> Response:
        """Return the mask of a photograph as a PNG, at its own size."""
        _, batcher = chosen(query.model)
        threshold = batcher.predictor.threshold if query.threshold is None else query.threshold
        (data,) = await pipeline.answers(batcher, [file], threshold, lambda _, one: png(one.mask))
        return Response(data, media_type='image/png')

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
