"""The images whose labels can be judged: each with the networks that did not train on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Subset

from ..base.errors import UserError
from ..config.held_datasets import changed, pipeline_of
from ..datasets.seeded_dataset import SeededDataset
from ..datasets.shared_images import image_mark, learned_marks
from ..engine.data_loaders import build_data_loader
from ..runs.trained_with import windows
from .judges import Judge

SPLITS = ('val', 'test', 'train')


@dataclass
class Image:
    """An image of a data set, and who judges it.

    Attributes:
        name: id of the image, as ``per_image.csv`` and a list of ``exclude`` have it.
        split: split of the config that it is in.
        dataset: data set that reads it.
        index: where it is there.
        judges: numbers of the networks that did not train on it.
    """

    name: str
    split: str
    dataset: SeededDataset
    index: int
    judges: list[int]


@dataclass(frozen=True)
class Opinion:
    """What the networks say of an image.

    Attributes:
        image: the image.
        probability: mean over its networks of the foreground's probability, (H, W) float32.
        label: (H, W) uint8, 0, 1 or 255 (ignored).
        file_size: height and width of the file in pixels.
    """

    image: Image
    probability: np.ndarray
    label: np.ndarray
    file_size: tuple[int, int]


def unseen_images(judges: Sequence[Judge], splits: Sequence[str]) -> tuple[list[Image], int]:
    """Return the images of some splits that one network or more did not train on.

    Returns:
        Those images, and the number of the others: that all networks trained on.

    Raises:
        UserError: there is no such image, or the data of a run are not there.
    """
    found: dict[str, Image] = {}
    learned: set[str] = set()
    for number, judge in enumerate(judges):
        known = learned_marks(judge.train_images, judge.config)
        for split in splits:
            dataset = _dataset(judge, split)
            if dataset is None:
                continue
            for index, name in enumerate(dataset.names):
                file = _file(judge, dataset, index)
                if image_mark(file) in known:
                    learned.add(file)
                    continue
                image = found.setdefault(file, Image(name, split, dataset, index, []))
                if number not in image.judges:
                    image.judges.append(number)
    asked = ' and '.join(splits)
    if not found and not learned:
        raise UserError(f'{judges[0].folder}: has no images of {asked}; choose another --split')
    if not found:
        raise UserError(
            f'{judges[0].folder}: trained on all {len(learned):,} images of {asked}, and a label '
            'that was learned looks right; choose another --split, or train folds: '
            'tools/sweep.py CONFIG --folds 5'
        )
    return list(found.values()), len(learned - found.keys())


def _file(judge: Judge, dataset: SeededDataset, index: int) -> str:
    entry = dataset.get_data_info(index) if hasattr(dataset, 'get_data_info') else {}
    if 'img_path' not in entry:
        raise UserError(
            f'{judge.folder}: its data set does not say which files it has, so nobody knows which '
            'images it trained on; let get_data_info return img_path'
        )
    return str(entry['img_path'])


def _dataset(judge: Judge, split: str) -> SeededDataset | None:
    """Return a split as a test sees it; None where the config has no such split."""
    loader = judge.config.get(f'{split}_dataloader')
    if not loader:
        return None
    pipeline = pipeline_of(judge.config.test_dataloader['dataset'])
    plain = dict(cache=False, n_aug=0, test_mode=True, pipeline=pipeline)
    return SeededDataset.build(changed(loader['dataset'], **plain))


def opinions(
    judges: Sequence[Judge], images: Sequence[Image], batch_size: int, num_workers: int | str
) -> Iterator[Opinion]:
    """Yield what is said of each image; the memory does not grow with their number.

    Args:
        judges: networks, by the numbers that the images name.
        images: images to judge.
        batch_size: number of images that a network sees at a time.
        num_workers: number of processes that read, or 'auto'.
    """
    groups: dict[tuple, list[Image]] = {}
    for image in images:
        groups.setdefault((id(image.dataset), tuple(image.judges)), []).append(image)
    for (_, numbers), group in groups.items():
        slides = windows(judges[numbers[0]].config.test_dataloader['dataset'])
        loader = build_data_loader(
            dict(
                batch_size=1 if slides else batch_size,  # pictures in windows come one by one
                num_workers=num_workers,
                sampler=dict(type='DefaultSampler', shuffle=False),
                collate_fn=dict(type='default_collate'),
                dataset=Subset(group[0].dataset, [image.index for image in group]),
            ),
            seed=0,
            diff_rank_seed=False,
        )
        waiting = iter(group)
        for batch in loader:
            said = [judges[number].samples(batch) for number in numbers]
            for samples in zip(*said, strict=True):
                probability = torch.stack([s.seg_logits.data[0].sigmoid() for s in samples]).mean(0)
                label = samples[0].gt_sem_seg.data[0]
                height, width = samples[0].get('ori_shape', label.shape)[:2]
                yield Opinion(
                    next(waiting),
                    probability.float().cpu().numpy(),
                    label.cpu().numpy().astype(np.uint8),
                    (int(height), int(width)),
                )
