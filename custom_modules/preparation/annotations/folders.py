"""Which split an image is in, as annotation files and folders say it."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from ...base.errors import UserError
from ...base.json_file import read_text
from .entry import Entry
from .numbers import MAX_BYTES
from .pictures import Pictures
from .splits import split_of_folders


def splits_of(
    folder: Path,
    entries: Mapping[PurePosixPath, Entry],
    places: Mapping[str, Sequence[str]],
    pictures: Pictures,
) -> tuple[dict[PurePosixPath, str], list[str]]:
    """Return the split of each image that has one, and lines about what was found.

    Args:
        folder: folder of the data.
        entries: image below it -> its entry.
        places: folder or list, as a YAML writes it -> splits that it is said to be.
        pictures: the pictures below the folder.

    Raises:
        UserError: a list that the YAML names cannot be read.
    """
    said: dict[PurePosixPath, set[str]] = {}
    for place, splits in places.items():
        for image in _members(folder, place, entries, pictures):
            said.setdefault(image, set()).update(splits)
    found, notes = {}, []
    for image, entry in entries.items():
        named = said.get(image, set())
        split = entry.split or split_of_folders(image)
        if len(named) == 1:
            split = next(iter(named))
        if split and len(named) < 2:
            found[image] = split
    several = sum(len(named) > 1 for named in said.values())
    if several:
        notes.append(f'{several:,} images are said to be in more than one split; that is left out')
    return found, notes


def _members(
    folder: Path,
    place: str,
    entries: Mapping[PurePosixPath, Entry],
    pictures: Pictures,
) -> list[PurePosixPath]:
    """Return the images of a folder, or of a list of names, as a YAML writes it."""
    parts = tuple(
        part for part in PurePosixPath(place.replace('\\', '/')).parts if part[0] not in './'
    )
    if not parts:
        return []
    if not parts[-1].endswith('.txt'):
        return [image for image in entries if _holds(image.parent.parts, parts)]
    path = folder.joinpath(*parts)
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        return []
    found = []
    for line in read_text(path, MAX_BYTES).splitlines():
        try:
            image = pictures.find(line.strip(), PurePosixPath(*parts[:-1]))
        except ValueError as error:
            raise UserError(f'{path}: {error}') from None
        if image is not None and image in entries:
            found.append(image)
    return found


def _holds(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    """Say whether folders have some others among them, one after the other."""
    return any(
        tuple(parts[start : start + len(wanted)]) == tuple(wanted)
        for start in range(len(parts) - len(wanted) + 1)
    )
