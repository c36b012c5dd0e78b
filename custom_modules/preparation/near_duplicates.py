"""Pictures that are nearly the same, in two splits: what a test of such images says is too good.

A perceptual hash (the low frequencies of a discrete cosine transform, as pHash and imagehash have
it) finds candidates; what they look like at 32x32 decides.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath

import cv2
import numpy as np

from ..base.errors import UserError
from ..datasets.transforms.resizing import resize_image

#: Sides of the small picture and of the frequencies that are kept, in pixels.
_SIDE, _KEPT = 32, 8

#: Bits of 64 that may differ, and the correlation of the small pictures that is needed.
MOST_BITS, LEAST_CORRELATION = 8, 0.97

#: Pairs that are looked at, and those that are named in lines.
MOST_PAIRS, _NAMED = 1000, 5


@dataclass(frozen=True)
class NearDuplicate:
    """Two images in two splits that look alike.

    Attributes:
        images: the two images, below the folder.
        splits: their splits.
        correlation: that of the two at 32x32 grey pixels, up to 1.
    """

    images: tuple[PurePosixPath, PurePosixPath]
    splits: tuple[str, str]
    correlation: float


class Looks:
    """What images look like, eight bytes each."""

    def __init__(self) -> None:
        self.images: list[PurePosixPath] = []
        self.splits: list[str] = []
        self.hashes: list[np.uint64] = []

    def add(self, image: PurePosixPath, split: str, small: np.ndarray) -> None:
        """Note an image.

        Args:
            image: its path, by which ``near_duplicates`` asks for it again.
            split: its split.
            small: as ``small_picture`` returns it; black and other flat ones are alike to nobody.
        """
        if small.std() >= 1:
            self.images.append(image)
            self.splits.append(split)
            self.hashes.append(_hash(small))

    def near_duplicates(self, read: Callable[[PurePosixPath], np.ndarray]) -> list[NearDuplicate]:
        """Return pairs of images in different splits that look alike, the most alike first.

        Mirrored, turned and cropped copies are not found.

        Args:
            read: function that returns an image, (H, W, C) uint8.
        """
        found = []
        for one, other in _candidates(np.array(self.hashes), np.array(self.splits)):
            pair = (self.images[one], self.images[other])
            correlation = _correlation(*(small_picture(read(image)) for image in pair))
            if correlation >= LEAST_CORRELATION:
                splits = (self.splits[one], self.splits[other])
                found.append(NearDuplicate(pair, splits, correlation))
        return sorted(found, key=lambda pair: (-pair.correlation, pair.images))


def compare_images(
    read: Callable[[PurePosixPath], np.ndarray],
    splits: Mapping[PurePosixPath, str],
    progress: Callable[[int], None],
    num_threads: int = 2,
) -> tuple[list[NearDuplicate], list[str]]:
    """Decode all images; find those of different splits that look alike.

    Args:
        read: function that returns an image, (H, W, C) uint8, or raises UserError.
        splits: image -> its split.
        progress: function that is called with the number of images that are done.
        num_threads: number of images that are read at the same time.

    Returns:
        The pairs, the most alike first, and a line for each image that cannot be read.
    """
    looks, faults = Looks(), []

    def look(image: PurePosixPath) -> np.ndarray | str:
        try:
            return small_picture(read(image))
        except UserError as error:
            return str(error)

    with ThreadPoolExecutor(num_threads) as pool:
        found = zip(splits.items(), pool.map(look, splits), strict=True)
        for done, ((image, split), picture) in enumerate(found, 1):
            if isinstance(picture, str):
                faults.append(picture)
            else:
                looks.add(image, split, picture)
            progress(done)
    return looks.near_duplicates(read), faults


def small_picture(image: np.ndarray) -> np.ndarray:
    """Return an image (H, W, C) uint8 as (32, 32) float32: the mean of its channels."""
    small = resize_image(image, (_SIDE, _SIDE))
    return small.reshape(_SIDE, _SIDE, -1).mean(axis=2, dtype=np.float32)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def _hash(picture: np.ndarray) -> np.uint64:
    """Return 64 bits: which low frequencies are above their median."""
    low = cv2.dct(picture)[:_KEPT, :_KEPT].ravel()
    bits = low > np.median(low[1:])
    return np.packbits(bits).view(np.uint64)[0]


def _candidates(hashes: np.ndarray, splits: np.ndarray, rows: int = 256) -> list[tuple[int, int]]:
    """Return index pairs of different splits whose hashes differ in few bits, a bounded number."""
    ones = np.array([bin(n).count('1') for n in range(256)], np.uint8)
    found: list[tuple[int, int]] = []
    for start in range(0, len(hashes), rows):
        differ = hashes[start : start + rows, None] ^ hashes[None, start:]
        count = ones[differ.view(np.uint8)].reshape(*differ.shape, 8).sum(-1, dtype=np.uint8)
        near = (count <= MOST_BITS) & (splits[start : start + rows, None] != splits[None, start:])
        found += [(int(start + a), int(start + b)) for a, b in np.argwhere(np.triu(near))]
        if len(found) >= MOST_PAIRS:
            break
    return found[:MOST_PAIRS]


def lines_about(found: Sequence[NearDuplicate]) -> list[str]:
    """Return what to say of images in two splits that look alike."""
    if not found:
        return []
    named = [
        f'{pair.images[0]} ({pair.splits[0]}) and {pair.images[1]} ({pair.splits[1]}), '
        f'{pair.correlation:.3f}'
        for pair in found[:_NAMED]
    ]
    more = len(found) - len(named)
    return [
        f'{len(found):,} pairs of images in two splits look alike (correlation of '
        f'{LEAST_CORRELATION} or more at {_SIDE}x{_SIDE} pixels); a test of such images is too '
        'good: keep them in one split (--group-by, or in the table):',
        *(f'    {line}' for line in named),
        *([f'    and {more:,} more'] if more else []),
    ]
