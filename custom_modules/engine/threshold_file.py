"""The threshold that was tuned for a checkpoint, in a file beside it."""

import json
from pathlib import Path

from ..errors import UserError


def stored_threshold(checkpoint: str | Path) -> float | None:
    """Return ``threshold`` of ``<checkpoint stem>.threshold.json``, or None without such a file.

    Raises:
        UserError: the file holds no threshold from 0 to 1.
    """
    path = Path(checkpoint).with_suffix('.threshold.json')
    if not path.is_file():
        return None
    try:
        threshold = float(json.loads(path.read_text(encoding='utf-8'))['threshold'])
    except (ValueError, KeyError, TypeError, OSError):
        threshold = -1.0
    if not 0 <= threshold <= 1:
        raise UserError(
            f'{path}: holds no "threshold" from 0 to 1; remove the file or tune the threshold again'
        )
    return threshold
