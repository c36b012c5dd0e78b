"""The values of a mask, whatever its file keeps them in: grey, a palette, bits or transparency."""

import numpy as np
from PIL import Image

from ...base.errors import UserError
from .colours import is_16_bit, values_16_bit
from .jpeg import decode_jpeg
from .tiff import is_unsigned

MODES = ('1', 'L', 'LA', 'RGB', 'RGBA', 'I', 'I;16', 'I;16B', 'I;16L', 'F')
BLACK, WHITE = 0, 255


def mask_values(picture: Image.Image, data: bytes) -> np.ndarray:
    """Return the values of a mask as its file holds them, (H, W) uint8.

    Raises:
        OSError, ValueError and others: the mask is damaged.
        UserError: the mask can be read in two ways, is coloured, or has values that are no whole
            number from 0 to 255.
    """
    if picture.format in ('JPEG', 'MPO') and picture.mode in ('L', 'RGB'):
        values = decode_jpeg(data, 'GRAY' if picture.mode == 'L' else 'RGB')
        return _one_channel(values)
    if picture.mode == 'P':
        return _of_palette(picture)
    if picture.mode not in MODES:
        raise UserError(
            f'pixels of the kind {picture.mode}, not a mask; save it with one channel of class '
            'values'
        )
    if is_16_bit(picture, data) and is_unsigned(picture):
        values = values_16_bit(picture, data)
    else:
        values = np.asarray(picture)
        if values.dtype == np.uint8 and not is_unsigned(picture):
            values = values.view(np.int8)
    return _as_bytes(_one_channel(values))


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


def _of_palette(picture: Image.Image) -> np.ndarray:
    """Return indices, or 0 and 1 where all colours are black and white, whatever their order."""
    indices = np.asarray(picture)
    used = np.flatnonzero(np.bincount(indices.ravel()))
    picture.apply_transparency()  # from the file's list into the palette
    palette = np.array(picture.getpalette('RGBA'), np.uint8).reshape(-1, 4)
    if used[-1] >= len(palette):
        raise UserError(f'index {used[-1]} is not in its palette of {len(palette)} colours')
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
