"""Models that are no networks, and pictures that mean no good, for tests of the service."""

import io
import threading
from collections.abc import Iterable, Iterator
from types import SimpleNamespace

import numpy as np
from PIL import Image

from custom_modules.datasets.image_io import COLOURS
from custom_modules.prediction import Prediction
from custom_modules.prediction.images import ReadImage


class Brightness:
    """A model that takes the brightness for the probability."""

    threshold = 0.5
    network = SimpleNamespace(description='brightness')
    reading = COLOURS

    def predict(self, images: Iterable[ReadImage]) -> Iterator[Prediction]:
        for image in (one.pixels for one in images):
            yield Prediction(image, image.mean(2, dtype=np.float32) / 255, self.threshold)


class Gate:
    """A predictor that waits until it is let through, and notes its batches."""

    threshold = 0.5
    network = SimpleNamespace(description='a gate')
    reading = COLOURS

    def __init__(self) -> None:
        self.open = threading.Event()
        self.began = threading.Event()
        self.batches: list[int] = []

    def predict(self, given: Iterable[ReadImage]) -> Iterator[Prediction]:
        images = [image.pixels for image in given]
        self.batches.append(len(images))
        self.began.set()
        assert self.open.wait(10)
        if any(image[0, 0, 0] == 255 for image in images):
            raise RuntimeError('a fault')
        for image in images:
            yield Prediction(image, image[..., 0] / np.float32(255), 0.5)


def photograph(width: int = 60, height: int = 40) -> bytes:
    """Return a grey JPEG, brighter to the right."""
    pixels = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    file = io.BytesIO()
    Image.fromarray(pixels).convert('RGB').save(file, 'JPEG')
    return file.getvalue()


def scan_bomb(side: int, scans: int) -> bytes:
    """Return a progressive JPEG of so many pixels squared whose last scan comes again and again."""
    file = io.BytesIO()
    Image.new('RGB', (side, side), 'grey').save(file, 'JPEG', progressive=True)
    data = file.getvalue()
    last, end = data.rindex(b'\xff\xda'), data.rindex(b'\xff\xd9')
    return data[:end] + data[last:end] * scans + data[end:]
