"""The predicted masks of a test as files."""

from collections.abc import Sequence
from pathlib import Path

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
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def before_test(self, runner: Runner) -> None:
        make_writable(self.folder, '--out')

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
