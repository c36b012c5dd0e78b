"""Whether training can read the masks where they lie, and by which table of their values."""

from collections.abc import Sequence

import numpy as np

from .group import Group
from .labels import BACKGROUND, FOREGROUND, IGNORED, ByColour, ByThreshold, Labels

#: Of LoadMask.
LABEL_OF = {BACKGROUND: 0, FOREGROUND: 1, IGNORED: 255}

Encoding = dict[int, int]


def encodings_of(found: Sequence[tuple[Group, Labels]]) -> list[Encoding] | None:
    """Return tables from the values of the files to 0, 1 and 255 (ignored), as LoadMask takes them.

    LoadMask uses the first table that has all values of a file. So the tables are only given if the
    first one that fits each file says what the rule of the file's kind says.

    Returns:
        The tables, or None where the masks have to be converted.
    """
    tables: list[Encoding] = []
    for group, labels in found:
        table = _table(group, labels)
        if table is None:
            return None
        if table not in tables:
            tables.append(table)
    tables.sort(key=len)
    if len(tables) > 1 and not all(_read_right(group, labels, tables) for group, labels in found):
        return None
    return tables


def _table(group: Group, labels: Labels) -> Encoding | None:
    """Return the table of one kind, or None where its files are not read by a table."""
    if isinstance(labels, ByColour):
        return None
    if isinstance(labels, ByThreshold):
        if any(
            look.read_as is None or not np.array_equal(look.read_as, look.values)
            for look in group.looks
        ):
            return None
        return dict(enumerate(_labels(labels, np.arange(256))))
    table: Encoding = {}
    for look in group.looks:
        if look.read_as is None:
            return None
        wanted = _labels(labels, look.values)
        for value, label in zip(look.read_as.tolist(), wanted, strict=True):
            if table.setdefault(value, label) != label:
                return None
    return dict(sorted(table.items()))


def _read_right(group: Group, labels: Labels, tables: Sequence[Encoding]) -> bool:
    for look in group.looks:
        values = [] if look.read_as is None else look.read_as.tolist()
        table = next(table for table in tables if all(value in table for value in values))
        if [table[value] for value in values] != _labels(labels, look.values):
            return False
    return True


def _labels(labels: Labels, values: np.ndarray) -> list[int]:
    return [LABEL_OF[label] for label in labels.of(values).tolist()]
