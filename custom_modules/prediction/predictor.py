"""From images to predictions, as a test would see them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import mmcv.transforms
import numpy as np
import torch
from mmengine.dataset import Compose

from ..base.errors import UserError
from ..datasets.channels import swap_red_and_blue, viewable
from ..datasets.image_io import COLOURS
from ..datasets.image_reading import ImageReading
from ..datasets.transforms.sliding_window import SlidingWindow
from ..models.foreground_logits import check_logits
from ..models.picture_size import at_original_size
from ..models.windows import Window, Windows, check_windows, merge
from .images import ImageLike, pixels_of
from .network import Network
from .prediction import Prediction

#: Side of the windows where the pipeline does not bring images to a size of its own.
DEFAULT_WINDOW = 512

#: Share of a window that its neighbour sees too, where nobody says another.
DEFAULT_OVERLAP = 0.25

#: A batch ends here, so that large photographs are not held side by side.
PIXELS_PER_BATCH = 24_000_000


class Predictor:
    """A model ready to predict: ``prediction = predictor('cat.jpg')``.

    An image goes through the steps of the config's test pipeline that follow loading, through the
    network, and its logits are upsampled to its own size: in float32 the mask is that of
    ``tools/test.py`` at the original resolution; in bf16 on a CPU, where BatchNorm is folded, a
    pixel in two thousand was another.

    With a SlidingWindow in the pipeline, as models trained on patches have it, an image is seen in
    its windows, as in the test; ``window`` and ``overlap`` take the place of the pipeline's. With
    any other pipeline each square of ``window`` pixels is treated as an image of its own, and where
    windows overlap their logits are averaged. Small animals in large photographs are found that
    way. A pipeline that does not resize gets windows of 512 pixels, so that memory stays bounded.

    Args:
        network: network of this project or an exported one.
        pipeline: configs of the steps of the test data's pipeline.
        threshold: probability above which a pixel is foreground, 0 to 1.
        batch_size: number of images, or of windows of one image, that the network sees at a time.
        window: side of the windows in pixels of the image; None for the pipeline's, or whole images
            where it has none.
        overlap: share of a window that its neighbour sees too, 0 to below 1; None for the
            pipeline's, or 0.25.
        reading: rule by which the values of an image become what the network sees.

    Attributes:
        notes: lines about how the model is used that a user should know: settings other than those
            of its training.

    Raises:
        UserError: ``threshold``, ``batch_size``, ``window`` or ``overlap`` is out of its range.
    """

    def __init__(
        self,
        network: Network,
        pipeline: Sequence[dict],
        threshold: float = 0.5,
        batch_size: int = 8,
        window: int | None = None,
        overlap: float | None = None,
        reading: ImageReading = COLOURS,
    ) -> None:
        check_windows(window, overlap)
        if not 0 <= threshold <= 1:
            raise UserError(f'threshold={threshold} is not allowed; use a number from 0 to 1')
        if batch_size < 1:
            raise UserError(f'batch_size={batch_size} is not allowed; use 1 or more')
        self.network = network
        self.steps = Compose([step for step in pipeline if not _loads(step)])
        self.threshold = threshold
        self.batch_size = batch_size
        self.notes: list[str] = []
        resizes = any(isinstance(step, mmcv.transforms.Resize) for step in self.steps.transforms)
        self.window = window if window or resizes else DEFAULT_WINDOW
        self.overlap = DEFAULT_OVERLAP if overlap is None else overlap
        for step in self.steps.transforms:
            if isinstance(step, SlidingWindow):
                step.size = window or step.size
                step.overlap = step.overlap if overlap is None else overlap
                step.batch_size = batch_size
                self.window = None
        self.reading = reading

    @property
    def seen(self) -> str:
        """How images are seen, in words: whole, or in windows of some size."""
        slides = [step.size for step in self.steps.transforms if isinstance(step, SlidingWindow)]
        side = next(iter(slides), self.window)
        return f'windows of {side}x{side}' if side else 'whole images'

    def __call__(self, image: ImageLike) -> Prediction:
        """Predict one image.

        Raises:
            UnreadableImageError: the file cannot be decoded.
            UserError: the image is not as ``reading`` has it, or no kind of image at all.
        """
        return next(self.predict([image]))

    def predict(self, images: Iterable[ImageLike]) -> Iterator[Prediction]:
        """Yield a prediction per image, in order; one batch is held at a time.

        Raises:
            UnreadableImageError: a file cannot be decoded.
            UserError: an image is not as ``reading`` has it, or no kind of image at all.
        """
        for batch in self._batches(pixels_of(image, self.reading) for image in images):
            for image, probability in zip(batch, self._probabilities(batch), strict=True):
                yield Prediction(viewable(swap_red_and_blue(image)), probability, self.threshold)

    def _batches(self, images: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
        batch: list[np.ndarray] = []
        pixels = 0
        for image in images:
            batch.append(image)
            pixels += image.shape[0] * image.shape[1]
            if len(batch) == self.batch_size or pixels >= PIXELS_PER_BATCH:
                yield batch
                batch, pixels = [], 0
        if batch:
            yield batch

    def _probabilities(self, images: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        if self.window is None:
            yield from map(_probability, self._see(images))
            return
        seen = Windows(self.window, self.overlap)
        for image in images:
            shape = image.shape[:2]
            yield _probability(merge(self._see_windows(image, seen.over(shape)), shape))

    def _see_windows(
        self, image: np.ndarray, places: Sequence[Window]
    ) -> Iterator[tuple[Window, torch.Tensor]]:
        for start in range(0, len(places), self.batch_size):
            chosen = places[start : start + self.batch_size]
            crops = [np.ascontiguousarray(image[place]) for place in chosen]
            yield from zip(chosen, self._see(crops), strict=True)

    def _see(self, images: Sequence[np.ndarray]) -> Iterator[torch.Tensor]:
        """Yield the logits (1, H, W) of images (H, W, C), each at its own size."""
        packed = [self._input(image) for image in images]
        for _, group in groupby(packed, key=lambda one: one['inputs'].shape):
            alike = list(group)
            for one, logits in zip(alike, self._logits(alike), strict=True):
                check_logits(logits, 'an image')
                yield at_original_size(logits, one['data_samples'])

    def _logits(self, packed: Sequence[dict[str, Any]]) -> Iterator[torch.Tensor]:
        """Yield the logits (1, h, w) of equally large inputs, each at the size of the input."""
        inputs = [one['inputs'] for one in packed]
        windows = packed[0]['data_samples'].get('sliding_window')
        if windows is None:
            yield from self.network(inputs)
            return
        for picture in inputs:
            yield Windows(**windows).logits(self.network, picture)

    def _input(self, image: np.ndarray) -> dict[str, Any]:
        size = image.shape[:2]
        return self.steps(dict(img=image, img_shape=size, ori_shape=size, size_changes=[]))


def _probability(logits: torch.Tensor) -> np.ndarray:
    """Return the probabilities (H, W) of logits (1, H, W)."""
    return logits.sigmoid()[0].cpu().numpy()


def _loads(step: dict) -> bool:
    """Say whether a step of a pipeline reads a file; all that do have a name like LoadMask."""
    return str(step['type']).rpartition('.')[2].startswith('Load')
