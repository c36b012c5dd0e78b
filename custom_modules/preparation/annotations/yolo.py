"""YOLO's texts of polygons: one beside each image or in a folder of labels, and a YAML of names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import yaml

from ...base.errors import UserError
from ...base.json_file import read_text
from .areas import Polygons
from .entry import Entry, Parsed
from .numbers import parse_number

#: Of a text of labels, and of a YAML.
MAX_BYTES, MAX_YAML = 64 << 20, 1 << 20

#: Parts of a side that a point may lie outside; rounded numbers do.
SLACK = 0.01

#: Texts that are no labels, whatever is in them.
OTHER_TEXTS = ('classes', 'train', 'val', 'valid', 'test', 'readme', 'license', 'labelmap')


@dataclass
class Settings:
    """What the YAML of a data set says.

    Attributes:
        names: number of a class -> its name.
        splits: folder, as it is written -> splits that it is named for.
    """

    names: dict[int, str] = field(default_factory=dict)
    splits: dict[str, list[str]] = field(default_factory=dict)


def label_files(
    files: Sequence[PurePosixPath], pictures: Sequence[PurePosixPath]
) -> list[PurePosixPath]:
    """Return the texts that are called after a picture."""
    stems = {file.stem for file in pictures}
    return [
        file
        for file in files
        if file.suffix.lower() == '.txt'
        and file.stem in stems
        and file.stem.lower() not in OTHER_TEXTS
    ]


def looks_like_labels(path: Path) -> bool:
    """Say whether a text is one of numbers, beginning with a whole one; an empty one is.

    Raises:
        UserError: it cannot be read.
    """
    text = read_text(path, MAX_BYTES, errors='replace')
    lines = [line.split() for line in text.splitlines() if line.strip()]
    return all(_is_row(line) for line in lines[:20])


def _is_row(words: Sequence[str]) -> bool:
    try:
        _ = [float(word) for word in words]
    except ValueError:
        return False
    return len(words) > 4 and words[0].isdecimal()


def read_settings(folder: Path, files: Sequence[PurePosixPath]) -> Settings:
    """Return what the YAML with names says; numbers are names where there is none.

    Raises:
        UserError: a YAML with names is damaged, or two say different things.
    """
    found = Settings()
    for file in files:
        if file.suffix.lower() not in ('.yaml', '.yml'):
            continue
        text = read_text(folder / file, MAX_YAML)
        try:
            data = yaml.safe_load(text) if 'names' in text else None
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            reason = ' '.join(str(error).split())
            raise UserError(f'{folder / file}: cannot be read ({reason})') from None
        if not isinstance(data, Mapping) or not isinstance(data.get('names'), list | Mapping):
            continue
        names = _names(data['names'])
        if found.names and found.names != names:
            raise UserError(f'{folder / file}: names other classes than another YAML; keep one')
        found.names = names
        for split in ('train', 'val', 'test'):
            for place in _places(data.get(split)):
                found.splits.setdefault(place, []).append(split)
    return found


def _names(names: Any) -> dict[int, str]:
    pairs = names.items() if isinstance(names, Mapping) else enumerate(names)
    return {
        int(number): str(name)
        for number, name in pairs
        if isinstance(number, int | str)
        and str(number).isdecimal()
        and isinstance(name, str | int | float)  # lists in lists can be a text without end
    }


def _places(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]


def read_yolo(path: Path, file: PurePosixPath, names: Mapping[int, str], parsed: Parsed) -> None:
    """Add the labels of one image to ``parsed``.

    Args:
        path: the text.
        file: the text below the folder of the data.
        names: number of a class -> its name.
        parsed: receives the entry and faults.
    """
    parts = ['images' if part.lower() == 'labels' else part for part in file.parent.parts]
    entry = Entry(str(path), f'{PurePosixPath(*parts) / file.stem}', file.parent)
    with parsed.at(str(path)):
        for number, line in enumerate(read_text(path, MAX_BYTES).splitlines(), 1):
            words = line.split()
            if not words:
                continue
            where = f'{path}: line {number}'
            with parsed.at(where):
                if not words[0].isdecimal():
                    raise ValueError(f'begins with {words[0][:20]!r}, no number of a class')
                category = names.get(int(words[0]), words[0])
                if len(words) == 5:
                    parsed.boxes.append(where)
                    continue
                entry.add(category, _polygon(words[1:]))
        parsed.entries.append(entry)


def _polygon(words: Sequence[str]) -> Polygons:
    if len(words) < 6 or len(words) % 2:
        raise ValueError(f'{len(words)} numbers are no polygon: three pairs of x and y, or more')
    numbers = np.array([parse_number(word) for word in words])
    if not ((numbers >= -SLACK) & (numbers <= 1 + SLACK)).all():
        worst = numbers[np.abs(numbers - 0.5).argmax()]
        raise ValueError(f'{worst:g} is no part of a side, 0 to 1')
    return Polygons([numbers.reshape(-1, 2)], relative=True)
