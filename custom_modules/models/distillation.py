"""Distillation: a small network also learns from the outputs of a trained one, its teacher."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from torch import nn

from ..base.errors import UserError
from .foreground_logits import foreground_logits
from .losses.target import foreground_and_valid, in_float32
from .network import check_sides, features_of, head_logits, logits_of


class Teacher:
    """A trained network as another one learns from it.

    It is no module, and a copy of it is itself: what moves, counts, averages, saves or exports the
    model that learns from it does not see it.

    Args:
        name: what the config calls it, for messages.
        model: BinarySegmentor with its trained weights; it is set to predict and to learn nothing.
        digest: what tells its weights from others, see ``weights_digest``.
        scale: factor by which images are enlarged for it, above 0; its logits and feature maps are
            brought back.
    """

    def __init__(self, name: str, model: Any, digest: str, scale: float = 1.0) -> None:
        self.name = name
        self.digest = digest
        self.scale = scale
        self.model = model.eval().requires_grad_(False)

    def __deepcopy__(self, memo: dict) -> 'Teacher':
        return self

    @torch.no_grad()
    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """Return images (N, C, H, W), float, 0 to 255, as this network wants them."""
        normalised: torch.Tensor = self.model.data_preprocessor.normalise(images)
        return normalised

    @torch.no_grad()
    def see(self, images: torch.Tensor) -> tuple[torch.Tensor, Sequence[Any]]:
        """Return the logits of the foreground, (N, 1, H, W), and the feature maps, finest first.

        Args:
            images: images (N, C, H, W) as ``normalise`` returns them. Without a decode head there
                are no feature maps.

        Raises:
            UserError: H or W, times the scale, does not fit this network; the message names the
                size to use.
        """
        logits, features = self._see(scaled(images, self.scale))
        maps = [scaled(one, 1 / self.scale) for one in feature_maps(features)]
        return resized(logits, images.shape[-2:]), maps

    def _see(self, images: torch.Tensor) -> tuple[torch.Tensor, Sequence[Any]]:
        try:
            check_sides(images.shape[-1], images.shape[-2], self.model.size_divisor)
        except UserError as error:
            raise UserError(f'teacher {self.name}: {error}') from None
        if self.model.decode_head is None:
            return foreground_logits(logits_of(self.model, images)), ()
        features = features_of(self.model, images)
        logits = head_logits(self.model.decode_head, features, images)
        return foreground_logits(logits), features


#: Of a side of a feature map, where each place is compared with each.
_PLACES = 16


@MODELS.register_module()
class Distillation(BaseModule):
    """What a network learns from a teacher, beside what it learns from masks.

    From the teacher's logits: the cross-entropy against its probabilities at a temperature, times
    the square of the temperature (Hinton et al., 2015), so that gradients are as large at any. From
    its features: the pair-wise distillation of Liu et al. (CVPR 2019), where two places of an image
    are to be as alike for both networks. The cosine of two places is a number at any width, so that
    it needs no layer to bring one width to the other, as the regressors of FitNets: there is
    nothing that learns here, and nothing to keep or to leave out.

    Args:
        teacher: run folder, folder of a published model, or checkpoint with its config beside it.
            The training loads it (``runs/teacher.py``).
        teacher_scale: factor by which images are enlarged for the teacher; None for that which
            brings them to the size that it learned from, where both pipelines name one.
        temperature: what the logits of both are divided by; above 1 what the teacher is unsure of
            counts more.
        logit_weight: factor of the loss on logits; 0 for none.
        feature_weight: factor of the loss on features; 0 for none.

    Raises:
        UserError: both factors are 0.
    """

    def __init__(
        self,
        teacher: str,
        teacher_scale: float | None = None,
        temperature: float = 2.0,
        logit_weight: float = 1.0,
        feature_weight: float = 5.0,
    ) -> None:
        super().__init__()
        if not (logit_weight or feature_weight):
            raise UserError(
                'Distillation: logit_weight and feature_weight are 0, so that nothing would be '
                'learned from the teacher; give one of them, or write teacher=None'
            )
        self.source = teacher
        self.teacher_scale = teacher_scale
        self.temperature = temperature
        self.logit_weight = logit_weight
        self.feature_weight = feature_weight
        #: The network to learn from; the training puts it here.
        self.teacher: Teacher | None = None

    def forward(
        self,
        logits: torch.Tensor,
        features: Sequence[torch.Tensor],
        target: torch.Tensor,
        teacher_inputs: torch.Tensor | None,
    ) -> dict[str, torch.Tensor]:
        """Return the weighted losses ``distill_loss_logits`` and ``distill_loss_features``.

        Args:
            logits: logits of the network that learns, (N, 1 or 2, H, W), float.
            features: its feature maps, (N, c, h, w) each, float.
            target: ground truth, (N, H, W), integers; what is 255 does not count in the logits.
            teacher_inputs: the same images as the teacher wants them, (N, C, H, W), float.

        Raises:
            UserError: the teacher is not there, does not take images of this size, or has no
                feature map of a size that the network has too.
        """
        if self.teacher is None or teacher_inputs is None:
            raise UserError(
                f'model.distillation: the teacher {self.source} is not loaded; train with '
                'tools/train.py or petseg.train, which load it'
            )
        wanted, maps = self.teacher.see(teacher_inputs)
        losses = {}
        if self.logit_weight:
            loss = soft_cross_entropy(logits, wanted, target, self.temperature)
            losses['distill_loss_logits'] = self.logit_weight * loss
        if self.feature_weight:
            pairs = pairs_of_a_size(features, maps)
            if not pairs:
                raise UserError(
                    f'model.distillation: no feature map has the size of one of the teacher '
                    f'{self.teacher.name} ({_sizes(features)} here, {_sizes(maps)} there); write '
                    'feature_weight=0 to learn from its logits alone'
                )
            every = [similarity_loss(own, other) for own, other in pairs]
            losses['distill_loss_features'] = self.feature_weight * torch.stack(every).mean()
        return losses


def soft_cross_entropy(
    logits: torch.Tensor, wanted: torch.Tensor, target: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Return the mean over the valid pixels of ``T^2 (-p log q - (1 - p) log(1 - q))``.

    q = sigmoid(logits / T), p = sigmoid(wanted / T). It is lowest, and not 0, where q = p. 0 where
    no pixel counts.

    Args:
        logits: logits of the network that learns, (N, 1 or 2, H, W), float.
        wanted: logits of the teacher's foreground, (N, 1, H, W), float.
        target: ground truth, (N, H, W), integers; pixels of 255 do not count.
        temperature: T, above 0.
    """
    own = foreground_logits(in_float32(logits))
    _, valid = foreground_and_valid(own, target)
    probability = (in_float32(wanted) / temperature).sigmoid()
    pixels = F.binary_cross_entropy_with_logits(
        own / temperature, probability, weight=valid, reduction='sum'
    )
    return temperature**2 * pixels / valid.sum().clamp_min(1)


def similarity_loss(features: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the mean squared difference of how alike each two places of an image are, 0 to 4.

    Maps of more than 16 places a side are averaged down to 16: all pairs of 32x32 places would be a
    million numbers for an image.

    Args:
        features: feature map of the network that learns, (N, c, h, w), float.
        wanted: feature map of the teacher, (N, C, h, w), float, of any number of channels.
    """
    return (_similarities(features) - _similarities(wanted)).square().mean()


def pairs_of_a_size(
    features: Sequence[Any], wanted: Sequence[Any]
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return each feature map (N, c, h, w) with that of the teacher of its height and width.

    Of several of the teacher's the deepest is taken; a map without one is left out.
    """
    there = {one.shape[-2:]: one for one in feature_maps(wanted)}
    own = feature_maps(features)
    return [(one, there[one.shape[-2:]]) for one in own if one.shape[-2:] in there]


def scaled(maps: torch.Tensor, factor: float) -> torch.Tensor:
    """Return images or maps (N, C, H, W) enlarged by a factor, each side at least 1."""
    return resized(maps, [max(1, round(side * factor)) for side in maps.shape[-2:]])


def resized(maps: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Return images or maps (N, C, H, W) as (N, C, height, width), bilinear, no pixel left out."""
    if list(maps.shape[-2:]) == list(size):
        return maps
    return F.interpolate(in_float32(maps), list(size), mode='bilinear', antialias=True)


def build_distillation(config: dict | None) -> Distillation | None:
    """Build what a network learns from a teacher; None without a teacher."""
    if config is None or config.get('teacher') is None:
        return None
    built: Distillation = MODELS.build(config)
    return built


def distillation_of(model: nn.Module) -> Distillation | None:
    """Return the distillation of a model, which may be one of somebody else; None without one."""
    found = getattr(model, 'distillation', None)
    return found if isinstance(found, Distillation) else None


def _similarities(features: torch.Tensor) -> torch.Tensor:
    """Return the cosine of the channels of each two places, (N, places, places), -1 to 1."""
    height, width = (min(side, _PLACES) for side in features.shape[-2:])
    places = F.adaptive_avg_pool2d(in_float32(features), (height, width)).flatten(2)
    # After a ReLU no channel is below 0, and without this all places would look alike.
    directions = F.normalize(places - places.mean(1, keepdim=True), dim=1)
    return directions.transpose(1, 2) @ directions


def feature_maps(features: Sequence[Any]) -> list[torch.Tensor]:
    """Return the feature maps among what an encoder gives; an ensemble's gives lists of them."""
    return [one for one in features if isinstance(one, torch.Tensor) and one.ndim == 4]


def _sizes(features: Sequence[Any]) -> str:
    sizes = [f'{one.shape[-1]}x{one.shape[-2]}' for one in feature_maps(features)]
    return ', '.join(sizes) or 'none'
