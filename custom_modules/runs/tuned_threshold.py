"""The threshold that was chosen on the validation images, in the sidecar file of the checkpoint."""

from pathlib import Path

from ..base.errors import UserError
from ..base.json_file import parse_json, read_text, write_json
from ..base.records import between, count, nothing, number, one_of, record, text

_SHAPE = record(
    ('threshold', 'Dice'),
    threshold=between(0, 1),
    Dice=number(0, 1),
    num_images=count(),
    split=one_of(nothing, text()),
)


def sidecar_file(checkpoint: Path) -> Path:
    """Return the sidecar file of a checkpoint: ``best.threshold.json`` for ``best.pth``."""
    return checkpoint.with_suffix('.threshold.json')


def save_threshold(
    checkpoint: Path, chosen: dict[str, float], conditions: dict[str, object]
) -> None:
    """Write the sidecar file of a checkpoint.

    Args:
        checkpoint: path of the checkpoint, a ``.pth`` file.
        chosen: tuned ``threshold`` and the ``Dice`` that it gives, both 0 to 1.
        conditions: settings that it was chosen under, by name; a test under others does not use it.
    """
    write_json(sidecar_file(checkpoint), chosen | conditions)


def find_threshold(
    checkpoint: Path, conditions: dict[str, object]
) -> tuple[float | None, str | None]:
    """Return the tuned threshold of a checkpoint, and a line about it; None where there is none.

    The threshold is None too if it was chosen under other conditions; the line says which.

    Raises:
        UserError: the sidecar file holds no threshold.
    """
    path = sidecar_file(checkpoint)
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
    """Return the tuned threshold of a checkpoint for single views; None without one.

    One that was tuned with ``--tta`` is for averaged views, which a prediction does not have.

    Raises:
        UserError: the sidecar file holds no threshold.
    """
    found = _read(sidecar_file(Path(checkpoint)))
    return None if found.get('tta') else found.get('threshold')


def passed_over(checkpoint: str | Path) -> list[str]:
    """Return a line about a tuned threshold that ``stored_threshold`` does not return."""
    path = sidecar_file(Path(checkpoint))
    found = _read(path)
    if not found.get('tta'):
        return []
    return [f'threshold {found["threshold"]:g} of {path.name} not used: it was tuned with --tta']


def _read(path: Path) -> dict:
    if not path.exists():
        return {}
    text = read_text(path)
    try:
        found = parse_json(text)
        _SHAPE(found, '')
    except ValueError as error:
        raise UserError(
            f'{path}: holds no threshold ({error}); remove it or test with --tune-threshold'
        ) from None
    return found
