"""Encoders whose first stages do not learn."""

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import nn

from ..base.errors import UserError


class FreezableEncoder(BaseModule):
    """An encoder that keeps its first stages as they are: no gradients, BatchNorm as in a test.

    A class that inherits calls ``freeze`` at the end of its ``__init__``.

    Args:
        init_cfg: config of MMEngine's initialisation; None keeps PyTorch's.
    """

    #: Modules of each stage, the first first; those that ``freeze`` was told.
    stages: Sequence[Sequence[nn.Module]] = ()

    _frozen: Sequence[nn.Module] = ()

    def freeze(self, stages: Sequence[Sequence[nn.Module]], frozen_stages: int) -> None:
        """Freeze the stages up to and with the one of this number, as MMSegmentation counts them.

        Args:
            stages: modules of each stage; the stem of a ResNet is stage 0.
            frozen_stages: number of the last stage that is frozen; -1 freezes none.

        Raises:
            UserError: there is no stage of that number.
        """
        if not -1 <= frozen_stages < len(stages):
            raise UserError(
                f'{type(self).__name__}: frozen_stages={frozen_stages} is not allowed; use -1 for '
                f'none, or the last of the stages 0 to {len(stages) - 1}'
            )
        self.stages = [[*stage] for stage in stages]
        self._frozen = [part for stage in stages[: frozen_stages + 1] for part in stage]
        for part in self._frozen:
            part.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Any:
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self
