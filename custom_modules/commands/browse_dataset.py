"""What ``tools/browse_dataset.py`` does."""

from itertools import islice
from pathlib import Path

from ..base.errors import UserError
from ..config import LoadedConfig
from ..datasets.statistics import Survey, survey
from ..engine.seen_images import SPLITS, files_of, seen_by_network
from ..visualization.dataset_page import save_dataset_page
from ..visualization.dataset_sheet import save_dataset_sheet


def browse(
    config: LoadedConfig, path: Path, split: str = 'train', number: int = 24, epoch: int = 1
) -> list[Survey]:
    """Show what the network will see of a split, with statistics of all splits.

    Args:
        config: loaded config whose data sets are shown.
        path: picture (.png, .pdf, .svg) or page (.html) to write.
        split: split whose images are shown: 'train', 'val' or 'test'.
        number: number of images to show, 1 or more.
        epoch: epoch of the training to show, counted from 1; each draws other augmentations.

    Returns:
        The statistics of each split that the config has.

    Raises:
        UserError: a mistake in config, data or arguments.
    """
    if number < 1 or epoch < 1:
        raise UserError(f'--number {number} --epoch {epoch}: use 1 or more')
    values = config.resolved
    samples = list(islice(seen_by_network(values, split, epoch), number))
    surveys = [
        survey(files_of(values, name), name) for name in SPLITS if values.get(f'{name}_dataloader')
    ]
    name = config.path.stem
    title = f'{name}: {split}, epoch {epoch}' if split == 'train' else f'{name}: {split}'
    save = save_dataset_page if path.suffix.lower() == '.html' else save_dataset_sheet
    save(samples, surveys, path, title)
    return surveys
