"""TIFF of several pages, by tifffile."""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...base.errors import UserError
from ...datasets.reading.formats import DECODING_ERRORS, format_of
from ...datasets.reading.tiff import tags_of
from .volume import Volume, check_shape


def has_pages(path: Path) -> bool:
    """Say whether a file is a TIFF of several pages that are no smaller copies of the first."""
    try:
        with path.open('rb') as file:
            return format_of(file) == 'TIFF' and _more_pages(file, path)
    except DECODING_ERRORS:
        return False


def _more_pages(file: BinaryIO, path: Path) -> bool:
    if not getattr(tags_of(file), 'next', 0):  # nearly all files: no second page
        return False
    import tifffile

    try:
        with tifffile.TiffFile(path) as whole:
            return len(_pages(whole)) > 1
    except Exception:  # of tifffile, without a common base: whoever reads the file says it
        return False


def read_pages(path: Path) -> Volume:
    """Return the pages of a TIFF as a volume.

    Raises:
        UserError: the file cannot be read, or its pages differ.
    """
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            pages = _pages(file)
            if len({(page.shape, str(page.dtype)) for page in pages}) != 1:
                raise UserError('its pages differ in size or kind; save each as a file of its own')
            if len(pages[0].shape) != 2:
                raise UserError('its pages have several bands; save each as a file of its own')
            height, width = pages[0].shape
            check_shape((height, width, len(pages)), np.dtype(pages[0].dtype).itemsize)
            values = np.stack([page.asarray(maxworkers=1) for page in pages])
    except UserError as error:
        raise UserError(f'{path}: {error}') from None
    except MemoryError:
        raise
    except Exception as error:  # of tifffile and of its decoders, without a common base
        reason = ' '.join(str(error).split())[:200]
        raise UserError(f'{path}: not a readable TIFF ({reason})') from None
    return Volume(values.transpose(2, 1, 0), None)


def _pages(file: object) -> list:
    return [page for page in file.pages if not page.is_reduced]  # type: ignore[attr-defined]
