"""Images of a config's own data, as an exported network takes them."""

from collections.abc import Iterator, Sequence

import numpy as np
from mmengine.config import Config

from ..base.errors import EmptySplitError
from ..config.held_datasets import changed, described, pipeline_of
from ..datasets.channels import swap_red_and_blue
from ..datasets.seeded_dataset import SeededDataset
from ..models.picture_size import as_input
from ..models.windows import seen_at_once

#: Images that the network sees at a time here.
BATCH = 8


def split_to_compare(config: Config) -> str:
    """Return the split whose images two networks are compared on: 'test', if it has any.

    All images may be those of a cross-validation; then it is 'train'. The split says nothing of
    how good a network is here.

    Args:
        config: resolved config of the model.
    """
    try:
        SeededDataset.build(changed(config.test_dataloader['dataset'], cache=False))
    except EmptySplitError:
        return 'train'
    return 'test'


def real_batches(
    config: Config, split: str, images: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield images (N, C, H, W) uint8, RGB where C is 3, and masks (N, H, W) of 0, 1 and 255.

    Of pictures that are seen in windows it is the window with the most foreground.

    Args:
        config: resolved config of the model.
        split: split to read, 'train' or 'test'; both go through the steps of the test.
        images: largest number of images to read, evenly spread over the split.

    Raises:
        UserError: the data are not there.
    """
    settings = config.test_dataloader['dataset']
    if split == 'train' and not described(settings, 'split'):  # of one's own, told by other means
        settings = config.train_dataloader['dataset']
        settings = changed(settings, pipeline=pipeline_of(config.test_dataloader['dataset']))
    elif split == 'train':
        settings = changed(settings, split=split)
    dataset = SeededDataset.build(changed(settings, cache=False))  # not of all for a few images
    chosen = np.linspace(0, len(dataset) - 1, min(images, len(dataset))).round().astype(int)
    batch: list[tuple[np.ndarray, np.ndarray]] = []
    for index in chosen:
        sample = dataset[int(index)]
        image = sample['inputs']
        packed = sample['data_samples']
        target = as_input(packed.gt_sem_seg.data, packed, image.shape[-2:])
        image, target = seen_at_once(image, target, packed)
        pair = (swap_red_and_blue(image, axis=0).numpy(), target[0].numpy())
        if batch and (batch[0][0].shape != pair[0].shape or len(batch) == BATCH):
            yield _stack(batch)
            batch = []
        batch.append(pair)
    if batch:
        yield _stack(batch)


def _stack(batch: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    images, masks = zip(*batch, strict=True)
    return np.stack(images), np.stack(masks)
