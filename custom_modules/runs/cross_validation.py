"""What a cross-validation leaves on the disk: a run for each fold, and what they say together."""

from pathlib import Path

from ..base.errors import UserError
from .run_folder import LAST, find_run

#: Folders below that of a cross-validation: of the fold k, ``folds/k``; of the results.
FOLDS, OUT_OF_FOLD = 'folds', 'out_of_fold'

#: Which image is held out by which fold.
DIVISION = 'folds.csv'


def is_cross_validation(folder: Path) -> bool:
    """Say whether a folder is that of a cross-validation."""
    return (folder / FOLDS).is_dir()


def member_weights(folder: Path) -> list[Path]:
    """Return the last weights of each fold, of a cross-validation that is done.

    Raises:
        UserError: it is not done, or weights are missing.
    """
    if not (folder / OUT_OF_FOLD / 'metrics.json').is_file():
        raise UserError(
            f'{folder}: the cross-validation is not done; go on with the command that began it'
        )
    folds = sorted((folder / FOLDS).glob('[0-9]*'), key=lambda path: int(path.name))
    weights = []
    for number, fold in enumerate(folds):
        if fold.name != str(number) or not (path := find_run(fold) / LAST).is_file():
            raise UserError(f'{folder / FOLDS / str(number)}: has no {LAST}; run the sweep again')
        weights.append(path)
    if len(weights) < 2:
        raise UserError(f'{folder / FOLDS}: has no folds; run the sweep again')
    return weights
