"""CVAT's export of masks: pictures in the colours of a ``labelmap.txt``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from ...base.errors import UserError
from ...base.json_file import read_text
from ...datasets.image_io import read_stored_mask
from ..mask_kinds.view import packed
from .entry import Entry, Parsed
from .numbers import Size
from .splits import split_of_folders

LABELMAP = 'labelmap.txt'

#: Folder of the classes; that of the objects beside it says no more about two classes.
CLASSES = 'SegmentationClass'

BACKGROUND, BLACK = 'background', 0


@dataclass(frozen=True)
class OneColour:
    """The pixels of one colour of a picture.

    Attributes:
        path: the picture.
        colour: 0xRRGGBB.
    """

    path: Path
    colour: int

    def check(self, size: Size) -> None:
        """Pass: the entry has the picture's own size."""

    def paint(self, canvas: np.ndarray, label: int) -> None:
        canvas[colours_of(self.path) == self.colour] = label


def colours_of(path: Path) -> np.ndarray:
    """Return (H, W) 0xRRGGBB of a picture of classes.

    Raises:
        UserError: it cannot be read.
    """
    stored = read_stored_mask(path)
    if stored.palette is not None:
        return packed(stored.palette[:, :3])[stored.pixels]
    pixels = stored.pixels if stored.pixels.ndim == 3 else stored.pixels[..., None].repeat(3, 2)
    if pixels.dtype != np.uint8 or pixels.shape[2] < 3:
        raise UserError(f'{path}: holds no colours of 8 bits, as CVAT writes them')
    return packed(pixels)


def read_labelmap(path: Path) -> dict[int, str]:
    """Return colour -> category of CVAT's ``label:r,g,b:parts:actions``; none if it is another's.

    Raises:
        UserError: it cannot be read.
    """
    found: dict[int, str] = {BLACK: BACKGROUND}
    for line in read_text(path).splitlines():
        name, _, rest = line.partition(':')
        channels = rest.split(':')[0].split(',')
        if line.startswith('#') or len(channels) != 3:
            continue
        if not all(channel.strip().isdecimal() and int(channel) < 256 for channel in channels):
            continue
        red, green, blue = map(int, channels)
        found[red << 16 | green << 8 | blue] = name.strip()
    return found if len(found) > 1 else {}


def read_mask_export(
    folder: Path, files: Sequence[PurePosixPath], names: Mapping[int, str], parsed: Parsed
) -> set[PurePosixPath]:
    """Add all pictures of classes to ``parsed``, and return which files are no images.

    Args:
        folder: folder of the data.
        files: all files below it.
        names: colour -> category.
        parsed: receives entries and faults.
    """
    masks = {file for file in files if {CLASSES, 'SegmentationObject'} & set(file.parent.parts)}
    for file in sorted(masks):
        if CLASSES not in file.parent.parts or file.suffix.lower() != '.png':
            continue
        path = folder / file
        with parsed.at(str(path)):
            colours = colours_of(path)
            unknown = set(np.unique(colours).tolist()) - set(names)
            if unknown:
                shown = ', '.join(f'#{colour:06x}' for colour in sorted(unknown)[:3])
                raise ValueError(f'has colours that {LABELMAP} does not name: {shown}')
            size = int(colours.shape[0]), int(colours.shape[1])
            split = split_of_folders(file)
            entry = Entry(str(path), file.stem, file.parent.parent, size, split=split)
            for colour in np.unique(colours).tolist():
                if names[colour] != BACKGROUND:
                    entry.add(names[colour], OneColour(path, colour))
            parsed.entries.append(entry)
    return masks
