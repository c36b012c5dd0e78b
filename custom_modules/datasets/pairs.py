"""Which image belongs to which mask, and which files are neither."""

import os
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import UserError
from .list_file import some

#: What Windows leaves in folders of pictures; like hidden files they are passed over.
SYSTEM_FILES = {'thumbs.db', 'desktop.ini'}


@dataclass(frozen=True)
class Pairs:
    """Images and masks by stem, in the order of the stems.

    Attributes:
        images: stem -> image file.
        masks: stem -> mask file, for the same stems.
        left_out: files and folders beside the pairs that are not read, such as 'images/notes.txt'.
    """

    images: dict[str, Path]
    masks: dict[str, Path]
    left_out: list[str]


def find_pairs(images: Path, masks: Path, endings: Collection[str]) -> Pairs:
    """Pair the files of two folders by their stems.

    Hidden files are passed over. A file with another ending is left out, unless a file of the other
    folder has its stem: then it is data that nobody would miss, and an error.

    Args:
        images: folder of the images.
        masks: folder of the masks.
        endings: endings of the files that are read, in small letters with their dot, such as
            '.png'.

    Raises:
        UserError: a folder is missing, empty or both are one; a file has no partner; two files have
            one stem, or stems that differ only in case; pairs have an ending that is not read.
    """
    image_files, other_images = _files(images, endings)
    mask_files, other_masks = _files(masks, endings)
    if images.samefile(masks):
        raise UserError(f'{images}: images and masks are one folder; put them into two')
    known = f'known are {", ".join(sorted(endings))}'
    for folder, files, others in (
        (images, image_files, other_images),
        (masks, mask_files, other_masks),
    ):
        if not files:
            seen = f', but {some([path.name for path in others])}' if others else ''
            raise UserError(f'{folder}: no images in it{seen}; {known}')
    image_of, mask_of = _by_stem(images, image_files), _by_stem(masks, mask_files)
    _refuse_orphans(images, image_of, masks, mask_of, other_masks)
    _refuse_orphans(masks, mask_of, images, image_of, other_images)
    unread = {path.stem for path in other_images} & {path.stem for path in other_masks}
    unread -= image_of.keys()
    if unread:
        suffixes = sorted({path.suffix for path in other_images if path.stem in unread})
        raise UserError(
            f'{images}: {len(unread)} pairs have an ending that is not read '
            f'({some(suffixes)}): {some(sorted(unread))}; {known}; convert them, or move them away'
        )
    left_out = [
        f'{path.parent.name}/{path.name}{"/" if path.is_dir() else ""}'
        for path in other_images + other_masks
    ]
    return Pairs(image_of, {stem: mask_of[stem] for stem in image_of}, left_out)


def _files(folder: Path, endings: Collection[str]) -> tuple[list[Path], list[Path]]:
    """Return the files with one of the endings, and what else is in the folder; both sorted."""
    read: list[Path] = []
    others: list[Path] = []
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith('.') or entry.name.lower() in SYSTEM_FILES:
                    continue
                path = Path(folder, entry.name)
                taken = path.suffix.lower() in endings and not entry.is_dir()
                (read if taken else others).append(path)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f'{folder}: there is no such folder; it should hold the files of the data set'
        ) from None
    except OSError as error:
        raise UserError(
            f'{folder}: cannot be read ({error.strerror}); let everybody read it'
        ) from None
    return read, others


def _by_stem(folder: Path, files: list[Path]) -> dict[str, Path]:
    same: dict[str, list[Path]] = {}
    for path in files:
        same.setdefault(_alike(path.stem), []).append(path)
    for group in same.values():
        if len({path.stem for path in group}) > 1:
            raise UserError(
                f'{folder}: {some([path.name for path in group])} differ only in case or accents; '
                'elsewhere they are one file, so rename them'
            )
        if len(group) > 1:
            raise UserError(
                f'{folder}: {len(group)} files are called {group[0].stem!r}; keep one of them'
            )
    unwritable = [path.stem for path in files if not _is_text(path.stem)]
    if unwritable:
        raise UserError(
            f'{folder}: {len(unwritable)} names are no text in UTF-8: {some(unwritable)}; '
            'rename them'
        )
    return {path.stem: path for path in files}


def _refuse_orphans(
    folder: Path,
    files: dict[str, Path],
    other: Path,
    partners: dict[str, Path],
    unread: list[Path],
) -> None:
    alone = sorted(files.keys() - partners.keys())
    if not alone:
        return
    alike = {_alike(stem): stem for stem in partners}
    hint = ''
    if _alike(alone[0]) in alike:
        hint = f'; {alike[_alike(alone[0])]!r} is written differently'
    for path in unread:
        if path.stem == alone[0]:
            hint = f'; the ending of {path.name!r} is not read'
    raise UserError(
        f'{folder}: {len(alone)} files have no partner of the same stem in {other}: '
        f'{some(alone)}{hint}; add the partners or move the files away'
    )


def _alike(stem: str) -> str:
    """Return what is equal for names that are one on a system that does not tell cases apart."""
    return unicodedata.normalize('NFC', stem).casefold()


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
