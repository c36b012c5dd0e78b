"""Data at the edge of what there is: one pixel, nothing, everything, one image."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from custom_modules.base.errors import UserError
from custom_modules.commands.test import test as score
from custom_modules.commands.train import train
from custom_modules.config import load_config
from tests.test_loops import NARROW

FEW = ['image_size=32', 'batch_size=1', 'max_epochs=1', 'num_workers=0', 'precision=fp32']


def write(root: Path, masks: list[np.ndarray]) -> None:
    """Write pairs whose images are their masks."""
    for folder in ('images', 'masks'):
        (root / folder).mkdir(parents=True)
        for number, mask in enumerate(masks):
            cv2.imwrite(str(root / folder / f'{number}.png'), mask * 255)


@pytest.mark.parametrize('resolution', ['input', 'original'])
def test_pictures_of_a_pixel_and_masks_of_nothing_and_everything(
    resolution: str, tmp_path: Path
) -> None:
    sizes = [(1, 40), (40, 1), (1, 1), (30, 20), (20, 30)]
    masks = [np.full(size, value, np.uint8) for size in sizes for value in (0, 1)]
    write(tmp_path / 'data', masks * 2)
    for split, names in dict(train=range(10), val=(10, 11), test=range(12, 20)).items():
        (tmp_path / 'data' / f'{split}.txt').write_text('\n'.join(map(str, names)) + '\n')
    options = [*FEW, *NARROW, f'data_root={tmp_path / "data"}', f'resolution={resolution}']
    config = load_config('configs/binary_masks_unet.py', options)
    config.resolved.experiment_name = f'edges_{resolution}'
    run = train(config, str(tmp_path / 'runs'))
    result = score(config, str(run / 'last.pth'), str(tmp_path / 'test'))
    assert result is not None
    assert (result['num_images'], result['num_empty']) == (8, 4)
    metrics = [value for value in result.values() if isinstance(value, float)]
    assert len(metrics) > 8 and all(math.isfinite(value) for value in metrics)


def test_one_value_for_each_channel_is_no_batch(sample: Path, tmp_path: Path) -> None:
    """A batch of one at stride 64: BatchNorm has nothing to normalise."""
    options = ['image_size=64', 'batch_size=1', 'max_epochs=1', 'num_workers=0', 'width=0.0625']
    few = ['train_dataloader.dataset.indices=2', f'data_root={sample}', 'precision=fp32']
    config = load_config('configs/reports/r0_resnet34_unet.py', [*options, *few])
    config.resolved.experiment_name = 'one_value'
    with pytest.raises(UserError, match='use batch_size=2'):
        train(config, str(tmp_path))
