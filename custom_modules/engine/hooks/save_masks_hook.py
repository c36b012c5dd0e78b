"""The predicted masks of a test as files, and the probabilities that they were made of."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmseg.structures import SegDataSample

from ...base.paths import make_writable
from ...base.picture_file import write_picture


@HOOKS.register_module()
class SaveMasksHook(Hook):
    """Write ``<folder>/<id>.png``, 0 background and 255 foreground, at the size that was scored.

    Args:
        folder: folder for the masks; created if it is not there.
        probabilities: folder for the probabilities of the foreground, in 8 bits: 255 for 1; None
            keeps none.
    """

    def __init__(self, folder: str, probabilities: str | None = None) -> None:
        self.folder = Path(folder)
        self.probabilities = None if probabilities is None else Path(probabilities)

    def before_test(self, runner: Runner) -> None:
        make_writable(self.folder, '--out')
        if self.probabilities is not None:
            make_writable(self.probabilities, '--out')

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[SegDataSample] | None = None,
    ) -> None:
        for sample in outputs or ():
            mask = sample.pred_sem_seg.data[0].cpu().numpy() * 255
            write_picture(self.folder / f'{sample.sample_id}.png', mask)
            if self.probabilities is not None:
                probability = sample.seg_logits.data[0].sigmoid().cpu().numpy()
                picture = (255 * probability).round().astype(np.uint8)
                write_picture(self.probabilities / f'{sample.sample_id}.png', picture)


def pictures_hook(folder: Path, probabilities: bool) -> dict[str, str]:
    """Return the config of the hook that fills ``masks`` and ``probabilities`` of a folder.

    Args:
        folder: folder of the results of a test.
        probabilities: whether the probabilities are kept too.
    """
    more = dict(probabilities=str(folder / 'probabilities')) if probabilities else {}
    return dict(type='SaveMasksHook', folder=str(folder / 'masks'), **more)
