"""Pictures that are nearly the same, in two splits: what a test of such images says is too good.

A perceptual hash (the low frequencies of a discrete cosine transform, as pHash and imagehash have
it) finds candidates; what they look like at 32x32 decides.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from ..base.errors import UserError
from ..datasets.image_io import read_image
from ..datasets.reading.formats import DECODING_ERRORS

#: Sides of the small picture and of the frequencies that are kept, in pixels.
_SIDE, _KEPT = 32, 8

#: Bits of 64 that may differ, and the correlation of the small pictures that is needed.
MOST_BITS, LEAST_CORRELATION = 8, 0.97

#: Pairs that are looked at and reported.
MOST_PAIRS = 1000


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


def find_near_duplicates(
    folder: Path,
    images: Sequence[PurePosixPath],
    splits: Sequence[str],
    progress: Callable[[int], None],
    num_threads: int = 2,
) -> list[NearDuplicate]:
    """Return pairs of images in different splits that look alike, the most alike first.

    Mirrored, turned and cropped copies are not found. Of each image eight bytes are kept.

    Args:
        folder: folder below which the images lie.
        images: images to compare.
        splits: split of each image.
        progress: function that is called with the number of images that are done.
        num_threads: number of images that are read at the same time.
    """
    hashes = np.zeros(len(images), np.uint64)
    flat = np.zeros(len(images), bool)
    with ThreadPoolExecutor(num_threads) as pool:
        small = pool.map(lambda image: small_picture(folder / image), images)
        for n, picture in enumerate(small):
            flat[n] = picture is None or picture.std() < 1
            hashes[n] = 0 if picture is None else _hash(picture)
            progress(n + 1)
    found = []
    for one, other in _candidates(hashes, np.array(splits), ~flat):
        pictures = [small_picture(folder / images[n]) for n in (one, other)]
        if pictures[0] is None or pictures[1] is None:
            continue
        correlation = float(np.corrcoef(pictures[0].ravel(), pictures[1].ravel())[0, 1])
        if correlation >= LEAST_CORRELATION:
            pair = (images[one], images[other])
            found.append(NearDuplicate(pair, (splits[one], splits[other]), correlation))
    return sorted(found, key=lambda pair: (-pair.correlation, pair.images))


def small_picture(path: Path) -> np.ndarray | None:
    """Return an image as (32, 32) float32 grey levels; None where it cannot be read."""
    try:
        # OpenCV makes a JPEG smaller while it decodes it, eight times as fast.
        grey = None
        if path.suffix.lower() in ('.jpg', '.jpeg'):
            grey = cv2.imread(str(path), cv2.IMREAD_REDUCED_GRAYSCALE_4)
        if grey is None or min(grey.shape) < _SIDE:
            grey = cv2.cvtColor(read_image(path), cv2.COLOR_BGR2GRAY)
    except (UserError, *DECODING_ERRORS):  # the survey of the images says what is wrong
        return None
    return cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)


def _hash(picture: np.ndarray) -> np.uint64:
    """Return 64 bits: which low frequencies are above their median."""
    low = cv2.dct(picture)[:_KEPT, :_KEPT].ravel()
    bits = low > np.median(low[1:])
    return np.packbits(bits).view(np.uint64)[0]


def _candidates(
    hashes: np.ndarray, splits: np.ndarray, usable: np.ndarray, rows: int = 256
) -> list[tuple[int, int]]:
    """Return index pairs of different splits whose hashes differ in few bits, a bounded number."""
    chosen = np.flatnonzero(usable)
    bits, where = hashes[chosen], splits[chosen]
    ones = np.array([bin(n).count('1') for n in range(256)], np.uint8)
    found: list[tuple[int, int]] = []
    for start in range(0, len(chosen), rows):
        differ = bits[start : start + rows, None] ^ bits[None, start:]
        count = ones[differ.view(np.uint8)].reshape(*differ.shape, 8).sum(-1, dtype=np.uint8)
        near = (count <= MOST_BITS) & (where[start : start + rows, None] != where[None, start:])
        pairs = np.argwhere(np.triu(near))
        found += [(int(chosen[start + a]), int(chosen[start + b])) for a, b in pairs]
        if len(found) >= MOST_PAIRS:
            return found[:MOST_PAIRS]
    return found
