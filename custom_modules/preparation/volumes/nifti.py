"""NIfTI, by nibabel."""

from pathlib import Path
from typing import Any

import numpy as np

from ...base.errors import UserError
from .needed import needed
from .volume import Volume, check_shape

SUFFIXES = ('.nii', '.nii.gz')


def read_nifti(path: Path) -> Volume:
    """Return the volume of a NIfTI file, turned so that its axes go to the left, back and top.

    Raises:
        UserError: nibabel is missing, or the file cannot be read.
    """
    nibabel = needed('nibabel')
    try:
        image: Any = nibabel.load(path)
        shape = tuple(int(side) for side in image.shape)
        while len(shape) > 3 and shape[-1] == 1:
            shape = shape[:-1]
        check_shape(shape, image.get_data_dtype().itemsize)
        canonical: Any = nibabel.as_closest_canonical(image)
        values = np.asanyarray(canonical.dataobj)
        spacing = tuple(float(one) for one in canonical.header.get_zooms()[:3])
    except UserError as error:
        raise UserError(f'{path}: {error}') from None
    except MemoryError:
        raise
    except Exception as error:  # of nibabel, gzip and NumPy, without a common base
        reason = ' '.join(str(error).split())[:200]
        raise UserError(f'{path}: not a readable NIfTI file ({reason})') from None
    if values.dtype.kind not in 'buif':
        raise UserError(f'{path}: values of the kind {values.dtype}, no real numbers')
    values = values.reshape(values.shape[:3] if len(shape) == 3 else values.shape[:4])
    return Volume(values[::-1, ::-1], spacing)  # type: ignore[arg-type]
