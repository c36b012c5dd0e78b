"""Encoder, decode head and losses together: the model that the configs name."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from ..base.errors import UserError
from ..datasets.channels import COLOURS
from ..datasets.ground_truth import ground_truth
from ..datasets.size_changes import box_of_picture, leads_back, redo_size_changes, undo_size_changes
from .encoder_and_head import build_head, check_in_channels
from .foreground_logits import check_logits, foreground_logits, upsample_logits
from .losses.of_mmseg import check_losses, loss_of
from .losses.target import foreground_and_valid
from .windows import Windows


@MODELS.register_module()
class BinarySegmentor(BaseModel):
    """Sigmoid of one logit per pixel, or softmax of two (R2), and a threshold.

    Args:
        backbone: config of an ``Encoder``.
        decode_head: config of a ``DecodeHead``; see ``build_head`` for its ``in_channels``.
        losses: configs of the loss terms, each with a ``loss_name`` of its own; summed in training.
        threshold: probability above which a pixel is foreground, 0 to 1.
        resolution: where predictions are scored: 'input', the size the network sees (the reports'
            protocol), or 'original', the size of the file (logits upsampled bilinearly).
        data_preprocessor: config of the preprocessor, see BinarySegPreprocessor.
        init_cfg: config of MMEngine's initialisation; None keeps PyTorch's.

    Raises:
        UserError: ``resolution`` is unknown, encoder, head and preprocessor do not fit each other,
            two loss terms have one name, or one is not for masks of two classes.
    """

    def __init__(
        self,
        backbone: dict,
        decode_head: dict,
        losses: list[dict],
        threshold: float = 0.5,
        resolution: str = 'input',
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if resolution not in ('input', 'original'):
            raise UserError(
                f'BinarySegmentor: resolution={resolution!r} is not allowed; '
                "use 'input' or 'original'"
            )
        #: Of the images that the network sees: 3 where an own preprocessor does not say.
        self.in_channels: int = getattr(self.data_preprocessor, 'in_channels', COLOURS)
        check_in_channels(backbone, self.in_channels)
        self.backbone = MODELS.build(backbone)
        self.decode_head = build_head(decode_head, self.backbone)
        self.losses = nn.ModuleList(MODELS.build(loss) for loss in losses)
        check_losses([*self.losses])
        names = [loss.loss_name for loss in self.losses]
        if len(set(names)) < len(names):
            raise UserError(f'BinarySegmentor: two losses have one loss_name in {names}')
        self.threshold = threshold
        self.resolution = resolution
        #: Inputs -> logits; the runner puts a compiled one here.
        self.network: Callable[[torch.Tensor], torch.Tensor] = self._network

    def forward(
        self,
        inputs: torch.Tensor,
        data_samples: list[SegDataSample] | None = None,
        mode: str = 'tensor',
    ) -> torch.Tensor | dict[str, torch.Tensor] | list[SegDataSample]:
        """Run the network in one of MMEngine's three modes.

        Args:
            inputs: normalised images, (N, C, H, W), float.
            data_samples: samples of the N images; ``gt_sem_seg.data`` (1, h, w) holds 0, 1 or 255
                (ignored).
            mode: 'tensor' returns the logits of the foreground (N, 1, H, W), float32; 'loss' a dict
                of scalars, the terms and ``dice``, this batch's mean Dice of the thresholded masks,
                which is shown and not trained; 'predict' the samples with ``pred_sem_seg`` (uint8,
                0 or 1), ``seg_logits`` and, where there is a ground truth, ``losses`` (floats: the
                loss terms of this batch).

        Raises:
            UserError: H or W does not fit the network; the message names the size to use. In
                'predict', a logit is NaN.
        """
        logits = self._logits(inputs)
        if mode == 'tensor':
            return foreground_logits(logits)
        assert data_samples is not None
        if mode == 'loss':
            target = self._target(logits, data_samples)
            return self._loss_terms(logits, target) | dict(dice=self._batch_dice(logits, target))
        return self._predictions(logits, data_samples)

    def val_step(self, data: dict) -> list[SegDataSample]:
        return self.test_step(data)

    def test_step(self, data: dict) -> list[SegDataSample]:
        """Return the samples of a batch with what 'predict' adds to them.

        Pictures whose pipeline has a SlidingWindow are seen in its windows, one by one, each window
        normalised as a patch of the training; their losses are of the whole picture.
        """
        if not any('sliding_window' in sample for sample in data.get('data_samples') or ()):
            return super().test_step(data)
        found = []
        samples = self.data_preprocessor.cast_data(data['data_samples'])
        for picture, sample in zip(data['inputs'], samples, strict=True):
            logits = Windows(**sample.sliding_window).logits(self._see, picture)
            found += self._predictions(logits[None], [sample])
        return found

    def _see(self, pictures: list[torch.Tensor]) -> torch.Tensor:
        return self._logits(self.data_preprocessor(dict(inputs=pictures))['inputs'])

    def _network(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.decode_head(self.backbone(inputs))

    def _logits(self, inputs: torch.Tensor) -> torch.Tensor:
        height, width = inputs.shape[-2:]
        check_sides(width, height, self.decode_head.size_divisor)
        logits = self.network(inputs)
        return logits.float()  # losses and thresholds are computed in fp32 under autocast too

    @staticmethod
    def _target(logits: torch.Tensor, data_samples: list[SegDataSample]) -> torch.Tensor:
        size = logits.shape[-2:]
        return torch.cat([as_input(ground_truth(s)[None], s, size) for s in data_samples])

    def _loss_terms(self, logits: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        return {str(loss.loss_name): loss_of(loss, logits, target) for loss in self.losses}

    def _mask(self, logits: torch.Tensor) -> torch.Tensor:
        return logits.sigmoid() > self.threshold

    @torch.no_grad()
    def _batch_dice(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        foreground, valid = foreground_and_valid(foreground_logits(logits), target)
        mask = self._mask(foreground_logits(logits)) * valid
        pixels = (1, 2, 3)
        total = mask.sum(pixels) + foreground.sum(pixels)
        both_empty = total == 0
        return ((2 * (mask * foreground).sum(pixels) + both_empty) / (total + both_empty)).mean()

    def _predictions(
        self, logits: torch.Tensor, data_samples: list[SegDataSample]
    ) -> list[SegDataSample]:
        losses: dict[str, float] = {}
        if all('gt_sem_seg' in sample for sample in data_samples):
            terms = self._loss_terms(logits, self._target(logits, data_samples))
            losses = {name: term.item() for name, term in terms.items()}
        for sample_logits, sample in zip(foreground_logits(logits), data_samples, strict=True):
            check_logits(sample_logits, sample.get('img_path', 'an image'))
            if self.resolution == 'original':
                sample_logits = at_original_size(sample_logits, sample)
                _leave_truth_at_original_size(sample)
            else:
                sample_logits = without_padding(sample_logits, sample)
            mask = self._mask(sample_logits).to(torch.uint8)
            sample.pred_sem_seg = PixelData(data=mask)
            sample.seg_logits = PixelData(data=sample_logits)
            sample.set_field(losses, 'losses')
        return data_samples


def as_segmentor(model: nn.Module, needed_by: str) -> BinarySegmentor:
    """Return a model whose network can be run alone; a model of one's own need not have one.

    Args:
        model: model as a config has it built.
        needed_by: what runs the network, for the message, such as '--tta'.

    Raises:
        UserError: it is no BinarySegmentor.
    """
    if not isinstance(model, BinarySegmentor):
        raise UserError(
            f'{needed_by}: runs the network of a BinarySegmentor, and {type(model).__name__} is '
            'none; let its class inherit from BinarySegmentor'
        )
    return model


def check_sides(width: int, height: int, divisor: int, patch: bool = False) -> None:
    """Refuse an image whose sides are no multiples of what a network divides them by.

    Args:
        width: width of the network's input, in pixels.
        height: height of the network's input, in pixels.
        divisor: number that both have to be multiples of.
        patch: whether the image is a patch or a window, whose size has another name.

    Raises:
        UserError: a side is no multiple of ``divisor``; the message names the size to use.
    """
    if height % divisor or width % divisor:
        fitting = [max(1, round(side / divisor)) * divisor for side in (width, height)]
        setting = f'patch_size = {fitting[0]}' if patch else f'image_size = {(*fitting,)}'
        raise UserError(
            f'an image of {width}x{height} does not fit this network: width and height must be '
            f'multiples of {divisor}; use {setting}'
        )


def as_input(
    mask: torch.Tensor, sample: SegDataSample, size: Sequence[int], outside: int = 255
) -> torch.Tensor:
    """Return a mask of a sample, (1, H, W), as the network's input of ``size`` lies.

    It is of that size already or of the file's. Each pixel is the one at its centre, as
    ``resize_mask`` does it; 'nearest' would shift it.

    Args:
        mask: ground truth or predicted mask of the sample, (1, H, W).
        sample: sample that the mask belongs to.
        size: height and width of the network's input.
        outside: value of what was padded around the picture; 255 is ignored by losses and metrics.

    Raises:
        UserError: the mask has neither the network's size nor that of the file.
    """
    size, found = torch.Size(size), mask.shape[-2:]
    if found == size:
        return mask
    if found != torch.Size(sample.get('ori_shape', ())[:2]):
        raise UserError(
            f'{sample.get("img_path", "an image")}: the network sees {size[1]}x{size[0]} pixels, '
            f'its mask has {found[1]}x{found[0]}: a step of the pipeline moves images and no '
            "masks (it has to change 'gt_seg_map' too)"
        )
    mask = redo_size_changes(mask, sample.get('size_changes', ()), outside)
    if mask.shape[-2:] != size:
        mask = F.interpolate(mask[None], size, mode='nearest-exact')[0]
    return mask


def without_padding(values: torch.Tensor, sample: SegDataSample) -> torch.Tensor:
    """Return what lies in the picture; masks of the sample that are padded are cut to it as well.

    Padding is neither right nor wrong, whatever it is filled with.

    Args:
        values: logits or pixels of the network's input, (C, h, w).
        sample: sample of that input; its masks may change.
    """
    changes, original = sample.get('size_changes', ()), tuple(sample.get('ori_shape', ())[:2])
    size = values.shape[-2:]
    if not any(kind == 'pad' for kind, *_ in changes) or not leads_back(changes, original, size):
        return values
    rows, columns = box_of_picture(changes, original)
    for name in ('gt_sem_seg', 'gt_regions'):
        if name in sample and sample.get(name).data.shape[-2:] == size:
            sample.set_data({name: PixelData(data=sample.get(name).data[..., rows, columns])})
    return values[..., rows, columns].contiguous()


def _leave_truth_at_original_size(sample: SegDataSample) -> None:
    """Take off a ground truth what was padded; one that was resized cannot be scored there."""
    height, width = sample.ori_shape[:2]
    for name in ('gt_sem_seg', 'gt_regions'):
        truth = sample.get(name)
        if truth is None or truth.data.shape[-2:] == (height, width):
            continue
        if any(kind == 'resize' for kind, *_ in sample.get('size_changes', [('resize',)])):
            raise UserError(
                "resolution = 'original', but the pipeline resizes the masks: use "
                "ResizeForScoring, with resolution='original', in the place of Resize"
            )
        sample.set_data({name: PixelData(data=truth.data[..., :height, :width])})


def at_original_size(logits: torch.Tensor, sample: SegDataSample) -> torch.Tensor:
    """Return the logits of a sample, (1, h, w), at the size of its file, where the picture lies.

    Raises:
        UserError: the sample does not tell the size of its file, or a step of the pipeline is not
            known to lead back.
    """
    if 'ori_shape' not in sample:
        raise UserError(
            f'{sample.get("img_path", "an image")}: its pipeline does not say how large its file '
            "is (ori_shape); score with resolution = 'input'"
        )
    original = tuple(sample.ori_shape[:2])
    if 'size_changes' not in sample:  # packed by another library: taken as stretched
        return upsample_logits(logits, original)
    return undo_size_changes(logits, sample.size_changes, original)
