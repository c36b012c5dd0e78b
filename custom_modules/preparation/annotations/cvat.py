"""CVAT's XML for images, read from its beginning to its end without entities."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from xml.parsers import expat

import numpy as np

from ...base.errors import UserError
from .areas import Area, Ellipse, Polygons, Runs, box
from .entry import Entry, Parsed, text_of
from .numbers import MAX_BYTES, parse_number, run_lengths, size_of
from .splits import split_of_name

#: Shapes that cover no area.
NO_AREAS = ('points', 'polyline', 'skeleton', 'cuboid', 'tag')

AREAS = ('polygon', 'box', 'mask', 'ellipse')


def is_cvat(path: Path) -> bool:
    """Say whether an XML begins with CVAT's root element."""
    try:
        with open(path, 'rb') as file:
            return b'<annotations' in file.read(4096)
    except OSError as error:
        raise UserError(f'{path}: cannot be read ({error.strerror})') from None


def read_cvat(path: Path, file: PurePosixPath, parsed: Parsed) -> None:
    """Add what one XML holds to ``parsed``.

    Args:
        path: the XML.
        file: the XML below the folder of the data.
        parsed: receives entries and faults.
    """
    with parsed.at(str(path)):
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f'larger than {MAX_BYTES:,} bytes')
        reader = _Reader(path, file, parsed)
        try:
            with open(path, 'rb') as stream:
                reader.parser.ParseFile(stream)
        except expat.ExpatError as error:
            raise ValueError(f'no XML ({error})') from None


class _Reader:
    """Makes entries of the elements as they come."""

    def __init__(self, path: Path, file: PurePosixPath, parsed: Parsed) -> None:
        self.path = path
        self.file = file
        self.parsed = parsed
        self.entry: Entry | None = None
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.refuse

    def refuse(self, *_: object) -> None:
        """Refuse declarations: they can name files, and multiply a word to fill the memory."""
        raise ValueError('has a DOCTYPE, which CVAT does not write')

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take an element's attributes."""
        if name == 'track':
            raise ValueError("holds tracks of a video; export it as 'CVAT for images'")
        if name == 'image':
            where = f'{self.path}: image {attributes.get("name")}'
            self.entry = None
            with self.parsed.at(where):
                size = size_of(int(attributes['height']), int(attributes['width']))
                split = split_of_name(attributes.get('subset', ''))
                self.entry = Entry(
                    where, text_of(attributes, 'name'), self.file.parent, size, split=split
                )
                self.parsed.entries.append(self.entry)
        elif self.entry is not None and name in NO_AREAS:
            self.parsed.leave_out(name)
        elif self.entry is not None and name in AREAS:
            with self.parsed.at(f'{self.entry.where}: {name} {len(self.entry.drawn) + 1}'):
                order = int(attributes.get('z_order', 0))
                self.entry.add(text_of(attributes, 'label'), _area(name, attributes), order)

    def end(self, name: str) -> None:
        """Leave an image."""
        if name == 'image':
            self.entry = None


def _area(kind: str, attributes: Mapping[str, str]) -> Area:
    def numbers(*names: str) -> list[float]:
        return [parse_number(attributes[name]) for name in names]

    turn = parse_number(attributes.get('rotation', '0'))
    if kind == 'polygon':
        pairs = [pair.split(',') for pair in attributes['points'].split(';')]
        points = np.array([[parse_number(x), parse_number(y)] for x, y in pairs])
        if len(points) < 3:
            raise ValueError(f'a polygon of {len(points)} points')
        return Polygons([points])
    if kind == 'box':
        left, top, right, bottom = numbers('xtl', 'ytl', 'xbr', 'ybr')
        return box(left, top, right, bottom, turn)
    if kind == 'ellipse':
        x, y, *axes = numbers('cx', 'cy', 'rx', 'ry')
        if min(axes) <= 0:
            raise ValueError('an ellipse without a radius')
        return Ellipse((x, y), (axes[0], axes[1]), turn)
    left, top, width, height = (int(number) for number in numbers('left', 'top', 'width', 'height'))
    size = size_of(height, width)
    counts = [int(count) for count in attributes['rle'].split(',')]
    return Runs(run_lengths(counts, size), size, (top, left))
