"""A video that is written frame by frame."""

import os
from pathlib import Path

import cv2
import numpy as np

from ..base.errors import UserError


class VideoFile:
    """An MPEG-4 video, which takes its name when it is closed; its last frame may be any.

    Args:
        path: path of the video, in a folder that is there.
        rate: frames per second.
        size: height and width of the frames in pixels.

    Raises:
        UserError: the video cannot be written.
    """

    def __init__(self, path: Path, rate: float, size: tuple[int, ...]) -> None:
        self.path = path
        self.name = path.stem
        self.frames = 0
        self._beside = path.with_name(f'.{os.getpid()}.{path.name}')  # OpenCV wants the suffix
        code = cv2.VideoWriter.fourcc(*'mp4v')
        self._writer = cv2.VideoWriter(str(self._beside), code, rate, size[::-1])
        if not self._writer.isOpened():
            self._beside.unlink(missing_ok=True)
            raise UserError(f'{path}: the video cannot be written; leave overlay out of --save')

    def add(self, image: np.ndarray) -> None:
        """Add a frame (H, W, 3) uint8 RGB."""
        self._writer.write(np.ascontiguousarray(image[..., ::-1]))
        self.frames += 1

    def close(self) -> None:
        """End the video.

        Raises:
            UserError: the disk was full, of which OpenCV says nothing.
        """
        self._writer.release()
        try:
            if _frames(self._beside) < self.frames:
                raise UserError(
                    f'{self.path}: the video cannot be written; is the disk full? Choose another '
                    'folder with --out'
                )
            self._beside.replace(self.path)
        finally:
            self._beside.unlink(missing_ok=True)


def _frames(path: Path) -> int:
    """Return the number of frames that a video says it has; 0 where it cannot be read."""
    video = cv2.VideoCapture(str(path))
    count = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
    video.release()
    return count
