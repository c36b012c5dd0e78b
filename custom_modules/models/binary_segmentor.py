"""Encoder, decode head and losses together: the model that the configs name."""

from collections.abc import Callable

import torch
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from ..base.errors import UserError
from ..datasets.channels import COLOURS
from ..datasets.ground_truth import ground_truth
from .distillation import build_distillation
from .edge_task import build_edge_task, seen_features
from .encoder_and_head import build_head, build_heads, check_in_channels
from .foreground_logits import check_logits, foreground_logits
from .losses.of_mmseg import build_losses, loss_of
from .losses.target import foreground_and_valid
from .network import check_sides, features_of, head_logits, logits_of, size_divisor
from .picture_size import (
    as_input,
    at_original_size,
    leave_truth_at_original_size,
    without_padding,
)
from .windows import Windows


@MODELS.register_module()
class BinarySegmentor(BaseModel):
    """Sigmoid of one logit per pixel, or softmax of two (R2), and a threshold.

    Args:
        backbone: config of an ``Encoder``, or of a whole network where ``decode_head`` is None.
        decode_head: config of a ``DecodeHead`` or of a decode head of MMSegmentation; see
            ``build_head`` for its ``in_channels``. None: the backbone gives logits itself.
        neck: config of what changes feature maps before the head, such as MMSegmentation's FPN.
        auxiliary_head: config of a head like ``decode_head``, or a list of them, whose logits are
            trained too (deep supervision) and used for nothing else.
        auxiliary_weight: factor of the losses of each auxiliary head.
        auxiliary_losses: configs of the losses of the auxiliary heads; None: as ``losses``.
        edge_task: config of an EdgeTask, the outline as a second thing to learn; None for none.
        distillation: config of a Distillation, what is learned from a trained network; nothing
            without its ``teacher``.
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
        decode_head: dict | None,
        losses: list[dict],
        neck: dict | None = None,
        auxiliary_head: dict | list[dict] | None = None,
        auxiliary_weight: float = 0.4,
        auxiliary_losses: list[dict] | None = None,
        edge_task: dict | None = None,
        distillation: dict | None = None,
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
        self.neck = None if neck is None else MODELS.build(neck)
        last = self.backbone if self.neck is None else nn.Sequential(self.backbone, self.neck)
        self.decode_head = None if decode_head is None else build_head(decode_head, last)
        self.auxiliary_head = build_heads(auxiliary_head, last)
        self.auxiliary_weight = auxiliary_weight
        self.losses = build_losses(losses)
        self.auxiliary_losses = build_losses(auxiliary_losses or ())
        self.edge_task = build_edge_task(edge_task, self.decode_head)
        self.distillation = build_distillation(distillation)
        self.threshold = threshold
        self.resolution = resolution
        #: Inputs -> logits; the runner puts a compiled one here.
        self.network: Callable[[torch.Tensor], torch.Tensor] = self._network

    def forward(
        self,
        inputs: torch.Tensor,
        data_samples: list[SegDataSample] | None = None,
        mode: str = 'tensor',
        teacher_inputs: torch.Tensor | None = None,
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
            teacher_inputs: the same images as the teacher of a distillation wants them, which the
                preprocessor adds in a training; None without one.

        Raises:
            UserError: H or W does not fit the network; the message names the size to use. In
                'predict', a logit is NaN.
        """
        if mode == 'loss' and self.learned_beside:
            return self._all_losses(inputs, data_samples, teacher_inputs)
        logits = self._logits(inputs)
        if mode == 'tensor':
            return foreground_logits(logits)
        assert data_samples is not None
        if mode == 'loss':
            target = self._target(logits, data_samples)
            return self._loss_terms(logits, target) | dict(dice=self._batch_dice(logits, target))
        return self._predictions(logits, data_samples)

    def _all_losses(
        self,
        inputs: torch.Tensor,
        data_samples: list[SegDataSample] | None,
        teacher_inputs: torch.Tensor | None,
    ) -> dict[str, torch.Tensor]:
        """Return the losses of the head and, weighted, of all that is learned beside it."""
        assert data_samples is not None
        check_sides(inputs.shape[-1], inputs.shape[-2], self.size_divisor)
        features = () if self.decode_head is None else features_of(self, inputs)
        with seen_features(None if self.edge_task is None else self.decode_head) as seen:
            if self.decode_head is None:
                logits = self._logits(inputs)
            else:
                logits = head_logits(self.decode_head, features, inputs).float()
        target = self._target(logits, data_samples)
        terms = self._loss_terms(logits, target) | dict(dice=self._batch_dice(logits, target))
        for number, head in enumerate(self.auxiliary_head):
            losses = self.auxiliary_losses or self.losses
            found = self._loss_terms(head_logits(head, features, inputs).float(), target, losses)
            for name, term in found.items():
                terms[f'aux_{number}_{name}'] = self.auxiliary_weight * term
        if self.edge_task is not None:
            align = bool(getattr(self.decode_head, 'align_corners', False))
            terms |= self.edge_task(seen[-1], target, align)
        if self.distillation is not None:
            terms |= self.distillation(logits, features, target, teacher_inputs)
        return terms

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
        return logits_of(self, inputs)

    @property
    def learned_beside(self) -> list[str]:
        """Names of the arguments by which a training learns more than the logits."""
        names = ('auxiliary_head', 'edge_task', 'distillation')
        found = (self.auxiliary_head or None, self.edge_task, self.distillation)
        return [name for name, part in zip(names, found, strict=True) if part is not None]

    @property
    def size_divisor(self) -> int:
        """Number that height and width of an image must be multiples of."""
        return size_divisor(self)

    def _logits(self, inputs: torch.Tensor) -> torch.Tensor:
        height, width = inputs.shape[-2:]
        check_sides(width, height, self.size_divisor)
        logits = self.network(inputs)
        return logits.float()  # losses and thresholds are computed in fp32 under autocast too

    @staticmethod
    def _target(logits: torch.Tensor, data_samples: list[SegDataSample]) -> torch.Tensor:
        size = logits.shape[-2:]
        return torch.cat([as_input(ground_truth(s)[None], s, size) for s in data_samples])

    def _loss_terms(
        self, logits: torch.Tensor, target: torch.Tensor, losses: nn.ModuleList | None = None
    ) -> dict[str, torch.Tensor]:
        every = self.losses if losses is None else losses
        return {str(loss.loss_name): loss_of(loss, logits, target) for loss in every}

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
                leave_truth_at_original_size(sample)
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
