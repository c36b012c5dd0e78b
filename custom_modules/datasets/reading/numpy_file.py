"""Arrays in NumPy's own file format: numbers alone, never the objects that it can hold."""

import io

import numpy as np

#: How a ``.npy`` file begins.
BEGINNING = b'\x93NUMPY'

#: Of the text that says shape and kind of the numbers, in bytes.
MAX_HEADER = 1 << 12


def array_of(data: bytes) -> np.ndarray:
    """Return the array in the bytes of a ``.npy`` file, (H, W) or (H, W, channels).

    Raises:
        ValueError: the file is damaged or of an unusual version, does not hold as many numbers as
            it says, or holds anything but one picture of numbers or truth values.
    """
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f'version {version[0]}.{version[1]} of the format; save it by numpy.save')
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, columns_first, dtype = read_header(file, max_header_size=MAX_HEADER)
    if dtype.kind not in 'buif' or dtype.itemsize > 8:
        raise ValueError(f'holds {dtype}, no plain numbers')
    numbers = data[file.tell() :]
    expected = dtype.itemsize
    for side in shape:  # in Python's numbers, which do not overflow
        expected *= int(side)
    if not shape or min(shape) < 1 or expected != len(numbers):
        raise ValueError(f'{len(numbers):,} bytes of numbers; its shape {shape} is not of so many')
    array = np.frombuffer(numbers, dtype).reshape(shape, order='F' if columns_first else 'C')
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise ValueError(f'an array of the shape {shape}, not one picture')
    return array.astype(dtype.newbyteorder('='), order='C')
