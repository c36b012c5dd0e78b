"""What the service is asked and what it says."""

import base64
from typing import Literal

import cv2
import numpy as np
from pydantic import BaseModel, Field

from ..prediction import Prediction


class MaskQuery(BaseModel, extra='forbid'):
    """What may be asked for a photograph; a misspelt name is an error."""

    threshold: float | None = Field(
        None, ge=0, le=1, description="of the probability; the model's if left out"
    )
    model: str | None = Field(None, description='a name of /healthz; the first if left out')


class SegmentQuery(MaskQuery):
    """The same, and the form of the masks."""

    mask: Literal['rle', 'png'] = 'rle'


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


class Segments(BaseModel):
    """The images of a request, in their order."""

    model: str
    threshold: float
    results: list[Segment]


class Health(BaseModel):
    """What is there."""

    status: Literal['ok']
    models: dict[str, str] = Field(description='name and what computes it')


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str


def segment(name: str, prediction: Prediction, mask: Literal['rle', 'png']) -> Segment:
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
        rle=run_lengths(prediction.mask) if mask == 'rle' else None,
        png=base64.b64encode(png(prediction.mask)).decode() if mask == 'png' else None,
    )


def png(mask: np.ndarray) -> bytes:
    """Return a mask (H, W) of 0 and 1 as a PNG of 0 and 255."""
    return cv2.imencode('.png', mask * np.uint8(255))[1].tobytes()


def run_lengths(mask: np.ndarray) -> RunLengths:
    """Return the run lengths of a mask (H, W) of 0 and 1."""
    values = mask.ravel('F')
    starts = np.flatnonzero(np.diff(values)) + 1
    counts = np.diff(starts, prepend=0, append=values.size).tolist()
    if values[:1].any():
        counts = [0, *counts]  # background comes first
    return RunLengths(size=mask.shape, counts=counts)
