"""The networks that judge labels: runs, each with the images that it did not train on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import MODELS

from ..base.device import device_of
from ..base.errors import UserError
from ..base.paths import LATEST, follow_latest, resolve_path
from ..config import load_config
from ..config.held_datasets import described
from ..config.written import CODE, DATA
from ..models.binary_segmentor import BinarySegmentor, as_segmentor
from ..models.precision import autocast, resolve_dtype
from ..models.test_time_augmentation import TestTimeAugmentation
from ..runs.checkpoint_io import load_checkpoint, load_weights

#: Weights of a run; the first that is there is taken.
_WEIGHTS = ('best.pth', 'last.pth')


@dataclass(frozen=True)
class Judge:
    """A trained network.

    Attributes:
        folder: folder of its run.
        config: resolved config of the run.
        model: the network with its weights.
        dtype: in what it computes, see ``resolve_dtype``.
        train_images: marks of the images that it trained on; None where its checkpoint, an older
            one, does not say.
    """

    folder: Path
    config: Config
    model: BinarySegmentor
    dtype: torch.dtype
    train_images: list[str] | None

    @torch.inference_mode()
    def samples(self, batch: dict[str, Any]) -> list[Any]:
        """Return the samples of a batch with ``seg_logits`` and ``gt_sem_seg`` of one size."""
        with autocast(self.dtype, get_device()):
            found: list[Any] = self.model.test_step(batch)
        return found


def find_runs(named: str) -> list[Path]:
    """Return the runs that a folder is or holds: one, its ``latest``, or each ``latest`` below it.

    Raises:
        UserError: there is no such folder, or no run with weights in it.
    """
    folder = resolve_path(named)
    if not folder.is_dir():
        raise UserError(f'{named}: there is no such folder; runs are in work_dirs/')
    if _weights(folder):
        return [folder.resolve()]
    own = follow_latest(folder / LATEST)
    links = [own] if own.is_dir() else [follow_latest(link) for link in folder.rglob(LATEST)]
    runs = sorted({link.resolve() for link in links if _weights(link)})
    if not runs:
        raise UserError(
            f'{named}: no run with {" or ".join(_WEIGHTS)} is in this folder; train first, or name '
            'the folder of a run or of a sweep'
        )
    outside = [run for run in runs if not run.is_relative_to(folder.resolve())]
    if outside:
        raise UserError(f'{named}: a latest in it leads out of the folder, to {outside[0]}')
    return runs


def read_judge(folder: Path, options: Sequence[str] = (), execute: bool = False) -> Judge:
    """Read a run: its config as data, its weights without executing anything.

    The weights of a fold are the last ones: the best were chosen by the images to be judged.

    Args:
        folder: folder of the run.
        options: ``key=value`` texts that change the config, such as ``data_root=...``.
        execute: whether the run's ``config.py`` is executed instead, for parts of one's own.

    Raises:
        UserError: config or weights are missing, damaged or do not belong together.
    """
    source = folder / (CODE if execute else DATA)
    if not source.is_file():
        hint = 'add --own-parts to execute its config.py' if not execute else 'train again'
        raise UserError(f'{folder}: has no {source.name}; {hint}')
    try:
        config = load_config(source, options).resolved
    except UserError as error:
        if execute:
            raise
        raise UserError(
            f'{error}; for a run of yours with parts of your own, add --own-parts'
        ) from None
    weights = _weights(folder)
    fold = any(
        described(config[f'{stage}_dataloader']['dataset'], 'fold')
        for stage in ('train', 'val')
        if config.get(f'{stage}_dataloader')
    )
    path = weights[-1] if fold else weights[0]
    checkpoint = load_checkpoint(path)
    model = as_segmentor(MODELS.build(config.model), 'an audit of labels')
    load_weights(model, checkpoint, path)
    # Mirrored too: a better prediction for twice the time.
    divisor = model.size_divisor
    model.network = TestTimeAugmentation(model.network, divisor)
    device = device_of(config)
    return Judge(
        folder,
        config,
        model.to(device).eval(),
        resolve_dtype(config.test_cfg.get('precision', 'fp32'), device),
        checkpoint.get('meta', {}).get('train_images'),
    )


def _weights(folder: Path) -> list[Path]:
    return [folder / name for name in _WEIGHTS if (folder / name).is_file()]
