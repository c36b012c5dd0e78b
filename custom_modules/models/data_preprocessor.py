"""From a batch of the data loader to normalised tensors on the device."""

from collections.abc import Sequence

import torch
from mmengine.model import ImgDataPreprocessor
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from ..base.errors import UserError
from .batch_mixing import OneOfBatchAugments


@MODELS.register_module()
class BinarySegPreprocessor(ImgDataPreprocessor):
    """Stack, move to the device, BGR to RGB, normalise; in training also mix the batch.

    Args:
        mean: means of the R, G and B channels, in units of 0 to 255, which are subtracted.
        std: standard deviations of the R, G and B channels, in units of 0 to 255, which divide.
        per_image: whether each image is normalised with the mean and standard deviation of all its
            own values instead (z-score, R2); ``mean`` and ``std`` are then not used. A uniform
            image becomes zero.
        batch_augments: configs of MixUp and CutMix; at most one is applied to a batch, with its
            ``prob``.

    Raises:
        UserError: the probabilities of ``batch_augments`` add up to more than 1.
    """

    def __init__(
        self,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (255.0, 255.0, 255.0),
        per_image: bool = False,
        batch_augments: Sequence[dict] = (),
    ) -> None:
        super().__init__(mean=mean, std=std, bgr_to_rgb=True)
        self.per_image = per_image
        self.batch_augments = OneOfBatchAugments(batch_augments)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare one batch.

        Args:
            data: batch with ``inputs``, uint8 (N, 3, H, W) or a list of (3, H, W), BGR as OpenCV
                reads it, and ``data_samples``, a list of SegDataSample or absent.
            training: whether ``batch_augments`` apply.

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
        data_samples = self.cast_data(data.get('data_samples'))
        images = self.normalise(images)
        if training and self.batch_augments.augments:
            images = self._mix(images, data_samples)
        return dict(inputs=images, data_samples=data_samples)

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """Return RGB images (N, 3, H, W), float, 0 to 255, as the network wants them."""
        if not self.per_image:
            return (images - self.mean) / self.std
        std, mean = torch.std_mean(images, dim=(1, 2, 3), correction=0, keepdim=True)
        return (images - mean) / std.clamp_min(1e-3)

    def _mix(self, images: torch.Tensor, data_samples: list[SegDataSample]) -> torch.Tensor:
        masks = torch.cat([sample.gt_sem_seg.data for sample in data_samples])
        images, masks = self.batch_augments(images, masks)
        for sample, mask in zip(data_samples, masks, strict=True):
            sample.gt_sem_seg = PixelData(data=mask[None])
        return images
