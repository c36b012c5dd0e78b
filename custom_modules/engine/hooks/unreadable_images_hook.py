"""Images that a training does without are counted and named, and there may not be many."""

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from ...base.errors import UserError


@HOOKS.register_module()
class UnreadableImagesHook(Hook):
    """Name each image that ``unreadable='skip'`` left out, once, and stop when they are too many.

    In several processes each counts its own part.

    Args:
        limit: largest number of images that may be left out.

    Raises:
        UserError: more than ``limit`` images cannot be read.
    """

    def __init__(self, limit: int = 10) -> None:
        self.limit = limit
        self.left_out: dict[str, None] = {}  # in the order in which they were met

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        for sample in (data_batch or {}).get('data_samples', ()):
            for reason in sample.metainfo.get('unreadable', ()):
                if reason not in self.left_out:
                    self.left_out[reason] = None
                    runner.logger.warning(f'left out, {len(self.left_out)} so far: {reason}')
        if len(self.left_out) > self.limit:
            raise UserError(
                f'{len(self.left_out)} images cannot be read and max_unreadable is {self.limit}; '
                'mend the data (tools/prepare_data.py --check names every broken file), or allow '
                'more'
            )

    def state_dict(self) -> dict:
        return dict(left_out=list(self.left_out))

    def load_state_dict(self, state: dict) -> None:
        self.left_out = dict.fromkeys(state['left_out'])
