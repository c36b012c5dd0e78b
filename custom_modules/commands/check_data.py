"""What ``tools/prepare_data.py --check CONFIG`` does: all faults of all splits at once."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ..base.errors import UserError
from ..base.progress import ProgressBar
from ..config import LoadedConfig
from ..datasets.list_file import some
from ..datasets.statistics import NO_FILES, tells_files
from ..datasets.transforms.loading import LoadImage, LoadMask
from ..engine.seen_images import files_of

#: Faults that are printed; the rest is counted.
SHOWN = 40


def check_data(config: LoadedConfig) -> None:
    """Read every image and mask of a config as a training and a test would, and print all faults.

    Raises:
        UserError: there are faults; each was printed with its file and what to do.
    """
    faults: list[str] = []
    split_of: dict[str, str] = {}
    images = 0
    for split in ('train', 'val', 'test'):
        if not config.resolved.get(f'{split}_dataloader'):
            continue
        try:
            dataset = files_of(config.resolved, split)
            if not tells_files(dataset):
                raise UserError(f'the data set does not say which files it has; {NO_FILES}')
        except UserError as error:
            faults.append(f'{split}: {error}')
            continue
        entries = [dataset.get_data_info(n) for n in range(_length(dataset))]
        shared = [e['img_path'] for e in entries if split_of.get(e['img_path'], split) != split]
        if shared:
            faults.append(
                f'{split}: {len(shared):,} images are in another split too: {some(shared)}; an '
                'image belongs into one of them'
            )
        split_of |= {entry['img_path']: split for entry in entries}
        images += len(entries)
        shares = []
        for fault, share in _read_all(split, entries):
            if fault:
                faults.append(f'{split}: {fault}')
            else:
                shares.append(share)
        if shares:
            print(
                f'{split}: {len(entries):,} images, foreground {np.mean(shares):.1%} of the '
                f'pixels, {sum(share == 0 for share in shares):,} images without',
                flush=True,
            )
    for fault in faults[:SHOWN]:
        print(f'fault: {fault}')
    if len(faults) > SHOWN:
        print(f'fault: {len(faults) - SHOWN:,} more')
    if faults:
        raise UserError(f'{config.path}: {len(faults):,} faults in {images:,} images')
    print(f'{config.path}: {images:,} images and masks, all in order')


def _length(dataset: Any) -> int:
    """Return the number of images, copies not counted."""
    return len(dataset) // (1 + getattr(dataset, 'n_aug', 0))


def _read_all(split: str, entries: list[dict]) -> Iterator[tuple[str, float]]:
    """Yield a fault, or '' and the share of foreground, for each image."""
    with ThreadPoolExecutor(os.cpu_count()) as pool, ProgressBar(split, len(entries)) as bar:
        for found in pool.map(_read, entries):
            yield found
            bar.advance()


def _read(entry: dict) -> tuple[str, float]:
    try:
        results = LoadMask().transform(LoadImage().transform(dict(entry)))
    except UserError as error:
        return str(error), 0.0
    mask = results['gt_seg_map']
    counted = int((mask != 255).sum())
    if not counted:
        return f'{Path(entry["seg_map_path"])}: no pixel of it counts; leave the image out', 0.0
    return '', float((mask == 1).sum()) / counted
