"""An exported network in the place of a model's own."""

from pathlib import Path
from typing import Any

import torch

from ..base.errors import UserError
from ..datasets.image_reading import ImageReading
from ..models import BinarySegmentor
from ..models.data_preprocessor import BinarySegPreprocessor
from .exported_files import load_exported
from .metadata import reading_of


def use_exported(model: BinarySegmentor, path: Path, reading: ImageReading) -> dict[str, Any]:
    """Let an exported file compute a model's logits, with the file's normalisation and threshold.

    Args:
        model: model built from the config that the file was exported with; its weights are not
            used.
        path: path of the exported file, ``.onnx`` or ``.xml``.
        reading: rule by which the images are read that the file is tested with.

    Returns:
        The file's metadata, the training of its checkpoint among them.

    Raises:
        UserError: the file cannot be used, or was exported for images that are read otherwise.
    """
    logits, facts = load_exported(path)
    own = reading_of(facts, reading)
    if own != reading:
        raise UserError(
            f'{path}: is for images read as {own}; here they are read as {reading}. Test it with '
            'the in_channels and image_reading of its own config'
        )
    channels = getattr(model.decode_head, 'out_channels', 1)

    def network(inputs: torch.Tensor) -> torch.Tensor:
        pixels = inputs.round().to(torch.uint8)
        found = torch.from_numpy(logits(pixels.cpu().numpy())).to(inputs.device)
        # Two channels whose difference is the logit of the foreground.
        return found if channels == 1 else torch.cat([torch.zeros_like(found), found], dim=1)

    device = model.data_preprocessor.device
    model.data_preprocessor = BinarySegPreprocessor(
        mean=[0.0], std=[1.0], in_channels=model.in_channels
    ).to(device)
    model.network = network
    model.threshold = float(facts['threshold'])
    return facts
