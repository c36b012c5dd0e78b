"""Writing a figure where the user asked for it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import UserError
from ..base.paths import make_writable
from ..base.whole_file import whole_file

if TYPE_CHECKING:  # what draws nothing need not wait for it
    from matplotlib.figure import Figure

SUFFIXES = ('.png', '.pdf', '.svg')


def check_figure_path(path: Path) -> None:
    """Create the folder of a figure if need be; worth asking before anything that takes long.

    Raises:
        UserError: the suffix is of no known format, or the file cannot be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f'--out {path}: the name must end in one of {", ".join(SUFFIXES)}')
    make_writable(path.resolve().parent, '--out')
    if path.exists() and not (path.is_file() and os.access(path, os.W_OK)):
        raise UserError(f'{path}: cannot be written; choose another file with --out')


def save_figure(figure: 'Figure', path: Path) -> None:
    """Write ``figure`` to ``path``, in the format of its suffix; the folder is created if need be.

    Raises:
        UserError: the suffix is of no known format, or the folder cannot be written.
    """
    check_figure_path(path)
    with whole_file(path, 'wb') as file:
        figure.savefig(file, format=path.suffix[1:].lower())
