"""What a volume is, whichever files it is kept in."""

import math
from dataclasses import dataclass

import numpy as np

from ...base.errors import UserError

#: Planes by their names in anatomy -> the axis (left, back, top) that they are stacked along.
PLANES = {'sagittal': 0, 'coronal': 1, 'axial': 2}

#: Bytes of the values of a volume, and bands of a voxel.
MOST_BYTES, MOST_BANDS = 4 << 30, 16


@dataclass(frozen=True)
class Volume:
    """The values of a volume.

    Attributes:
        values: (X, Y, Z) or (X, Y, Z, bands), numbers of any kind. Where ``spacing`` is known, the
            axes go to the patient's left, back and top, as those of DICOM do; else X and Y are the
            columns and rows of a page, and Z the pages.
        spacing: distance of two voxels along each axis, in millimetres; None where a file does not
            tell.
    """

    values: np.ndarray
    spacing: tuple[float, float, float] | None

    def slices(self, plane: str | None) -> np.ndarray:
        """Return the slices (S, H, W) or (S, H, W, bands), with the top or the front upwards.

        The patient's right, or the front, is on the left, as radiologists look at them.

        Args:
            plane: one of ``PLANES``; None for ``coarsest_plane``.

        Raises:
            UserError: the volume does not tell how it lies, and a plane is asked for.
        """
        if plane is not None and self.spacing is None and plane != 'axial':
            raise UserError(
                f'--plane {plane}: such a volume does not tell how it lies; its pages, or '
                'files, are the slices, leave --plane out'
            )
        axis = PLANES[plane or self.coarsest_plane()]
        slices = np.moveaxis(self.values, axis, 0).swapaxes(1, 2)
        return slices if axis == PLANES['axial'] else slices[:, ::-1]

    def coarsest_plane(self) -> str:
        """Return the plane whose slices are farthest from each other: as they were acquired."""
        if self.spacing is None:
            return 'axial'
        order = [2, 1, 0]  # of equal distances the axial one
        axis = max(order, key=lambda one: (round(self.spacing[one], 3), one))  # type: ignore[index]
        return next(name for name, number in PLANES.items() if number == axis)


def check_shape(shape: tuple[int, ...], itemsize: int) -> None:
    """Refuse what is no volume, before its values are read.

    Raises:
        UserError: there are not three axes (or four, of a few bands), or too many values.
    """
    if len(shape) not in (3, 4) or min(shape, default=0) < 1:
        raise UserError(f'{len(shape)} axes ({_shown(shape)}); a volume has three')
    if len(shape) == 4 and shape[3] > MOST_BANDS:
        raise UserError(
            f'four axes ({_shown(shape)}), the last of which is longer than {MOST_BANDS} bands; '
            'save each point of time as a volume of its own'
        )
    if math.prod(shape) * itemsize > MOST_BYTES:
        raise UserError(f'{_shown(shape)} values are more than {MOST_BYTES >> 30} GiB')


def _shown(shape: tuple[int, ...]) -> str:
    return 'x'.join(map(str, shape))
