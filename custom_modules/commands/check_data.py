"""What ``tools/prepare_data.py --check CONFIG`` does: all faults of all splits at once."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

import numpy as np

from ..base.errors import UserError
from ..base.paths import short_path
from ..base.progress import ProgressBar
from ..config import LoadedConfig
from ..datasets.list_file import some
from ..datasets.statistics import NO_FILES, tells_files
from ..datasets.transforms.loading import LoadImage, LoadMask
from ..engine.seen_images import files_of
from ..preparation.near_duplicates import Looks, lines_about, small_picture

#: Faults that are printed; the rest is counted.
SHOWN = 40


def check_data(config: LoadedConfig) -> None:
    """Read every image and mask of a config as a training and a test would, and print all faults.

    Raises:
        UserError: there are faults; each was printed with its file and what to do.
    """
    faults: list[str] = []
    entry_of: dict[PurePosixPath, dict] = {}
    split_of: dict[str, str] = {}
    looks = Looks()
    for split in ('train', 'val', 'test'):
        if not config.resolved.get(f'{split}_dataloader'):
            continue
        try:
            entries = _entries(config, split)
        except UserError as error:
            faults.append(f'{split}: {error}')
            continue
        shared = [e['img_path'] for e in entries if split_of.get(e['img_path'], split) != split]
        if shared:
            faults.append(
                f'{split}: {len(shared):,} images are in another split too: {some(shared)}; an '
                'image belongs into one of them'
            )
        shares = []
        for entry, found in zip(entries, _read_all(split, entries), strict=True):
            split_of[entry['img_path']] = split
            if isinstance(found, str):
                faults.append(f'{split}: {found}')
                continue
            small, share = found
            shares.append(share)
            image = PurePosixPath(short_path(entry['img_path']))
            entry_of[image] = entry
            looks.add(image, split, small)
        if shares:
            print(
                f'{split}: {len(entries):,} images, foreground {np.mean(shares):.1%} of the '
                f'pixels, {sum(share == 0 for share in shares):,} images without',
                flush=True,
            )
    for line in lines_about(looks.near_duplicates(lambda image: _image(entry_of[image]))):
        print(f'note: {line}')
    for fault in faults[:SHOWN]:
        print(f'fault: {fault}')
    if len(faults) > SHOWN:
        print(f'fault: {len(faults) - SHOWN:,} more')
    if faults:
        raise UserError(f'{config.path}: {len(faults):,} faults in {len(split_of):,} images')
    print(f'{config.path}: {len(split_of):,} images and masks, all in order')


def _entries(config: LoadedConfig, split: str) -> list[dict]:
    """Return the entries of a split, copies not counted."""
    dataset = files_of(config.resolved, split)
    if not tells_files(dataset):
        raise UserError(f'the data set does not say which files it has; {NO_FILES}')
    images = len(dataset) // (1 + getattr(dataset, 'n_aug', 0))
    return [dataset.get_data_info(n) for n in range(images)]


#: A small picture of the image and its share of foreground, or what is wrong.
_Found = tuple[np.ndarray, float] | str


def _read_all(split: str, entries: list[dict]) -> Iterator[_Found]:
    """Yield what was found of each image."""
    with ThreadPoolExecutor(os.cpu_count()) as pool, ProgressBar(split, len(entries)) as bar:
        for found in pool.map(_read, entries):
            yield found
            bar.advance()


def _read(entry: dict) -> _Found:
    try:
        results = LoadMask().transform(LoadImage().transform(dict(entry)))
    except UserError as error:
        return str(error)
    mask = results['gt_seg_map']
    counted = int((mask != 255).sum())
    if not counted:
        return f'{entry["seg_map_path"]}: no pixel of it counts; leave the image out'
    return small_picture(results['img']), float((mask == 1).sum()) / counted


def _image(entry: dict) -> np.ndarray:
    image: np.ndarray = LoadImage().transform(dict(entry))['img']
    return image
