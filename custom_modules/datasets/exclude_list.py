"""Lists of images that a data set leaves out: an id per line, with a reason after it."""

import re
from collections.abc import Collection
from pathlib import Path

from ..base.errors import UserError, did_you_mean
from .list_file import read_lines, refuse_doubles, some

#: What parts an id from the reason after it; an id may hold a '#' of its own.
_REASON = re.compile(r'\s+#(?:\s.*)?$|^#(?:\s.*)?$')


def read_exclude_list(path: Path, known: Collection[str]) -> list[str]:
    """Return the ids of a list: one per line; what follows a ``#`` between spaces is a reason.

    Args:
        path: text file of the list, such as the ``suspects.txt`` of ``tools/audit_labels.py``.
        known: ids of all images of the data set, whichever split they are in.

    Raises:
        UserError: the list cannot be read, names no image, one twice, or one that is not known.
    """
    lines = read_lines(path, 'Name a list with exclude, or write exclude = None')
    names = [name for line in lines if (name := _REASON.sub('', line).strip())]
    if not names:
        raise UserError(f'{path}: names no image; write an id per line, or exclude = None')
    refuse_doubles(names, path)
    ids = set(known)
    unknown = [name for name in names if name not in ids]
    if unknown:
        raise UserError(
            f'{path}: {len(unknown)} ids are in no split of the data set: {some(unknown)}'
            f'{did_you_mean(unknown[0][:80], sorted(ids))}; '
            'write ids as in per_image.csv, without folder and ending'
        )
    return names


def excluded_line(path: Path, split: str, excluded: int, total: int) -> str:
    """Return what a run says of a split that a list takes images from."""
    return (
        f'{path}: leaves out {excluded:,} of {total:,} images{split and f" of the split {split!r}"}'
    )
