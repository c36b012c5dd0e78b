"""The HTTP service: ``/v1/...`` for programs, a page for people, ``/healthz`` and ``/metrics``."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, File, HTTPException, Path, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from pydantic import WithJsonSchema

from .batcher import Batcher, OverloadedError
from .decoders import Decoders
from .decoding import RefusedImageError
from .messages import (
    About,
    Health,
    MaskQuery,
    Model,
    PictureQuery,
    Problem,
    SegmentQuery,
    Segments,
    segment,
)
from .middleware import DOCS, ConcurrencyLimit, Measured, SecurityHeaders, too_much
from .page import EXAMPLES, add_page, example
from .pictures import WEIGHT, Kind, picture
from .pipeline import Pipeline
from .settings import Limits
from .sites import LOOPBACK, SiteCheck
from .uploads import Uploads

#: What the page about the interface says first, and of each group of addresses.
_DESCRIPTION = """
Send a photograph, get the mask of what is in its foreground. A page to try it on is [here](./).

```bash
curl -F file=@cat.jpg http://localhost:8000/v1/mask --output mask.png
curl -F files=@cat.jpg -F files=@dog.jpg http://localhost:8000/v1/segment
```
"""
_TAGS = [
    dict(name='masks', description='What is in the foreground of photographs.'),
    dict(name='page', description='What the page to try models on asks for.'),
    dict(name='operation', description='For those who run the service.'),
]

#: In a list Swagger UI offers to choose files only where the format is that of OpenAPI 3.0.
_File = Annotated[UploadFile, WithJsonSchema(dict(type='string', format='binary'))]
Images = Annotated[
    list[_File], File(min_length=1, description='photographs: JPEG, PNG, WebP, TIFF, ...')
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

_PNG: dict[str, Any] = dict(content={'image/png': {}})

_EXAMPLE: dict[int | str, dict] = {200: dict(_PNG, description='a photograph')}


def _images_in(part: str) -> dict[str, Any]:
    """Return what OpenAPI says of a part of a form that holds images."""
    encoding = {part: {'contentType': 'image/png, image/jpeg, image/webp, image/tiff'}}
    return {'requestBody': {'content': {'multipart/form-data': {'encoding': encoding}}}}


#: Of what answers with a picture.
_PICTURE: dict[str, Any] = dict(
    tags=['masks'],
    openapi_extra=_images_in('file'),
    response_class=Response,
    responses=_PROBLEMS | {200: dict(_PNG, description='a picture')},
)


def build_app(
    batchers: Mapping[str, Batcher],
    limits: Limits | None = None,
    hosts: Collection[str] = LOOPBACK,
    cards: Mapping[str, str] | None = None,
) -> FastAPI:
    """Return the service around one or more models.

    Args:
        batchers: name of a model -> its batcher, which is closed when the service ends.
        limits: bounds of the service; those of connections are kept by ``server_config``.
        hosts: names under which the service is asked, see ``SiteCheck``.
        cards: name of a model -> its card, Markdown.
    """
    limits = limits or Limits()
    cards = cards or {}
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
        title='PetSeg: masks of photographs',
        version='1',
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        generate_unique_id_function=lambda route: route.name,  # names in programs made from this
        docs_url=DOCS,
        redoc_url=None,
        lifespan=lifespan,
        swagger_ui_parameters=dict(defaultModelsExpandDepth=-1),
    )
    add_page(app)
    paths = ('/v1/segment', '/v1/mask', '/v1/picture')
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

    @app.post(
        '/v1/segment',
        summary='Masks and measures of one or more photographs, as JSON',
        responses=_PROBLEMS,
        tags=['masks'],
        openapi_extra=_images_in('files'),
    )
    async def segment_images(files: Images, query: Annotated[SegmentQuery, Query()]) -> Segments:
        """Return for each photograph its mask, at its own size, area, box and confidence."""
        name, batcher = chosen(query.model)
        most = 1 if query.picture else limits.images  # pictures are large
        if len(files) > most:
            raise HTTPException(413, f'{len(files)} images; at most {most} in a request')
        threshold = batcher.predictor.threshold if query.threshold is None else query.threshold
        answer = partial(segment, query=query)
        weight = WEIGHT if query.picture else 1
        results = await pipeline.answers(batcher, files, threshold, answer, weight)
        return Segments(model=name, threshold=threshold, results=results)

    async def picture_of(file: UploadFile, query: MaskQuery, kind: Kind) -> Response:
        _, batcher = chosen(query.model)
        threshold = batcher.predictor.threshold if query.threshold is None else query.threshold
        weight = 1 if kind == 'mask' else WEIGHT
        (made,) = await pipeline.answers(
            batcher, [file], threshold, lambda _, one: picture(one, kind), weight
        )
        return Response(made, media_type='image/png')

    @app.post('/v1/mask', summary='The mask of a photograph, as a PNG', **_PICTURE)
    async def mask_of_image(file: One, query: Annotated[MaskQuery, Query()]) -> Response:
        """Return the mask of a photograph as a PNG of 0 and 255, at its own size."""
        return await picture_of(file, query, 'mask')

    @app.post('/v1/picture', summary='What a photograph looks like with its mask', **_PICTURE)
    async def picture_of_image(file: One, query: Annotated[PictureQuery, Query()]) -> Response:
        """Return mask, overlay, cut-out or probability (16 bits) as a PNG, at its own size."""
        return await picture_of(file, query, query.kind)

    @app.get('/v1/about', summary='Models, examples and bounds', tags=['page'])
    async def about() -> About:
        """Return what there is to choose from: models with their cards, examples, bounds."""
        models = [
            Model(
                name=name,
                description=one.predictor.network.description,
                threshold=one.predictor.threshold,
                card=cards.get(name),
            )
            for name, one in batchers.items()
        ]
        readings = [one.predictor.reading for one in batchers.values()]
        examples = list(EXAMPLES) if all(one.takes_colours for one in readings) else []
        return About(models=models, request_bytes=limits.request_bytes, examples=examples)

    @app.get(
        '/v1/examples/{number}',
        summary='A photograph to try',
        tags=['page'],
        response_class=Response,
        responses=_EXAMPLE,
    )
    def example_photograph(
        number: Annotated[
            int, Path(ge=0, lt=len(EXAMPLES), description='its place in /v1/about, from 0')
        ],
    ) -> Response:
        """Return a photograph to try, drawn by PetSeg."""
        return Response(example(number), media_type='image/png')

    @app.get('/healthz', summary='Whether the service is there', tags=['operation'])
    async def healthy() -> Health:
        """Say that the service is there, its models, and what computes them."""
        models = {name: one.predictor.network.description for name, one in batchers.items()}
        return Health(status='ok', models=models)

    @app.get(
        '/metrics',
        summary='Counts and times, for Prometheus',
        response_class=Response,
        tags=['operation'],
    )
    async def metrics() -> Response:
        """Return counts and times in the format of Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app
