"""What an exported file says of itself."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..errors import UserError

#: Key of the JSON in every format.
METADATA = 'petseg.json'

#: Of its layout.
VERSION = 1


def weights_digest(weights: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 of a model's weights, whatever file they are in."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def stored_precision(texts: Mapping[str, str]) -> str | None:
    """Return the precision that a file's texts name; None if they name none."""
    try:
        return json.loads(texts[METADATA])['precision']
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


def read_metadata(path: Path, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the metadata of a file, from the texts that it carries.

    Raises:
        UserError: it has none, of another version, or what is needed to predict is not sound.
    """
    try:
        facts = json.loads(texts[METADATA])
        if facts['version'] != VERSION:
            raise UserError(f'{path}: version {facts["version"]!r} of the metadata is not known')
        divisor, threshold = facts['size_divisor'], facts['threshold']
        sound = type(divisor) is int and 1 <= divisor <= 4096 and 0 <= float(threshold) <= 1
        if not sound or not isinstance(facts['precision'], str):
            raise ValueError('values out of range')
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f'{path}: was not written by tools/export.py ({error!r})') from None
    return facts
