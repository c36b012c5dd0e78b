"""The values of a mask, whatever its file keeps them in: grey, a palette, bits or transparency."""

import numpy as np

from ...base.errors import UserError
from .stored_mask import StoredMask

BLACK, WHITE = 0, 255


def mask_values(stored: StoredMask) -> np.ndarray:
    """Return the values of a mask, (H, W) uint8.

    Raises:
        UserError: the mask can be read in two ways, is coloured, or has values that are no whole
            number from 0 to 255.
    """
    if stored.palette is not None:
        return _of_palette(stored.pixels, stored.palette)
    return _as_bytes(_one_channel(stored.pixels))


def _one_channel(values: np.ndarray) -> np.ndarray:
    """Return (H, W) of (H, W, channels), the last of two or four of which is transparency."""
    if values.ndim == 2:
        return values
    if values.shape[2] in (2, 4):
        colours, alpha = values[..., :-1], values[..., -1]
        opaque = np.iinfo(values.dtype).max
        if (alpha != opaque).any():  # else it says nothing
            return _of_transparency(colours, alpha)
        values = colours
    if (values != values[..., :1]).any():
        raise UserError('a colour image, not a mask; save it with one channel of class values')
    return values[..., 0]


def _of_transparency(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    if (colours == colours[0, 0]).all() or (colours == alpha[..., None]).all():
        return alpha
    raise UserError(
        'its colours and its transparency both differ from pixel to pixel, and either could be the '
        'mask; save the one that is as a file with one channel'
    )


def _of_palette(indices: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Return indices, or 0 and 1 where all colours are black and white, whatever their order."""
    used = np.flatnonzero(np.bincount(indices.ravel()))
    colours, alpha = palette[used, :3], palette[used, 3]
    if (alpha != 255).any():
        return _one_channel(palette[indices])
    first = colours[:, 0]
    if (colours == first[:, None]).all():  # shades of grey
        if (first == used).all():
            return indices
        if len(set(first)) == len(used) and set(first.tolist()) <= {BLACK, WHITE}:
            return (palette[indices, 0] == WHITE).astype(np.uint8)
        raise UserError(
            f'its palette shows the indices {_shown(used)} in the greys {_shown(first)}, and '
            'either could be the classes; save the ones that are as a file without palette'
        )
    plain = (colours == first[:, None]).all(axis=1) & np.isin(first, (BLACK, WHITE))
    doubtful = used[plain & (used > 0) & (used < 255)]
    if doubtful.size and palette[0, :3].any():
        raise UserError(
            f'its palette does not begin with black but shows index {doubtful[0]} in black or '
            'white, so either colours or indices could be the classes; save it with one channel of '
            'class values'
        )
    return indices


def _as_bytes(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 255):  # not a number is neither
        more = '; numbers of objects have to become one class' if high > 255 else ''
        raise UserError(f'values from {low:g} to {high:g}; a mask holds 0 to 255{more}')
    whole = values.astype(np.uint8)
    if (whole != values).any():
        raise UserError(
            f'values such as {values[whole != values][0]:g}; a mask holds whole numbers from 0 to '
            '255. Save it with 0 for the background and 1 for the foreground'
        )
    return whole


def _shown(numbers: np.ndarray) -> str:
    return ', '.join(map(str, numbers[:4])) + (', ...' if len(numbers) > 4 else '')
