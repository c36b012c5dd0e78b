"""The part of a model that every exported format holds."""

import copy

import torch
from torch import nn

from ..models import BinarySegmentor
from ..models.data_preprocessor import BinarySegPreprocessor
from ..models.foreground_logits import foreground_logits
from ..models.network import logits_of


class ExportableModel(nn.Module):
    """Normalisation and network: from pixels to the logits of the foreground.

    What is outside, in the metadata of each format: bringing the image to the size of the recipe,
    the sigmoid, and the threshold. So logits can be upsampled to the photograph's own size before
    they are compared, as ``tools/predict.py`` does.

    Args:
        model: model with its weights; encoder and head are copied.
        dtype: dtype of weights and convolutions; pixels stay uint8 and logits float32.
        sides: height and width of all images, for a network whose operators fix them; None for any.
    """

    def __init__(
        self,
        model: BinarySegmentor,
        dtype: torch.dtype = torch.float32,
        sides: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.sides = sides
        self.in_channels = model.in_channels
        self.preprocessor = BinarySegPreprocessor(
            per_image=model.data_preprocessor.per_image, in_channels=self.in_channels
        )
        self.preprocessor.mean = model.data_preprocessor.mean.clone()
        self.preprocessor.std = model.data_preprocessor.std.clone()
        for part in ('backbone', 'neck', 'decode_head'):
            module = getattr(model, part)
            setattr(self, part, None if module is None else copy.deepcopy(module).to(dtype))
        self.size_divisor = model.size_divisor
        self.dtype = dtype
        self.eval()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 1, H, W), float32, of images (N, C, H, W), uint8, RGB where C is 3."""
        pixels = self.preprocessor.normalise(image.float()).to(self.dtype)
        return foreground_logits(logits_of(self, pixels)).float()


def fixes_the_size(model: BinarySegmentor) -> bool:
    """Say whether the network's operators can be written down for images of one size alone.

    Necks, heads and whole networks of MMSegmentation ask for sizes as numbers of Python
    (``resize``, pooling to a size), which an export notes as constants.
    """
    parts = (model.neck, model.decode_head, model.backbone if model.decode_head is None else None)
    return any(type(part).__module__.startswith('mmseg.') for part in parts)
