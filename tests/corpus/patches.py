"""Settings of patches and windows that no run could mean, each said before anything is read."""

from collections.abc import Callable
from pathlib import Path

from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.config import load_config
from custom_modules.engine.training_check import check_training

from .case import Case

CONFIG = PROJECT_ROOT / 'configs' / 'binary_masks_unet_patches.py'

_SIDE, _OVERLAP = 'use an integer from 16 to 16,384', 'use a number from 0 to 0.75'
_LOADS = "dict(type='LoadImage'), dict(type='LoadMask')"
_PACKS = "dict(type='PackBinarySegInputs')"

#: Option -> part of the message; '' where the config can be trained.
OPTIONS = {
    'patch_size=70000': f'patch_size = 70000 is not allowed; {_SIDE}',
    'patch_size=0': f'patch_size = 0 is not allowed; {_SIDE}',
    'patch_size=(64,64)': f'patch_size = (64, 64) is not allowed; {_SIDE}',
    'patch_size=None': f'patch_size = None is not allowed; {_SIDE}',
    'patch_size=250': 'must be multiples of 16; use patch_size = 256',
    'overlap=1': f'overlap = 1 is not allowed; {_OVERLAP}',
    'overlap=-0.1': f'overlap = -0.1 is not allowed; {_OVERLAP}',
    'overlap=nan': f'overlap = nan is not allowed; {_OVERLAP}',
    'foreground_share=1.5': 'foreground_share = 1.5 is not allowed; use a number from 0 to 1',
    'foreground_share=nan': 'foreground_share = nan is not allowed; use a number from 0 to 1',
    'patches_per_image=0': 'patches_per_image = 0 is not allowed; use an integer from 1',
    'image_size=512': "nothing uses the key 'image_size'",
    'val_dataloader.batch_size=4': 'pictures that are seen in windows come one by one',
    'shard=True': 'each process waits for the others at each window',
    f"test_pipeline=[{_LOADS}, dict(type='ResizeForScoring', scale=256), {_PACKS}]": (
        'patches of one scale, a test of another: images as they are in train_pipeline, 256x256'
    ),
    f"test_pipeline=[{_LOADS}, dict(type='RandomCrop', size=256), {_PACKS}]": (
        'its pipeline has a RandomCrop, and would score patches'
    ),
    'patch_size=1024': '',
    'foreground_share=0': '',
    'overlap=0.75': '',
}


def _check(option: str) -> Callable[[Path], str]:
    def run(_: Path) -> str:
        check_training(load_config(CONFIG, [option]).resolved)
        return 'the config is loaded'

    return run


PATCHES = tuple(
    Case(
        'patches of a config', option, _check(option), said, '' if said else 'the config is loaded'
    )
    for option, said in OPTIONS.items()
)
