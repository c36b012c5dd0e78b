"""Whole pictures, seen in windows."""

from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SlidingWindow(BaseTransform):
    """Let the network see the picture in overlapping windows: the test of a training on patches.

    The picture itself is not changed: its sample carries a note, ``sliding_window``, by which
    validation, test, prediction and service look at it (``custom_modules/models/windows.py``).
    Memory for features is that of a batch of windows, whatever the size of the picture. The step
    stands after those that resize; the loader's batches are of one picture.

    Args:
        size: side of the windows, in pixels of the image as the steps before leave it.
        overlap: share of a window that its neighbour sees too, 0 to 0.75.
        batch_size: number of windows that the network sees at a time.
    """

    def __init__(self, size: int, overlap: float = 0.25, batch_size: int = 8) -> None:
        self.size = size
        self.overlap = overlap
        self.batch_size = batch_size

    def transform(self, results: dict) -> dict:
        results['sliding_window'] = dict(
            size=self.size, overlap=self.overlap, batch_size=self.batch_size
        )
        return results
