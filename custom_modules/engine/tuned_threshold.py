"""The threshold that was chosen on the validation images, in a file beside the checkpoint."""

import json
from pathlib import Path

from ..errors import UserError
from ..whole_file import whole_file


def side_file(checkpoint: Path) -> Path:
    """Return ``best.threshold.json`` for ``best.pth``."""
    return checkpoint.with_suffix('.threshold.json')


def save_threshold(
    checkpoint: Path, chosen: dict[str, float], conditions: dict[str, object]
) -> None:
    """Write the side file of a checkpoint.

    Args:
        checkpoint: a ``.pth`` file.
        chosen: ``threshold`` and the ``Dice`` it gives.
        conditions: what it was chosen under; a test under others does not use it.
    """
    with whole_file(side_file(checkpoint)) as file:
        file.write(json.dumps(chosen | conditions, indent=2) + '\n')


def find_threshold(
    checkpoint: Path, conditions: dict[str, object]
) -> tuple[float | None, str | None]:
    """Return the tuned threshold of a checkpoint, and a line about it; None where there is none.

    The threshold is None too if it was chosen under other conditions; the line says which.

    Raises:
        UserError: the side file holds no threshold.
    """
    path = side_file(checkpoint)
    found = _read(path)
    if not found:
        return None, None
    threshold = found['threshold']
    for key, value in conditions.items():
        if found.get(key) != value:
            return None, (
                f'threshold {threshold:g} of {path.name} not used: it was tuned with {key} = '
                f'{found.get(key)}, this is {value}; tune again with --tune-threshold'
            )
    return threshold, (
        f'threshold {threshold:g} of {path.name}, tuned on {found.get("num_images", 0):,} images '
        f'of the split {found.get("split")!r} (Dice {found["Dice"]:.4f} there)'
    )


def stored_threshold(checkpoint: str | Path) -> float | None:
    """Return the tuned threshold of a checkpoint, whatever the conditions; None without one.

    Raises:
        UserError: the side file holds no threshold.
    """
    return _read(side_file(Path(checkpoint))).get('threshold')


def _read(path: Path) -> dict:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
        found |= dict(threshold=float(found['threshold']), Dice=float(found['Dice']))
        if not 0 < found['threshold'] < 1:
            raise ValueError(f'threshold {found["threshold"]} is not between 0 and 1')
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f'{path}: holds no threshold ({error}); remove it or test with --tune-threshold'
        ) from None
    return found
