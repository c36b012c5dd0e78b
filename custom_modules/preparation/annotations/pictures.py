"""Finding the image that an annotation file names among the files of a folder, and only there."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from ...datasets.binary_masks import IMAGE_SUFFIXES
from ...datasets.list_file import some
from ..words import plain, role_of
from .splits import split_of_folders


class Pictures:
    """The pictures below a folder, by the ends of their paths.

    Args:
        files: all files, below the folder.
    """

    def __init__(self, files: Iterable[PurePosixPath]) -> None:
        self.files = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
        self.known = frozenset(self.files)
        self._by_name: dict[str, list[PurePosixPath]] = {}
        self._by_stem: dict[str, list[PurePosixPath]] = {}
        for file in self.files:
            self._by_name.setdefault(plain(file.name), []).append(file)
            self._by_stem.setdefault(plain(file.stem), []).append(file)

    def find(
        self, name: str, beside: PurePosixPath, split: str | None = None
    ) -> PurePosixPath | None:
        """Return the picture that a name means, or None if it is not there.

        The name may have folders, of this machine or another one; as many of them as possible have
        to be the picture's. Of several such pictures the one is meant that lies next to the
        annotation file, or in a folder of its split.

        Args:
            name: the image's name as it is written, with any slashes.
            beside: folder of the annotation file.
            split: split that the annotation file is of.

        Raises:
            ValueError: several pictures could be meant.
        """
        parts = [part for part in name.replace('\\', '/').split('/') if part not in ('', '.', '..')]
        if not parts:
            return None
        wanted = PurePosixPath(*parts)
        found = self._by_name.get(plain(wanted.name)) or self._of_another_ending(wanted)
        if len(found) > 1:
            found = _best(found, [_alike(file, wanted) for file in found])
        if len(found) > 1 and split:
            found = [file for file in found if split_of_folders(file) == split] or found
        if len(found) > 1:
            found = _best(found, [_near(file, beside) for file in found])
        if len(found) > 1:
            raise ValueError(
                f'{name!r} can be {some([str(file) for file in found])}; rename one of them'
            )
        return found[0] if found else None

    def _of_another_ending(self, wanted: PurePosixPath) -> list[PurePosixPath]:
        """Return pictures of a stem, but no masks that are called after their images."""
        known = wanted.suffix.lower() in IMAGE_SUFFIXES
        stem = plain(wanted.stem if known else wanted.name)
        return [
            file
            for file in self._by_stem.get(stem, [])
            if not any(role_of(part) == 'mask' for part in file.parent.parts)
        ]


def _best(files: Sequence[PurePosixPath], marks: Sequence[int]) -> list[PurePosixPath]:
    return [file for file, mark in zip(files, marks, strict=True) if mark == max(marks)]


def _alike(file: PurePosixPath, wanted: PurePosixPath) -> int:
    """Return how many folders, from the last one on, have the same names."""
    number = 0
    for one, other in zip(reversed(file.parent.parts), reversed(wanted.parent.parts), strict=False):
        if plain(one) != plain(other):
            break
        number += 1
    return number


def _near(file: PurePosixPath, beside: PurePosixPath) -> int:
    """Return how near a file lies to a folder: how many folders they share, less those between."""
    shared = 0
    for one, other in zip(file.parent.parts, beside.parts, strict=False):
        if one != other:
            break
        shared += 1
    return 2 * shared - len(file.parent.parts)
