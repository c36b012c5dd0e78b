"""Mean and standard deviation of the training images (R3 normalises with them)."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from mmengine.dataset import BaseDataset

from ..progress import ProgressBar
from .image_io import read_image


def channel_statistics(dataset: BaseDataset, num_threads: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of R, G, B over all images, in units of 0 to 255.

    Every image weighs the same, whatever its size, as it does after the resize to one size. The
    files are read as they are: no transform applies.

    Args:
        dataset: its entries have ``img_path``.
        num_threads: images that are decoded at the same time.

    Raises:
        UserError: an image cannot be read.
    """

    def moments(index: int) -> tuple[np.ndarray, np.ndarray]:
        mean, std = cv2.meanStdDev(read_image(dataset.get_data_info(index)['img_path']))
        return mean[::-1, 0], std[::-1, 0] ** 2 + mean[::-1, 0] ** 2

    total = np.zeros((2, 3))
    with (
        ThreadPoolExecutor(num_threads) as pool,
        ProgressBar('statistics', len(dataset)) as bar,
    ):
        for pair in pool.map(moments, range(len(dataset))):
            total += pair
            bar.advance()
    mean, mean_square = total / len(dataset)
    return mean, np.sqrt(mean_square - mean**2)
