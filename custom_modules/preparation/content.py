"""What a picture looks like: a mask, a photograph, or one cut out of its background."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..datasets.reading.formats import DECODING_ERRORS, open_picture

#: Pictures of a series that are looked at.
LOOKED_AT = 3

#: Different values of a mask of classes; a soft or numbered one has more, but flat areas.
_FEW, _FLAT, _NEAR = 32, 0.9, 16


def looks_like(path: Path) -> str:
    """Return 'mask', 'photo', 'cutout' (a picture with an alpha channel) or 'unknown'.

    A mask has few values, or is grey with neighbours that are nearly always alike, as numbers of
    objects, soft edges and the noise of a compression leave them.
    """
    try:
        if path.suffix.lower() == '.npy':
            values = np.load(path, mmap_mode='r', allow_pickle=False)
        else:
            with open(path, 'rb') as file, open_picture(file, first_page=True) as picture:
                if picture.mode in ('RGBA', 'LA', 'PA') and _varies(np.asarray(picture)[..., -1]):
                    return 'cutout'
                values = np.asarray(picture)
    except DECODING_ERRORS:  # UserError is a ValueError: whoever reads the file will say it
        return 'unknown'
    values = np.asarray(values[:: max(1, len(values) // 256)])
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or not values.size:
        return 'unknown'
    return 'mask' if _is_mask(values[..., :3]) else 'photo'


def _varies(alpha: np.ndarray) -> bool:
    return bool(alpha.min() != alpha.max())


def _is_mask(values: np.ndarray) -> bool:
    """Judge rows of a picture (N, W, C)."""
    pixels = values.reshape(-1, values.shape[-1])
    if len(np.unique(pixels[:: 1 + len(pixels) // 20_000], axis=0)) <= _FEW:
        return True
    numbers = values.astype(np.float64)
    if (numbers != numbers[..., :1]).any() or values.shape[1] < 2:
        return False
    steps = np.abs(np.diff(numbers[..., 0], axis=1))
    return bool(
        (steps <= (_NEAR if numbers.max() <= 255 else 0)).mean() >= _FLAT
        and (numbers.max() > 255 or _at_the_ends(numbers))
    )


def _at_the_ends(numbers: np.ndarray) -> bool:
    return bool(((numbers <= _NEAR) | (numbers >= 255 - _NEAR)).mean() >= _FLAT)


def of_series(folder: Path, paths: Sequence[object]) -> str:
    """Return what most of a series look like, from the first, the middle and the last."""
    chosen = sorted({0, len(paths) // 2, len(paths) - 1})[:LOOKED_AT]
    kinds = [looks_like(folder / str(paths[n])) for n in chosen]
    return max(sorted(set(kinds)), key=kinds.count)
