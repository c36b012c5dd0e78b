"""Test-time augmentation: one image looked at mirrored and in several sizes."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

from ..base.errors import UserError
from .foreground_logits import foreground_logits, logits_of


class TestTimeAugmentation:
    """A network whose probability is the mean over each scale, as it is and mirrored.

    Args:
        network: function that is averaged, (N, 3, H, W) -> logits (N, 1 or 2, H, W).
        divisor: number that the sides of the network's inputs are multiples of; scaled sides are
            rounded to such.
        scales: factors of the image's sides, above 0 and at most 4.

    Raises:
        UserError: a scale is not above 0 and at most 4.
    """

    def __init__(
        self,
        network: Callable[[torch.Tensor], torch.Tensor],
        divisor: int,
        scales: Sequence[float] = (1.0,),
    ) -> None:
        for scale in scales:
            if not 0 < scale <= 4:
                raise UserError(f'--tta {scale:g}: give scales above 0 and at most 4, such as 1.25')
        self.network = network
        self.divisor = divisor
        self.scales = tuple(scales)

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits of the network's layout and the inputs' size; float32."""
        total = torch.zeros_like(inputs[:, :1], dtype=torch.float32)
        for scale in self.scales:
            scaled = self._resize(inputs, scale)
            for mirrored in (False, True):
                logits = self.network(scaled.flip(-1) if mirrored else scaled)
                channels = logits.shape[1]
                logits = foreground_logits(logits.float())
                logits = logits.flip(-1) if mirrored else logits
                if logits.shape[-2:] != inputs.shape[-2:]:
                    logits = F.interpolate(logits, inputs.shape[-2:], mode='bilinear')
                total += logits.sigmoid()
        return logits_of(total / (2 * len(self.scales)), channels)

    def _resize(self, inputs: torch.Tensor, scale: float) -> torch.Tensor:
        size = [
            max(1, round(side * scale / self.divisor)) * self.divisor for side in inputs.shape[-2:]
        ]
        if scale == 1 or size == list(inputs.shape[-2:]):
            return inputs
        return F.interpolate(inputs, size, mode='bilinear', antialias=scale < 1)
