"""Annotation files of a folder, told apart by what is in them."""

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ...base.errors import UserError
from ...base.json_file import parse_json, read_text
from .coco import is_coco, read_coco
from .cvat import is_cvat, read_cvat
from .entry import Parsed
from .labelme import is_labelme, read_labelme
from .mask_export import LABELMAP, read_labelmap, read_mask_export
from .numbers import MAX_BYTES
from .pictures import Pictures
from .via import is_via, read_via
from .yolo import label_files, looks_like_labels, read_settings, read_yolo

#: What every JSON of a known format holds.
MARKS = ('"shapes"', '"annotations"', '"regions"')

Reader = Callable[[Path, PurePosixPath, Any, Parsed], None]

#: Format -> what tells its JSON from others, and what reads it.
OF_JSON: dict[str, tuple[Callable[[Any], bool], Reader]] = {
    'COCO': (is_coco, read_coco),
    'labelme': (is_labelme, read_labelme),
    'VIA': (is_via, read_via),
}


def parse_folder(folder: Path, files: Sequence[PurePosixPath]) -> tuple[list[Parsed], Pictures]:
    """Return what the annotation files of a folder hold, by format, and the pictures they are for.

    Raises:
        UserError: an annotation file cannot be read.
    """
    found: dict[str, Parsed] = {}

    def of(name: str) -> Parsed:
        return found.setdefault(name, Parsed(name))

    pictures = Pictures(files)
    for file in files:
        path = folder / file
        if file.suffix.lower() == '.json':
            data = _json(path)
            for name, (fits, read) in OF_JSON.items():
                if fits(data):
                    read(path, file, data, of(name))
                    break
        elif file.suffix.lower() == '.xml' and is_cvat(path):
            read_cvat(path, file, of('CVAT'))
        elif file.name == LABELMAP and (names := read_labelmap(path)):
            below = [one for one in files if one.is_relative_to(file.parent)]
            masks = read_mask_export(folder, below, names, of('CVAT'))
            pictures = Pictures([one for one in files if one not in masks])
    if not found:
        _read_yolo(folder, files, pictures, of)
    return [*found.values()], pictures


def _read_yolo(
    folder: Path,
    files: Sequence[PurePosixPath],
    pictures: Pictures,
    of: Callable[[str], Parsed],
) -> None:
    labels = label_files(files, pictures.files)
    if not labels or not all(looks_like_labels(folder / file) for file in labels[:20]):
        return
    settings = read_settings(folder, files)
    if not settings.names and not any((folder / file).stat().st_size for file in labels):
        return
    parsed = of('YOLO')
    for file in labels:
        read_yolo(folder / file, file, settings.names, parsed)
    parsed.folders = settings.splits


def _json(path: Path) -> Any:
    """Return what a JSON holds, or None where it is damaged and no annotation file."""
    text = read_text(path, MAX_BYTES).removeprefix('\ufeff')
    try:
        return parse_json(text, max_bytes=MAX_BYTES, check_numbers=False)
    except ValueError as error:
        if any(mark in text for mark in MARKS):
            raise UserError(f'{path}: cannot be read ({error})') from None
        return None
