"""Volumes on the disk, and their slices as images."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import dicom, nifti, pages
from .volume import Volume

#: Of the names of slices: what comes before it is the volume, which stays in one split.
GROUP_BY = r'(.+)_slice\d+'

TIFF_SUFFIXES = ('.tif', '.tiff')

#: Kinds of numbers that images do not have, by those that they are kept as.
_KINDS = dict(bool='uint8', int8='int16', float16='float32', float64='float32', float128='float32')
_KINDS |= dict(int64='int32', uint64='uint32')


@dataclass(frozen=True)
class VolumeFile:
    """A volume on the disk.

    Attributes:
        name: its path below the folder, without suffix; of a DICOM series its folder's.
        files: its file, or the files of its series.
        kind: 'NIfTI', 'DICOM' or 'TIFF'.
    """

    name: Path
    files: tuple[Path, ...]
    kind: str

    def read(self) -> Volume:
        """Return the volume.

        Raises:
            UserError: it cannot be read, or a package is missing.
        """
        if self.kind == 'DICOM':
            return dicom.read_series(self.files)
        return (nifti.read_nifti if self.kind == 'NIfTI' else pages.read_pages)(self.files[0])


def find_volumes(folder: Path, files: Sequence[Path]) -> list[VolumeFile]:
    """Return the volumes among the files of a folder, sorted by name.

    Args:
        folder: folder that was searched.
        files: its files, below ``folder``.

    Raises:
        UserError: there are DICOM files, and pydicom is missing or one cannot be read.
    """
    found: list[VolumeFile] = []
    of_dicom: dict[Path, list[Path]] = {}
    for path in files:
        name, below = path.name.lower(), path.relative_to(folder)
        if suffix := next((one for one in nifti.SUFFIXES[::-1] if name.endswith(one)), ''):
            found.append(VolumeFile(_without(below, suffix), (path,), 'NIfTI'))
        elif dicom.is_dicom(path):
            of_dicom.setdefault(path.parent, []).append(path)
        elif name.endswith(TIFF_SUFFIXES) and pages.has_pages(path):
            found.append(VolumeFile(below.with_suffix(''), (path,), 'TIFF'))
    for parent, members in of_dicom.items():
        below = parent.relative_to(folder)
        base = below if below.parts else Path(folder.resolve().name)
        for series, paths in dicom.series_of(sorted(members)).items():
            found.append(VolumeFile(base / series if series else base, tuple(paths), 'DICOM'))
    return sorted(found, key=lambda volume: volume.name.parts)


def write_slices(slices: np.ndarray, folder: Path, name: str) -> None:
    """Write slices (S, H, W) or (S, H, W, bands) as ``<name>_slice0001.tif`` and so on.

    Values stay what they are, but for kinds of numbers that images do not have.

    Raises:
        OSError: a file cannot be written.
    """
    import tifffile

    folder.mkdir(parents=True, exist_ok=True)
    numbers = slices.astype(_KINDS.get(slices.dtype.name, slices.dtype), copy=False)
    for index, pixels in enumerate(numbers, 1):
        tifffile.imwrite(
            folder / f'{name}_slice{index:04}.tif',
            np.ascontiguousarray(pixels),
            photometric='minisblack',
            planarconfig='contig' if pixels.ndim == 3 else None,
            compression='zlib',
            metadata=None,
        )


def _without(path: Path, suffix: str) -> Path:
    return path.with_name(re.sub(re.escape(suffix) + '$', '', path.name, flags=re.IGNORECASE))
