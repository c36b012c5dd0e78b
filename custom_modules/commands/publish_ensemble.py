"""What ``tools/publish.py`` does with a cross-validation: its networks become one model."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..base.errors import UserError
from ..config import LoadedConfig
from ..export.ensemble import ensemble_config, joined
from ..runs.checkpoint_io import load_checkpoint
from ..runs.cross_validation import OUT_OF_FOLD, member_weights
from ..runs.metrics_json import read_metrics
from ..runs.safetensors_io import save_safetensors
from .publish import publish


def publish_ensemble(
    config: LoadedConfig,
    cross_validation: Path,
    folder: Path,
    *,
    metrics: Sequence[Path] = (),
    tuned: bool = False,
    **settings: Any,
) -> list[Path]:
    """Publish the networks of all folds as one model, whose probability is the mean of theirs.

    Args:
        config: loaded config that the folds were trained with.
        cross_validation: folder of a cross-validation, as ``tools/sweep.py --folds`` leaves it.
        folder: folder to write.
        metrics: ``metrics.json`` of tests of the ensemble; empty takes the out-of-fold metrics.
        tuned: whether the threshold is the one with the best out-of-fold Dice; else it is that of
            the metrics.
        settings: what else ``publish`` takes.

    Returns:
        Paths of the files in the folder, sorted.

    Raises:
        UserError: the cross-validation is not done, has no thresholds to choose from, or
            ``publish`` refuses something.
    """
    weights = member_weights(cross_validation)
    found = cross_validation / OUT_OF_FOLD / 'metrics.json'
    threshold = _best_threshold(found) if tuned else None
    checkpoint = joined([load_checkpoint(path) for path in weights])
    with TemporaryDirectory() as place:
        file = Path(place, 'ensemble.safetensors')
        save_safetensors(checkpoint, file)
        return publish(
            ensemble_config(config, len(weights)),
            str(file),
            folder,
            metrics=metrics or [found],
            threshold=threshold,
            **settings,
        )


def _best_threshold(path: Path) -> float:
    best = read_metrics(path).get('validation', {}).get('best_threshold')
    if best is None:
        raise UserError(
            f'{path}: has no curve of thresholds, because its config has no val_dataloader; leave '
            '--tune-threshold out'
        )
    return float(best)
