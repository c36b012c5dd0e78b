"""From a batch of the data loader to normalised tensors on the device."""

from collections.abc import Sequence

import torch
from mmengine.model import ImgDataPreprocessor
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from ..base.errors import UserError
from ..datasets.channels import COLOURS, swap_red_and_blue
from .batch_mixing import OneOfBatchAugments
from .distillation import Teacher

#: Mean and standard deviation of ImageNet's red, green and blue, with which all recipes begin.
IMAGENET = ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])


@MODELS.register_module()
class BinarySegPreprocessor(ImgDataPreprocessor):
    """Stack, move to the device, BGR to RGB, normalise; in training also mix the batch.

    Args:
        mean: means of the channels (R, G, B, or as the images have them), in units of 0 to 255,
            which are subtracted.
        std: standard deviations of the channels, in units of 0 to 255, which divide.
        per_image: whether each image is normalised with the mean and standard deviation of all its
            own values instead (z-score, R2); ``mean`` and ``std`` are then not used. A uniform
            image becomes zero.
        batch_augments: configs of MixUp and CutMix; at most one is applied to a batch, with its
            ``prob``.
        in_channels: number of channels of the images. Three numbers that are all the same, or those
            of ImageNet's colours, stand for any other number of channels too: by their mean.

    Raises:
        UserError: the probabilities of ``batch_augments`` add up to more than 1, or there are other
            numbers of means than channels.
    """

    def __init__(
        self,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (255.0, 255.0, 255.0),
        per_image: bool = False,
        batch_augments: Sequence[dict] = (),
        in_channels: int = COLOURS,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        for name, values in (('mean', mean), ('std', std)):
            numbers = torch.tensor(_of_each_channel(name, values, in_channels))
            self.register_buffer(name, numbers.view(-1, 1, 1), persistent=False)
        self.per_image = per_image
        self.batch_augments = OneOfBatchAugments(batch_augments)
        #: Of a distillation: who sees the images of a training too; the training puts it here.
        self.teacher: Teacher | None = None

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare one batch.

        Args:
            data: batch with ``inputs``, uint8 (N, C, H, W) or a list of (C, H, W), BGR as OpenCV
                reads it where C is 3, and ``data_samples``, a list of SegDataSample or absent.
            training: whether ``batch_augments`` apply.

        Returns:
            ``inputs``, float32 (N, C, H, W), RGB where C is 3, normalised, and ``data_samples`` on
            the device; in the training of a distillation also ``teacher_inputs``, the same images,
            mixed the same way, in the teacher's normalisation.

        Raises:
            UserError: the images of the batch differ in size, or have not ``in_channels``.
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
        if images.shape[1] != self.in_channels:
            raise UserError(
                f'images of {images.shape[1]} channels, and in_channels = {self.in_channels}; '
                'let the data set read as many: image_reading = dict(channels=$in_channels)'
            )
        # The copy is made before the conversion: a quarter of the bytes travel.
        images = images.to(self.device, non_blocking=True)
        images = swap_red_and_blue(images, axis=1).float()
        data_samples = self.cast_data(data.get('data_samples'))
        every = [self.normalise(images)]
        if training and self.teacher is not None:
            every.append(self.teacher.normalise(images))
        if training and self.batch_augments.augments:
            every = self._mix(every, data_samples)
        names = ('inputs', 'teacher_inputs')
        return dict(zip(names, every, strict=False)) | dict(data_samples=data_samples)

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """Return images (N, C, H, W), float, 0 to 255, as the network wants them."""
        if not self.per_image:
            return (images - self.mean) / self.std
        std, mean = torch.std_mean(images, dim=(1, 2, 3), correction=0, keepdim=True)
        return (images - mean) / std.clamp_min(1e-3)

    def _mix(
        self, every: Sequence[torch.Tensor], data_samples: list[SegDataSample]
    ) -> list[torch.Tensor]:
        """Mix the images, in one or two normalisations, and their masks.

        Channels are mixed alike, so that one draw serves both normalisations exactly.
        """
        masks = torch.cat([sample.gt_sem_seg.data for sample in data_samples])
        images, masks = self.batch_augments(torch.cat([*every], 1), masks)
        for sample, mask in zip(data_samples, masks, strict=True):
            sample.gt_sem_seg = PixelData(data=mask[None])
        return [*images.split(self.in_channels, 1)]


def _of_each_channel(name: str, values: Sequence[float], channels: int) -> list[float]:
    """Return a number for each channel.

    Raises:
        UserError: there are as many numbers as another image has channels.
    """
    if len(values) == channels:
        return [*map(float, values)]
    if len(set(values)) == 1 or [*values] in IMAGENET:
        return [sum(values) / len(values)] * channels
    raise UserError(
        f'preprocessor: {name} has {len(values)} numbers and in_channels = {channels}; give one '
        'for each channel, as tools/dataset_statistics.py prints them'
    )
