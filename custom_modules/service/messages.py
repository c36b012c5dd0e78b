"""What the service is asked and what it says."""

import base64
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field

from ..prediction import Prediction
from .pictures import SHOWN, Kind, picture, shown_picture


class MaskQuery(BaseModel, extra='forbid'):
    """What may be asked for a photograph; a misspelt name is an error."""

    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="a pixel is foreground if its probability is greater; the model's if left out",
    )
    model: str | None = Field(None, description='its name, see /healthz; the first if left out')


class PictureQuery(MaskQuery):
    """The same, and what is made of it."""

    kind: Kind = Field(
        description='mask: 0 and 255; overlay: mask over photograph; cutout: the foreground alone; '
        'probability: 16 bits'
    )


class SegmentQuery(MaskQuery):
    """The same, and the form of the masks."""

    mask: Literal['rle', 'png', 'none'] = Field(
        'rle', description="form of the masks: COCO's run lengths, a PNG in base64, or none"
    )
    picture: Kind | None = Field(
        None, description=f'to look at: {SHOWN} pixels a side at most; of one image in a request'
    )


class RunLengths(BaseModel):
    """A mask as COCO's uncompressed run lengths: column by column, background first."""

    size: tuple[int, int] = Field(description='height and width')
    counts: list[int]


class Segment(BaseModel):
    """One image."""

    name: str
    width: int
    height: int
    area: int = Field(description='pixels of the foreground')
    share: float = Field(description='area as a share of the image')
    box: tuple[int, int, int, int] | None = Field(description='left, top, width, height in pixels')
    confidence: float | None = Field(description="mean probability of the foreground's pixels")
    rle: RunLengths | None = None
    png: str | None = Field(None, description='base64; 0 background, 255 foreground')
    picture: str | None = Field(None, description='PNG in base64, as asked for')


class Segments(BaseModel):
    """The images of a request, in their order."""

    model: str
    threshold: float
    results: list[Segment]


class Health(BaseModel):
    """What is there."""

    status: Literal['ok']
    models: dict[str, str] = Field(description='name and what computes it')


class Model(BaseModel):
    """A model of the service."""

    name: str
    description: str = Field(description='what computes it')
    threshold: float = Field(description='of the probability, where a request has none')
    card: str | None = Field(description='what its publisher says of it: Markdown, untrusted')


class About(BaseModel):
    """What is there, and what is taken."""

    models: list[Model]
    request_bytes: int = Field(description='of a request at most')
    examples: list[str] = Field(description='names of photographs to try, in their order')


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str


def segment(name: str, prediction: Prediction, query: SegmentQuery) -> Segment:
    """Return the answer for one image of that name."""
    height, width = prediction.mask.shape
    return Segment(
        name=name,
        width=width,
        height=height,
        area=prediction.area,
        share=prediction.share,
        box=prediction.box,
        confidence=prediction.confidence,
        rle=run_lengths(prediction.mask) if query.mask == 'rle' else None,
        png=_base64(picture(prediction, 'mask')) if query.mask == 'png' else None,
        picture=_base64(shown_picture(prediction, query.picture)) if query.picture else None,
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def run_lengths(mask: np.ndarray) -> RunLengths:
    """Return the run lengths of a mask (H, W) of 0 and 1."""
    values = mask.ravel('F')
    starts = np.flatnonzero(np.diff(values)) + 1
    counts = np.diff(starts, prepend=0, append=values.size).tolist()
    if values[:1].any():
        counts = [0, *counts]  # background comes first
    return RunLengths(size=mask.shape, counts=counts)
