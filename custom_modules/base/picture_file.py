"""Pictures as files."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from .errors import UserError
from .whole_file import whole_file


def write_picture(path: Path, picture: np.ndarray, options: Sequence[int] = ()) -> None:
    """Write a picture in the format of its suffix; names need not be ASCII.

    OpenCV's own writer says nothing where the disk is full.

    Args:
        path: picture file to write, in a folder that exists; its suffix names the format.
        picture: (H, W), (H, W, 3) BGR or (H, W, 4) BGRA, uint8 or uint16.
        options: encoder settings as ``cv2.imencode`` takes them: pairs of a flag and its value.

    Raises:
        UserError: the file cannot be written, or the format cannot hold a picture of this size.
    """
    encoded, data = cv2.imencode(path.suffix, picture, options)
    if not encoded:  # JPEG: more than 65,500 pixels a side
        height, width = picture.shape[:2]
        raise UserError(f'{path}: {width}x{height} pixels are too many for {path.suffix}')
    with whole_file(path, 'wb', flush=False) as file:
        file.write(data.data)
