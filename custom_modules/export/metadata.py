"""What an exported file says of itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base.errors import UserError
from ..base.json_file import parse_json
from ..base.records import count, nothing, number, one_of, record, text
from ..datasets.image_reading import ImageReading
from ..runs.metrics_json import TRAINING

#: Key of the JSON in every format.
METADATA = 'petseg.json'

#: Of its layout.
VERSION = 1


def _reading(value: Any, place: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f'{place} is no rule of reading')
    ImageReading.of(value)


_VERSION = record(('version',), version=count())
_SHAPE = record(
    ('size_divisor', 'threshold', 'precision'),
    size_divisor=count(1, 256),
    threshold=number(0, 1),
    precision=text(20),
    weights=text(64),
    training=one_of(nothing, TRAINING),
    image_reading=one_of(nothing, _reading),
)


def stored_precision(texts: Mapping[str, str]) -> str | None:
    """Return the precision that a file's texts name; None if they name none."""
    try:
        return parse_json(texts[METADATA])['precision']
    except (KeyError, TypeError, ValueError):
        return None


def read_metadata(path: Path, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the metadata of a file, from the texts that it carries.

    Raises:
        UserError: the file has no metadata, or those of another version, or a value in them is not
            sound.
    """
    try:
        facts = parse_json(texts[METADATA])
        _VERSION(facts, '')
        if facts['version'] != VERSION:
            raise UserError(f'{path}: version {facts["version"]!r} of the metadata is not known')
        _SHAPE(facts, '')
        if facts['size_divisor'] & (facts['size_divisor'] - 1):
            raise ValueError(f'size_divisor is {facts["size_divisor"]}, not a power of two')
    except (KeyError, ValueError) as error:
        if isinstance(error, UserError):
            raise UserError(f'{path}: {str(error).removeprefix(f"{path}: ")}') from None
        raise UserError(f'{path}: was not written by tools/export.py ({error!r})') from None
    return facts


def reading_of(facts: Mapping[str, Any], otherwise: ImageReading) -> ImageReading:
    """Return how a file's images are read, by its metadata; ``otherwise`` for an older file."""
    stored = facts.get('image_reading')
    return otherwise if stored is None else ImageReading.of(stored)
