"""From numbers of any kind to the bytes that all that follows works on."""

import numpy as np

from ...base.errors import UserError

#: 16-bit values that reach a quarter of their range are taken to use it; cameras and microscopes
#: that deliver 10, 12 or 14 bits in 16 do not.
USED = 1 << 14
#: Share of the values that has to: single hot pixels do not count.
USED_BY = 0.01


def to_8_bit(values: np.ndarray) -> np.ndarray:
    """Return 16-bit values divided by 257 and rounded, so that 0 stays 0 and 65,535 becomes 255.

    Raises:
        UserError: the values use so little of their range that nothing would be left of them.
    """
    if values.any() and (values >= USED).mean() < USED_BY:
        raise UserError(
            f'16-bit values from {values.min():,} to {values.max():,}, of which less than '
            f'{USED_BY:.0%} reach {USED:,} of 65,535: divided by 257 they would be nearly black; '
            + limits_hint(int(values.min()), int(values.max()))
        )
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def as_bytes(values: np.ndarray) -> np.ndarray:
    """Return values of 8 or 16 bits as bytes, see ``to_8_bit``.

    Raises:
        UserError: the values are of another kind, or of 16 bits that do not use their range.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == bool:
        return values * np.uint8(255)
    if values.dtype == np.uint16:
        return to_8_bit(values)
    raise UserError(no_bytes(values))


def no_bytes(values: np.ndarray) -> str:
    """Return why values are no picture of 8 bits, and what to set."""
    bits = 8 * values.dtype.itemsize
    kinds = dict(f='floating-point', i='signed', u=f'{bits}-bit')
    kind = kinds.get(values.dtype.kind, f'{values.dtype}')
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0, 1)
    return f'{kind} values from {low:g} to {high:g}; {limits_hint(low, high)}'


def limits_hint(low: float, high: float) -> str:
    """Return what to set so that values other than bytes are read."""
    return (
        'say which values of all images become black and white, such as image_reading = '
        f'dict(limits=({low:g}, {high:g})), or save all images with 8 bits, scaled by the same ones'
    )


def scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return values, of any type, as uint8: ``low`` and less is 0, ``high`` and more 255.

    Raises:
        UserError: a value is no number.
    """
    if values.dtype.itemsize <= 2 and values.dtype.kind == 'u':  # a table is quicker, and the same
        every = np.arange(1 << (8 * values.dtype.itemsize))
        return _scaled(every, low, high)[values]
    if values.dtype.kind not in 'buif':
        raise UserError(f'values of the kind {values.dtype}, no real numbers')
    if values.dtype.kind == 'f' and (missing := int(np.isnan(values).sum())):
        raise UserError(
            f'{missing:,} of its {values.size:,} values are no numbers (NaN); give them a value, '
            'such as the lowest of the data'
        )
    return _scaled(values, low, high)


def _scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    shares = (np.clip(values.astype(np.float64), low, high) - low) / (high - low)
    return np.rint(255 * shares).astype(np.uint8)
