"""Predictions as files: pictures, videos, and a table of what is in them."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np

from ..base.csv_cells import as_cell
from ..base.errors import UserError
from ..base.paths import make_writable
from ..base.picture_file import write_picture
from .inputs import Frame
from .prediction import Prediction
from .video_file import VideoFile

SUMMARY = 'summary.csv'

#: Columns of the summary; the box and the area are in pixels, texts are as ``as_cell`` has them.
COLUMNS = (
    *('input', 'name', 'width', 'height', 'area', 'share'),
    *('box_left', 'box_top', 'box_width', 'box_height', 'confidence', 'error'),
)


def _probability_image(prediction: Prediction) -> np.ndarray:
    return (prediction.probability * 65535).round().astype(np.uint16)


#: Kind -> folder, suffix, and what makes the picture (grey, RGB or RGBA).
KINDS: dict[str, tuple[str, str, Callable[[Prediction], np.ndarray]]] = {
    'mask': ('masks', '.png', lambda prediction: prediction.mask * np.uint8(255)),
    'overlay': ('overlays', '.jpg', Prediction.overlay),
    'cutout': ('cutouts', '.png', Prediction.cutout),
    'probability': ('probabilities', '.png', _probability_image),
}


def result_folders(folder: Path) -> list[Path]:
    """Return the folders that pictures are written to below ``folder``."""
    return [folder / name for name, _, _ in KINDS.values()]


def prepare_folder(folder: Path, overwrite: bool) -> None:
    """Create the folder of the results.

    Raises:
        UserError: the folder cannot be written, or holds results already and ``overwrite`` is
            False.
    """
    present = [path for path in (folder / SUMMARY, *result_folders(folder)) if path.exists()]
    if present and not overwrite:
        raise UserError(
            f'{folder}: holds {present[0].name} already; choose another folder with --out, '
            'or replace files of the same name with --overwrite'
        )
    make_writable(folder, '--out')


class PredictionWriter:
    """A context that writes what is asked for into a folder.

    - ``masks/<name>.png``: 0 background, 255 foreground;
    - ``overlays/<name>.jpg``: the image with the foreground tinted; of a video one ``.mp4``;
    - ``cutouts/<name>.png``: the foreground, all else transparent;
    - ``probabilities/<name>.png``: 16 bits, 65535 for a probability of 1.

    Args:
        folder: folder for the results.
        kinds: kinds of pictures to write, out of ``KINDS``.
        table: open text file for the summary, a row per image.

    Raises:
        UserError: a file cannot be written.
    """

    def __init__(self, folder: Path, kinds: Sequence[str], table: IO[str]) -> None:
        self.folder = folder
        self.kinds = kinds
        self.rows = csv.DictWriter(table, COLUMNS)
        self.rows.writeheader()
        self.video: VideoFile | None = None

    def __enter__(self) -> 'PredictionWriter':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_video()

    def write(self, frame: Frame, prediction: Prediction) -> None:
        """Write the files of one image and its row."""
        for kind in self.kinds:
            folder, suffix, picture = KINDS[kind]
            if kind == 'overlay' and frame.rate:
                self._add_to_video(frame.source.name, frame.rate, picture(prediction))
            else:
                _write_picture(self.folder / folder / f'{frame.name}{suffix}', picture(prediction))
        height, width = prediction.mask.shape
        box = prediction.box or ('', '', '', '')
        confidence = prediction.confidence
        values = (
            *(as_cell(frame.source.path), as_cell(frame.name), width, height),
            *(prediction.area, f'{prediction.share:.6f}', *box),
            *('' if confidence is None else f'{confidence:.6f}', ''),
        )
        self.rows.writerow(dict(zip(COLUMNS, values, strict=True)))

    def write_error(self, source: str, error: str) -> None:
        """Write the row of an input that could not be read."""
        self.rows.writerow(dict(input=as_cell(source), error=as_cell(error)))

    def _add_to_video(self, name: str, rate: float, image: np.ndarray) -> None:
        if self.video is None or self.video.name != name:
            self._end_video()
            path = self.folder / KINDS['overlay'][0] / f'{name}.mp4'
            make_writable(path.parent, '--out')
            self.video = VideoFile(path, rate, image.shape[:2])
        self.video.add(image)

    def _end_video(self) -> None:
        video, self.video = self.video, None
        if video is not None:
            video.close()


def _write_picture(path: Path, picture: np.ndarray) -> None:
    """Write a grey, RGB or RGBA picture."""
    if picture.ndim == 3:
        order = [2, 1, 0, 3] if picture.shape[2] == 4 else [2, 1, 0]
        picture = np.ascontiguousarray(picture[..., order])
    make_writable(path.parent, '--out')
    write_picture(path, picture)
