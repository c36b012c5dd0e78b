"""JPEG: no checksum tells of damage, so the decoder's warnings are taken for errors."""

import re

import numpy as np
import simplejpeg

#: Of one picture. Progressive ones have about ten; a file with thousands computes for minutes.
MAX_SCANS = 100

START_OF_SCAN = b'\xff\xda'
END_OF_IMAGE = 0xD9

#: The next marker that is not part of the data of a scan (stuffed zeros, restarts, filling).
MARKER = re.compile(rb'\xff([\x02-\xcf\xd9-\xfe])')


def decode_jpeg(data: bytes, colours: str = 'BGR', damaged: bool = False) -> np.ndarray:
    """Return the pixels of a JPEG as they are stored, (H, W, 3) or (H, W, 1) uint8.

    Args:
        data: content of the JPEG file.
        colours: channels to return: 'BGR', 'RGB' or 'GRAY'.
        damaged: whether to take what can be decoded of a damaged file.

    Raises:
        ValueError: libjpeg-turbo warns (data end too early or too late, impossible codes), or
            there are too many scans.
    """
    # Counting is quick and seldom wrong; only what looks like too many is walked through.
    if data.count(START_OF_SCAN) > MAX_SCANS and count_scans(data) > MAX_SCANS:
        raise ValueError(f'more than {MAX_SCANS} scans exceed the limit')
    return simplejpeg.decode_jpeg(data, colours, strict=not damaged)


def count_scans(data: bytes) -> int:
    """Return the scans of the first picture in a file; previews and what follows do not count."""
    scans, position = 0, 2
    while found := MARKER.search(data, position):
        marker = found[1][0]
        if marker == END_OF_IMAGE:
            break
        scans += marker == START_OF_SCAN[1]
        position = found.end() + int.from_bytes(data[found.end() : found.end() + 2], 'big')
    return scans
