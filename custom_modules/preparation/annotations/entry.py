"""What an annotation file says about one image."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ...base.errors import UserError
from ...datasets.reading.formats import DECODING_ERRORS
from .areas import Area
from .numbers import Size

#: Category of what has none.
UNNAMED = 'object'


@dataclass(frozen=True)
class Drawn:
    """Something that was drawn on an image.

    Attributes:
        category: what it is.
        area: the pixels that it covers.
        order: what lies above has a larger one.
    """

    category: str
    area: Area
    order: int = 0


@dataclass
class Entry:
    """An image as an annotation file describes it.

    Attributes:
        where: annotation file and place in it, for messages.
        name: the image's file, as it is written there.
        beside: folder of the annotation file, below the folder of the data.
        size: (H, W) of the image in pixels, if it is written there.
        drawn: what was drawn.
        objects: category -> number of objects, of which some may have several parts.
        split: 'train', 'val' or 'test', if the annotation file says so.
        embedded: annotation file that holds the image itself, if one does.
    """

    where: str
    name: str
    beside: PurePosixPath
    size: Size | None = None
    drawn: list[Drawn] = field(default_factory=list)
    objects: dict[str, int] = field(default_factory=dict)
    split: str | None = None
    embedded: Path | None = None

    def add(self, category: str, area: Area, order: int = 0, new: bool = True) -> None:
        """Add something that was drawn; ``new`` unless it is a further part of an object."""
        self.drawn.append(Drawn(category, area, order))
        self.objects[category] = self.objects.get(category, 0) + new


@dataclass
class Parsed:
    """What the annotation files of one format hold.

    Attributes:
        format: the format's name.
        entries: one for each image.
        parents: super-category -> its categories.
        crowds: number of regions with many objects.
        no_areas: what covers no area, such as 'point' -> how many there are.
        boxes: places of objects that have a box and no outline.
        folders: folder, as it is written -> splits that it is said to be.
        faults: lines about what cannot be used.
    """

    format: str
    entries: list[Entry] = field(default_factory=list)
    parents: dict[str, list[str]] = field(default_factory=dict)
    crowds: int = 0
    no_areas: dict[str, int] = field(default_factory=dict)
    boxes: list[str] = field(default_factory=list)
    folders: dict[str, list[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        """Turn what is wrong at a place into a line of ``faults``."""
        try:
            yield
        except UserError as error:
            self.faults.append(str(error))
        except (TypeError, AttributeError, LookupError) as error:
            self.faults.append(f'{where}: is not as the format has it ({error!r})')
        except DECODING_ERRORS as error:
            self.faults.append(f'{where}: {error}')

    def leave_out(self, kind: str) -> None:
        """Count something that covers no area."""
        self.no_areas[kind] = self.no_areas.get(kind, 0) + 1


def text_of(values: Mapping[str, Any], key: str) -> str:
    """Return a text of a dict.

    Raises:
        ValueError: it is not there, empty, or no text.
    """
    text = values.get(key)
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f'{key} is {text!r}, no name')
    return text.strip()
