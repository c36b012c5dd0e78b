"""Statistics of a data set: mean and standard deviation of its channels (R3), sizes, foreground."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..base.errors import UserError
from ..base.progress import ProgressBar
from .channels import swap_red_and_blue
from .ground_truth import ground_truth
from .image_io import read_orientation, read_oriented_image
from .image_reading import ImageReading
from .transforms.loading import LoadMask

#: What to do with a data set of one's own.
NO_FILES = "let get_data_info(index) of its class return a dict with 'img_path'"


def channel_statistics(dataset: Any, num_threads: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each channel over all images, in units of 0 to 255.

    The channels are red, green and blue, or what the data set's ``image_reading`` makes of its
    files. Every image weighs the same, whatever its size, as it does after the resize to one size.
    The files are read as they are: no transform applies.

    Args:
        dataset: data set whose entries have ``img_path``.
        num_threads: number of images that are decoded at the same time.

    Raises:
        UserError: an image cannot be read, or the data set does not say where it is.
    """

    def moments(index: int) -> tuple[np.ndarray, np.ndarray]:
        entry = dataset.get_data_info(index)
        if 'img_path' not in entry:
            raise UserError(f'image {index} of the data set has no img_path; {NO_FILES}')
        reading = ImageReading.of(entry.get('image_reading'))
        image, _ = read_oriented_image(entry['img_path'], entry.get('as_published', False), reading)
        found = [cv2.meanStdDev(channel) for channel in cv2.split(swap_red_and_blue(image))]
        mean, std = np.array(found)[..., 0, 0].T
        return mean, std**2 + mean**2

    if not hasattr(dataset, 'get_data_info'):
        raise UserError(f'the data set does not say which files it has; {NO_FILES}')
    total: Any = 0
    with (
        ThreadPoolExecutor(num_threads) as pool,
        ProgressBar('statistics', len(dataset)) as bar,
    ):
        for pair in pool.map(moments, range(len(dataset))):
            total = total + np.stack(pair)
            bar.advance()
    mean, mean_square = total / len(dataset)
    return mean, np.sqrt(mean_square - mean**2)


@dataclass(frozen=True)
class Survey:
    """What is in the files of a split; a row per image, copies not counted.

    Attributes:
        split: name of the split.
        heights: (N,) heights of the images' files, in pixels.
        widths: (N,) widths of the images' files, in pixels.
        foreground: (N,) share of foreground among the pixels that count, 0 to 1; 0 where none
            counts.
        ignored: (N,) share of the pixels that do not count, 0 to 1.
        entries: length of the data set, copies counted.
    """

    split: str
    heights: np.ndarray
    widths: np.ndarray
    foreground: np.ndarray
    ignored: np.ndarray
    entries: int

    def lines(self) -> list[str]:
        """Return the survey as lines that a person reads."""
        images = len(self.heights)
        copies = f' ({self.entries:,} with copies)' if self.entries > images else ''
        low, median, high = np.percentile(self.foreground, (5, 50, 95))
        empty, full = int((self.foreground == 0).sum()), int((self.foreground == 1).sum())
        ignored = f', {self.ignored.mean():.1%} ignored' if self.ignored.any() else ''
        return [
            f'{self.split}: {images:,} images{copies}, '
            f'{_range(self.widths)} wide, {_range(self.heights)} high',
            f'    foreground {self.foreground.mean():.1%} of the pixels{ignored}; '
            f'of an image {median:.1%} (median), {low:.1%} to {high:.1%} in nine of ten; '
            f'{empty:,} images without, {full:,} with nothing else',
        ]


def _range(sides: np.ndarray) -> str:
    low, median, high = int(sides.min()), int(np.median(sides)), int(sides.max())
    return f'{low:,}' if low == high else f'{low:,} to {high:,} (median {median:,})'


def tells_files(dataset: Any) -> bool:
    """Say whether the entries of a data set name image, mask and what its values mean."""
    if not hasattr(dataset, 'get_data_info'):
        return False
    wanted = {'img_path', 'seg_map_path', 'mask_encodings'}
    return all(wanted <= set(dataset.get_data_info(index)) for index in range(len(dataset)))


def survey(dataset: Any, split: str, num_threads: int = 2) -> Survey:
    """Look at every mask of a data set, and at the sizes of its images.

    Args:
        dataset: data set whose entries have ``img_path``, ``seg_map_path`` and ``mask_encodings``;
            for another one the masks are those of its samples, as the network gets them.
        split: name of the split, which the data set's own ``split`` replaces if it has one.
        num_threads: number of masks that are decoded at the same time.

    Raises:
        UserError: a file cannot be read, a mask has values that are not allowed or is not of its
            image's size, or a sample has none.
    """
    load = LoadMask()
    images = len(dataset) // (1 + getattr(dataset, 'n_aug', 0))
    split = getattr(dataset, 'split', split)

    def of_files(index: int) -> tuple[tuple[int, int], np.ndarray]:
        entry = dataset.get_data_info(index)
        found = read_orientation(entry['img_path'], entry.get('as_published', False))
        results = entry | dict(orientation=found, ori_shape=found.size)
        return found.size, load.transform(results)['gt_seg_map']

    def of_samples(index: int) -> tuple[tuple[int, int], np.ndarray]:
        sample = dataset[index]['data_samples']
        mask = ground_truth(sample).numpy()
        return sample.get('ori_shape', mask.shape)[:2], mask

    take = of_files if tells_files(dataset) else of_samples

    def look(index: int) -> tuple[int, int, float, float]:
        (height, width), mask = take(index)
        counts = np.bincount(mask.ravel(), minlength=256)
        counted = mask.size - counts[255]
        return height, width, counts[1] / max(1, counted), counts[255] / mask.size

    with (
        ThreadPoolExecutor(num_threads) as pool,
        ProgressBar(f'masks of {split}', images) as bar,
    ):
        rows = []
        for row in pool.map(look, range(images)):
            rows.append(row)
            bar.advance()
    heights, widths, foreground, ignored = np.array(rows).T
    return Survey(split, heights, widths, foreground, ignored, len(dataset))
