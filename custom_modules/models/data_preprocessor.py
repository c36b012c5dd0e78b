"""From a batch of the data loader to normalised tensors on the device."""

from collections.abc import Sequence

import torch
from mmengine.model import ImgDataPreprocessor
from mmengine.registry import MODELS

from ..errors import UserError


@MODELS.register_module()
class BinarySegPreprocessor(ImgDataPreprocessor):
    """Stack, move to the device, BGR to RGB, subtract ``mean`` and divide by ``std``.

    Args:
        mean: of the R, G, B channels, in units of 0 to 255.
        std: of the R, G, B channels, in units of 0 to 255.
    """

    def __init__(
        self,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (255.0, 255.0, 255.0),
    ) -> None:
        super().__init__(mean=mean, std=std, bgr_to_rgb=True)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare one batch.

        Args:
            data: ``inputs``, uint8 (N, 3, H, W) or a list of (3, H, W), BGR as OpenCV reads it;
                ``data_samples``, a list of SegDataSample or absent.
            training: not used; there is nothing random in here.

        Returns:
            ``inputs``, float32 (N, 3, H, W), RGB, normalised, and ``data_samples`` on the device.

        Raises:
            UserError: the images of the batch differ in size.
        """
        images = data['inputs']
        if not isinstance(images, torch.Tensor):
            sizes = {tuple(image.shape[-2:]) for image in images}
            if len(sizes) > 1:
                raise UserError(
                    f'the images of one batch have different sizes {sorted(sizes)}; '
                    'resize them in the pipeline or use a batch size of 1'
                )
            images = torch.stack(list(images))
        # The copy is made before the conversion: a quarter of the bytes travel.
        images = images.to(self.device, non_blocking=True)[:, [2, 1, 0]].float()
        images = (images - self.mean) / self.std
        return dict(inputs=images, data_samples=self.cast_data(data.get('data_samples')))
