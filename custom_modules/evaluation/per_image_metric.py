"""What the metrics share: one result per image, exchanged between ranks as counts."""

from typing import ClassVar

from mmengine.evaluator import BaseMetric


class PerImageMetric(BaseMetric):
    """A metric with one result per image, which ranks exchange in memory.

    MMEngine's default goes through files in the working directory.
    """

    default_prefix: ClassVar[str] = ''  # the metrics keep their names: Dice, not pet/Dice

    def __init__(self) -> None:
        super().__init__(collect_device='gpu')
