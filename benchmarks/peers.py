"""What a user would take instead: the net of segmentation_models.pytorch, where it is installed."""

import torch
from torch import nn


def smp_unet() -> nn.Module | None:
    """Return ``smp.Unet('resnet34')`` without weights, or None if smp cannot be imported."""
    implement = torch.library.Library.impl

    def tolerant(self: torch.library.Library, *args: object, **kwargs: object) -> object:
        # torchvision built for CUDA has no operators on a CPU build of torch, and none is needed.
        try:
            return implement(self, *args, **kwargs)
        except RuntimeError as error:
            if 'does not exist' not in str(error):
                raise
            return None

    torch.library.Library.impl = tolerant  # type: ignore[method-assign]
    try:
        import segmentation_models_pytorch
    except (ImportError, RuntimeError) as error:
        print(f'segmentation_models.pytorch is not here ({error}); its row stays empty')
        return None
    finally:
        torch.library.Library.impl = implement  # type: ignore[method-assign]
    return segmentation_models_pytorch.Unet('resnet34', encoder_weights=None)
