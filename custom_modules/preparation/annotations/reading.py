"""From the annotation files of a folder to its annotated images, or to all that is wrong."""

import pickle
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ...base.errors import UserError
from ...datasets.image_io import Orientation, decode_image, read_orientation
from ...datasets.list_file import some
from ...datasets.reading.formats import DECODING_ERRORS
from ...datasets.reading.orientation import UPRIGHT
from ..answers import Answers
from ..faults import faults_error
from ..mask_kinds.labels import FOREGROUND
from .categories import label_categories
from .entry import Entry, Parsed
from .files import parse_folder
from .folders import splits_of
from .found import Annotations, read_embedded
from .pictures import Pictures


def read_annotations(
    folder: Path, files: Sequence[PurePosixPath | Path], answers: Answers
) -> Annotations | None:
    """Return what annotation files say about the images of a folder.

    Args:
        folder: folder of the data.
        files: all files below it, as paths below it or whole ones.
        answers: what the user has said.

    Returns:
        The annotations, or None where no file is of a known format.

    Raises:
        QuestionError: objects are of several categories, and the user names none.
        UserError: annotation files are of several formats, cannot be read, or do not fit their
            images; the message has a line for each fault.
    """
    below = [PurePosixPath(Path(folder, file).relative_to(folder).as_posix()) for file in files]
    found, pictures = parse_folder(folder, below)
    if not found:
        return None
    if len(found) > 1:
        examples = [f'{one.format} ({one.entries[0].where})' for one in found if one.entries]
        raise UserError(
            f'{folder}: annotations of several formats, {", ".join(examples)}; keep those of one, '
            'or give with --from a folder that has one'
        )
    parsed = found[0]
    _refuse_boxes(parsed)
    entries, missing = _with_images(parsed, pictures)
    embedded = {
        image: entry.embedded
        for image, entry in entries.items()
        if entry.embedded and image not in pictures.known
    }
    orientations = {
        image: orientation
        for image, entry in entries.items()
        if (orientation := _oriented(folder / image, entry, embedded.get(image), parsed))
    }
    if parsed.faults:
        raise faults_error(parsed.faults, 'faults in annotations')
    if not entries:
        raise UserError(
            f'{folder}: none of the {len(missing):,} images that {parsed.format} annotations name '
            f'is there, such as {some(missing)}; put them into the folder'
        )
    used = _counted(entries.values())
    where = f'{folder}: {parsed.format}'
    labels = label_categories(used, parsed.parents, answers, where)
    splits, more = splits_of(folder, entries, parsed.folders, pictures)
    return Annotations(
        format=parsed.format,
        images=[folder / image for image in entries],
        categories=used,
        notes=[*_notes(parsed, entries, missing, pictures, used, labels), *more],
        splits={folder / image: split for image, split in splits.items()},
        embedded={folder / image: path for image, path in embedded.items()},
        entries={folder / image: entry for image, entry in entries.items()},
        labels=labels,
        orientations={folder / image: found for image, found in orientations.items()},
    )


def _refuse_boxes(parsed: Parsed) -> None:
    """Refuse objects without an outline, whose pixels would be taught as background."""
    if parsed.boxes:
        objects = len(parsed.boxes) + sum(_counted(parsed.entries).values())
        parsed.faults.append(
            f'{len(parsed.boxes):,} of {objects:,} objects are boxes without an outline, the first '
            f'is {parsed.boxes[0]}; draw their outlines, take these images out, or '
            'name pictures of masks with --masks'
        )


def _with_images(
    parsed: Parsed, pictures: Pictures
) -> tuple[dict[PurePosixPath, Entry], list[str]]:
    """Return image -> entry, sorted, and the names of images that are not there."""
    found: dict[PurePosixPath, Entry] = {}
    missing: list[str] = []
    for entry in parsed.entries:
        with parsed.at(entry.where):
            image = pictures.find(entry.name, entry.beside, entry.split)
            if image is None and entry.embedded:
                image = entry.beside / PurePosixPath(entry.name.replace('\\', '/')).name
            if image is None:
                missing.append(entry.name)
            elif image not in found:
                found[image] = entry
            elif pickle.dumps(found[image].drawn) != pickle.dumps(entry.drawn):
                raise ValueError(
                    f'{image} is annotated in another way in {found[image].where}; keep one'
                )
    return dict(sorted(found.items())), missing


def _oriented(
    path: Path, entry: Entry, embedded: Path | None, parsed: Parsed
) -> Orientation | None:
    """Return how an image lies in its file; what does not fit it becomes a fault."""
    with parsed.at(entry.where):
        if embedded is None:
            image = read_orientation(path)
        else:
            try:
                pixels = decode_image(read_embedded(embedded))
            except DECODING_ERRORS as error:
                raise ValueError(f'the image in it cannot be read ({error})') from None
            image = Orientation(UPRIGHT, (int(pixels.shape[0]), int(pixels.shape[1])))
        size = entry.size or image.size
        turned = size == image.size[::-1] and image.exif != UPRIGHT
        if size != image.size and not turned:
            raise ValueError(
                f'annotated at {size[1]} x {size[0]} pixels, the image has {image.size[1]} x '
                f'{image.size[0]}; export image and annotations at one size'
            )
        for drawn in entry.drawn:
            drawn.area.check(size)
        return image
    return None


def _counted(entries: Iterable[Entry]) -> dict[str, int]:
    used: dict[str, int] = {}
    for entry in entries:
        for category, number in entry.objects.items():
            used[category] = used.get(category, 0) + number
    return dict(sorted(used.items()))


def _notes(
    parsed: Parsed,
    entries: Mapping[PurePosixPath, Entry],
    missing: Sequence[str],
    pictures: Pictures,
    used: Mapping[str, int],
    labels: Mapping[str, int],
) -> list[str]:
    """Return lines about what was found, and what is left out."""
    counts = ', '.join(f'{name} ({number:,})' for name, number in used.items())
    chosen = ', '.join(name for name, label in labels.items() if label == FOREGROUND)
    notes = [
        f'{parsed.format} annotations of {len(entries):,} images; objects: {counts}',
        f'foreground: {chosen}',
    ]
    empty = [str(image) for image, entry in entries.items() if not entry.drawn]
    unlabelled = [str(file) for file in pictures.files if file not in entries]
    for names, what in (
        (empty, 'annotated images have no object: their masks are empty'),
        (unlabelled, 'images have no entry and are left out, as nobody has annotated them'),
        (missing, 'images are named and not there'),
    ):
        if names:
            notes.append(f'{len(names):,} {what}: {some(names)}')
    if parsed.crowds:
        notes.append(f'{parsed.crowds:,} crowd regions (iscrowd) are taken for objects')
    for kind, number in parsed.no_areas.items():
        notes.append(f'{number:,} of the kind {kind} cover no area and are left out')
    return notes
