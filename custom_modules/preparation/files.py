"""The files of a folder as somebody left it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from ..base.errors import UserError
from ..datasets.binary_masks import IMAGE_SUFFIXES
from ..datasets.list_file import some
from ..datasets.pairs import SYSTEM_FILES
from .words import is_role, plain, role_of, splits_of, words_of

#: Endings of pictures and of arrays that masks are stored as.
PICTURE_SUFFIXES = frozenset(IMAGE_SUFFIXES | {'.npy'})

#: Of a folder. Whoever has more means a part of it.
MAX_FILES = 2_000_000


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture by its name alone; each is equal to itself only.

    Attributes:
        path: path below the folder that is looked at.
        skip: number of folders at its beginning that all pictures have, so that they say nothing.
        splits: folder -> split, of those that name one.
    """

    path: PurePosixPath
    skip: int = 0
    splits: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def stem(self) -> str:
        """The name without its ending; ``a`` of ``a.jpg.png``, a mask called after its image."""
        stem = self.path.stem
        inner = PurePosixPath(stem)
        return inner.stem if inner.suffix.lower() in PICTURE_SUFFIXES else stem

    @cached_property
    def plain_stem(self) -> str:
        """The stem, equal for names that only differ in case or in how accents are stored."""
        return plain(self.stem)

    @cached_property
    def core(self) -> tuple[str, ...]:
        """Words and numbers of the stem without those that tell masks from images."""
        return tuple(word for word in words_of(self.stem) if not is_role(word))

    @cached_property
    def form(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Words of ``core``, and its numbers."""
        words = tuple(word for word in self.core if not word.isdecimal())
        return words, tuple(word for word in self.core if word.isdecimal())

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The folders that tell pictures apart."""
        return self.path.parts[self.skip : -1]

    @cached_property
    def split(self) -> str | None:
        """The split that its folders name; the deepest one counts."""
        found = [self.splits[part] for part in self.parts if part in self.splits]
        return found[-1] if found else None

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """Folders that say something else than the split or 'images' and 'masks': patients."""
        return self._others(self.parts)

    @cached_property
    def inner(self) -> tuple[str, ...]:
        """Those of ``folders`` that lie in one of images or masks, so that they part the images."""
        last = max((n for n, p in enumerate(self.parts) if role_of(p)), default=len(self.parts))
        return self._others(self.parts[last:])

    def _others(self, parts: Sequence[str]) -> tuple[str, ...]:
        return tuple(plain(p) for p in parts if p not in self.splits and not role_of(p))


def list_folder(folder: Path) -> list[PurePosixPath]:
    """Return the files below a folder, sorted; hidden ones and those of systems are passed over.

    Links to files are followed, links to folders are not.

    Raises:
        UserError: there is no such folder, it cannot be read, holds no file or too many.
    """
    if not folder.is_dir():
        raise UserError(f'{folder}: there is no such folder; give the one that holds your data')
    found: list[PurePosixPath] = []
    inside = [PurePosixPath()]
    while inside:
        parent = inside.pop()
        files, folders = _list_one(folder / parent)
        found += [parent / name for name in files]
        inside += [parent / name for name in folders]
        if len(found) > MAX_FILES:
            raise UserError(f'{folder}: more than {MAX_FILES:,} files; give a folder inside of it')
    unwritable = [str(path) for path in found if not _is_line(str(path))]
    if unwritable:
        raise UserError(
            f'{folder}: {len(unwritable)} names are no text in UTF-8, or go over several lines: '
            f'{some(unwritable)}; rename them'
        )
    if not found:
        raise UserError(f'{folder}: no file in it; give the folder that holds your data')
    return sorted(found, key=lambda path: path.parts)


def _list_one(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of files and of folders; what is neither, such as a pipe, is no data."""
    files, folders = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_of_a_system(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file():
                    files.append(entry.name)
    except OSError as error:
        raise UserError(
            f'{folder}: cannot be read ({error.strerror}); let everybody read it'
        ) from None
    return files, folders


def _is_line(name: str) -> bool:
    """Say whether a name can be written into a table."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return len(name.splitlines()) == 1


def _is_of_a_system(name: str) -> bool:
    return name.startswith(('.', '__MACOSX')) or name.lower() in SYSTEM_FILES


def pictures_of(files: Sequence[PurePosixPath]) -> list[Picture]:
    """Return the files with an ending of a picture."""
    found = [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES]
    common: tuple[str, ...] = found[0].parts[:-1] if found else ()
    for path in found:
        parts = path.parts[:-1]
        same = [one == other for one, other in zip(common, parts, strict=False)]
        common = common[: (*same, False).index(False)]
    splits = splits_of(sorted({part for path in found for part in path.parts[:-1]}))
    return [Picture(path, len(common), splits) for path in found]
