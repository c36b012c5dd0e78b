"""The images of a data set as the network gets them."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from ..config.held_datasets import changed
from ..config.stages import require_stage
from ..datasets.channels import viewable
from ..datasets.ground_truth import ground_truth
from ..datasets.seeded_dataset import SeededDataset
from ..datasets.statistics import tells_files
from ..models.picture_size import as_input
from ..visualization.dataset_sheet import Sample
from .runner import PetSegRunner

SPLITS = ('train', 'val', 'test')


def seen_by_network(config: Config, split: str = 'train', epoch: int = 1) -> Iterator[Sample]:
    """Yield the images of an epoch as the network gets them, batch by batch, without normalisation.

    The order and the augmentation of each image are those of a run with the config's seed. MixUp
    and CutMix are as likely, but draw other numbers: a run's depend on its weights' initialisation.

    Args:
        config: resolved config of the training.
        split: split to show: 'train', 'val' or 'test'; augmentation and mixing only happen in
            training.
        epoch: epoch of the training, counted from 1.

    Raises:
        UserError: a file cannot be read, or the data do not fill a batch.
    """
    own_seed = config.get('randomness', {}).get('seed') or 0
    seed = own_seed + epoch - 1
    loader = PetSegRunner.build_dataloader(_loader(config, split), own_seed)
    if hasattr(loader.sampler, 'set_epoch'):
        loader.sampler.set_epoch(epoch - 1)
    # Mixing is linear, so what it does to normalised images it does to these.
    plain = dict(mean=[0.0], std=[1.0], per_image=False)
    preprocessor = MODELS.build(config.model['data_preprocessor'] | plain)
    mixed: list[Any] = []
    for augment in preprocessor.batch_augments.augments:
        augment.register_forward_hook(lambda module, *_: mixed.append(module))
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    for batch in loader:
        mixed.clear()
        seen = preprocessor(batch, training=split == 'train')
        names = [sample.sample_id for sample in seen['data_samples']]
        for module in mixed:
            names = _mixed_names(names, module)
        for image, sample, name in zip(seen['inputs'], seen['data_samples'], names, strict=True):
            pixels = image.round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
            pixels = viewable(pixels)
            mask = as_input(ground_truth(sample)[None], sample, pixels.shape[:2])[0].numpy()
            yield Sample(name, pixels, mask)


def _mixed_names(names: Sequence[str], augment: Any) -> list[str]:
    """Return what a batch is to be called: of whom the most is to be seen comes first."""
    kind = type(augment).__name__
    mixture = getattr(augment, 'mixture', None)  # one of somebody else may not tell
    if mixture is None:
        return [f'{name}, {kind}' for name in names]
    found = []
    for name, partner in zip(names, mixture.partner.tolist(), strict=True):
        shares = {names[partner]: 1 - mixture.share, name: mixture.share}
        parts = sorted(shares.items(), key=lambda part: -part[1])
        text = ' + '.join(f'{one} {share:.0%}' for one, share in parts)
        found.append(f'{text if len(parts) > 1 else name}, {kind}')
    return found


def _loader(config: Config, split: str) -> dict[str, Any]:
    """Return a loader without processes, and without a cache, which has the same pixels."""
    require_stage(config, split, config.filename)
    loader = dict(config[f'{split}_dataloader'])
    dataset = changed(loader['dataset'], cache=False)
    return loader | dict(dataset=dataset, num_workers=0, persistent_workers=False)


def files_of(config: Config, split: str) -> Any:
    """Return the data set of a split for what its files are, without a pipeline.

    One that does not say which files it has, as our own do, keeps its pipeline.
    """
    require_stage(config, split, config.filename)
    settings = changed(config[f'{split}_dataloader']['dataset'], cache=False)
    files = SeededDataset.build(changed(settings, pipeline=[]))
    return files if tells_files(files) else SeededDataset.build(settings)
