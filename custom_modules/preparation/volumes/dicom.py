"""DICOM series, by pydicom: the files of a folder that have one series' identifier are a volume."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from ...base.errors import UserError
from .needed import needed
from .volume import Volume, check_shape

SUFFIXES = ('.dcm', '.dicom', '.ima')

#: What is read of a file to find its series.
_TAGS = ('SeriesInstanceUID', 'SeriesNumber', 'Rows', 'Columns')


def is_dicom(path: Path) -> bool:
    """Say whether a file is DICOM by its ending or, where it has none, by what it begins with."""
    if path.name.lower().endswith(SUFFIXES):
        return True
    if path.suffix and not path.suffix[1:].isdigit():
        return False
    try:
        with path.open('rb') as file:
            return file.read(132)[128:] == b'DICM'
    except OSError:
        return False


def series_of(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Return the files of each series of a folder, by a name of the series.

    Raises:
        UserError: pydicom is missing, or a file cannot be read.
    """
    found: dict[str, list[Path]] = {}
    numbers: dict[str, str] = {}
    for path in paths:
        header = _read(path, stop_before_pixels=True, specific_tags=[*_TAGS])
        key = str(header.get('SeriesInstanceUID', ''))
        found.setdefault(key, []).append(path)
        numbers[key] = str(header.get('SeriesNumber') or '')
    if len(found) == 1:
        return {'': next(iter(found.values()))}
    return {
        f'series{numbers[key] or number}_{number}': members
        for number, (key, members) in enumerate(sorted(found.items()), 1)
    }


def read_series(paths: Sequence[Path]) -> Volume:
    """Return the volume of the files of a series; its slices are those that were acquired.

    Values are those of the modality (Hounsfield units of a CT): slope and intercept are applied.
    Where the files tell how they lie, the volume is turned as one of NIfTI is.

    Raises:
        UserError: pydicom is missing, or a file cannot be read, has no grey picture, or differs in
            size from the others.
    """
    pixels = needed('pydicom.pixels')
    datasets = [_read(path) for path in paths]
    order = sorted(range(len(paths)), key=lambda index: _position(datasets[index], index))
    parts: list[np.ndarray] = []
    for index in order:
        path, dataset = paths[index], datasets[index]
        if 'PixelData' not in dataset or dataset.get('SamplesPerPixel', 1) != 1:
            kind = dataset.get('Modality', 'of an unknown kind')
            raise UserError(
                f'{path}: holds no grey picture ({kind}); leave it out, or save segmentations as '
                'NIfTI'
            )
        frames = int(dataset.get('NumberOfFrames') or 1)
        check_shape((int(dataset.Rows), int(dataset.Columns), frames * len(paths)), 2)
        try:
            values = pixels.apply_rescale(dataset.pixel_array, dataset)
        except MemoryError:
            raise
        except Exception as error:  # of pydicom and of its decoders, without a common base
            reason = ' '.join(str(error).split())[:200]
            raise UserError(f'{path}: its pixels cannot be decoded ({reason})') from None
        values = values if values.ndim == 3 else values[None]
        if parts and values.shape[1:] != parts[0].shape[1:]:
            (height, width), (other, wide) = values.shape[1:], parts[0].shape[1:]
            raise UserError(
                f'{path}: is {width}x{height}, the first slice of its series {wide}x{other}'
            )
        parts.append(values)
    stacked = _whole(np.concatenate(parts))
    axes = _axes([datasets[index] for index in order])
    if axes is None or len(stacked) != len(paths):
        return Volume(stacked.transpose(2, 1, 0), None)
    return _turned(stacked, *axes)


def _axes(datasets: Sequence[Any]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the directions (3, 3) of slices, rows and columns to left, back and top, and spacings.

    None where files do not tell; the spacing of a single slice is its thickness.
    """
    try:
        first, last = datasets[0], datasets[-1]
        turned = np.array([*map(float, first.ImageOrientationPatient)])
        places = [np.array([*map(float, one.ImagePositionPatient)]) for one in (first, last)]
        across = np.cross(turned[:3], turned[3:])
        thick = float(first.get('SliceThickness') or 1)
        if len(datasets) > 1:
            thick = float((places[1] - places[0]) @ across) / (len(datasets) - 1)
        spacing = np.array([thick, *map(float, first.PixelSpacing)])
    except (AttributeError, TypeError, ValueError):
        return None
    return np.stack([across, turned[3:], turned[:3]]), spacing


def _turned(stacked: np.ndarray, directions: np.ndarray, spacing: np.ndarray) -> Volume:
    """Return slices (S, H, W) as a volume whose axes go closest to the left, back and top."""
    order = max(
        permutations(range(3)),
        key=lambda axes: sum(abs(directions[axis, to]) for to, axis in enumerate(axes)),
    )
    values = stacked.transpose(order)
    back = tuple(to for to, axis in enumerate(order) if directions[axis, to] < 0)
    left, behind, top = (float(abs(spacing[axis])) for axis in order)
    return Volume(np.flip(values, back), (left, behind, top))


def _whole(values: np.ndarray) -> np.ndarray:
    """Return values that are whole numbers of 16 bits as such: slopes are mostly 1."""
    small = values.astype(np.int16)
    return small if values.dtype.kind == 'f' and np.array_equal(small, values) else values


def _read(path: Path, **options: Any) -> Any:
    pydicom = needed('pydicom')
    try:
        return pydicom.dcmread(path, **options)
    except Exception as error:  # of pydicom, without a common base
        reason = ' '.join(str(error).split())[:200]
        raise UserError(f'{path}: not a readable DICOM file ({reason})') from None


def _position(dataset: Any, index: int) -> tuple[float, int]:
    """Return where a slice lies along the normal of its plane, else its number."""
    try:
        position = np.array([*map(float, dataset.ImagePositionPatient)])
        turned = np.array([*map(float, dataset.ImageOrientationPatient)])
        return float(position @ np.cross(turned[:3], turned[3:])), index
    except (AttributeError, TypeError, ValueError):
        return float(dataset.get('InstanceNumber') or index), index
