"""Losses compared with numbers computed by hand and with a slow, plain version."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS

from custom_modules.base.errors import UserError
from custom_modules.config.registered import registered
from custom_modules.models.losses import (
    BinaryCrossEntropyLoss,
    BinaryDiceLoss,
    BinaryFocalLoss,
    BinaryIoULoss,
    BinaryTverskyLoss,
    BoundaryLoss,
    CenterlineDiceLoss,
    LovaszHingeLoss,
    TwoChannelCrossEntropyLoss,
)
from custom_modules.models.losses.boundary_loss import signed_distances
from tests import slow_losses

registered('mmseg.TverskyLoss')  # imports MMSegmentation's models, as a config does

SURE = 50.0  # a logit whose sigmoid is 1 in float32


def logits_of(mask: list[list[int]]) -> torch.Tensor:
    return (torch.tensor(mask, dtype=torch.float32)[None, None] * 2 - 1) * SURE


def target_of(mask: list[list[int]]) -> torch.Tensor:
    return torch.tensor(mask, dtype=torch.uint8)[None]


HALF = [[1, 1], [0, 0]]
INVERTED = [[0, 0], [1, 1]]
NOTHING = [[0, 0], [0, 0]]
ALL = [[1, 1], [1, 1]]


@pytest.mark.parametrize('over', ['batch', 'image'])
@pytest.mark.parametrize(
    ('prediction', 'truth', 'smooth', 'loss'),
    [
        (HALF, HALF, 0, 0.0),
        (INVERTED, HALF, 0, 1.0),
        (NOTHING, NOTHING, 0, 0.0),
        (ALL, NOTHING, 0, 1.0),
        (NOTHING, HALF, 0, 1.0),
        (ALL, HALF, 0, 1 - 2 * 2 / (4 + 2)),
        (ALL, HALF, 1, 1 - (2 * 2 + 1) / (4 + 2 + 1)),
        (INVERTED, HALF, 1, 1 - 1 / 5),
    ],
)
def test_dice_by_hand(over: str, prediction: list, truth: list, smooth: float, loss: float) -> None:
    value = BinaryDiceLoss(over=over, smooth=smooth)(logits_of(prediction), target_of(truth))
    assert value.item() == pytest.approx(loss, abs=1e-6)


def test_an_empty_target_teaches_an_empty_prediction() -> None:
    logits = torch.tensor([[-2.0, 0.0], [1.0, 3.0]])[None, None].requires_grad_()
    loss = BinaryDiceLoss()(logits, target_of(NOTHING))
    loss.backward()
    probability = torch.sigmoid(logits.detach())
    assert loss.item() == pytest.approx(probability.mean().item())
    assert torch.allclose(logits.grad, probability * (1 - probability) / 4)
    ignored = torch.full((1, 2, 2), 255, dtype=torch.uint8)
    assert BinaryDiceLoss()(logits, ignored).item() == 0


@pytest.mark.parametrize(
    'loss', [BinaryCrossEntropyLoss(), BinaryDiceLoss(), BinaryDiceLoss('image', smooth=1)]
)
def test_half_precision_does_not_overflow(loss: torch.nn.Module) -> None:
    """65,536 pixels are more than float16 counts to; torch's own losses widen too."""
    logits = torch.full((2, 1, 256, 256), SURE)
    logits[:, :, :100] = -SURE
    target = (torch.arange(256)[:, None] < 90).expand(2, 256, 256).to(torch.uint8)
    expected = loss(logits, target)
    assert torch.isfinite(expected)
    assert loss(logits.half(), target).item() == pytest.approx(expected.item(), rel=1e-6)


def test_the_weight_of_the_foreground_is_that_of_pytorch() -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(2, 1, 5, 6), (torch.rand(2, 5, 6) < 0.1).to(torch.uint8)
    expected = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(7.0))(
        logits[:, 0], target.float()
    )
    assert BinaryCrossEntropyLoss(pos_weight=7)(logits, target).item() == pytest.approx(
        expected.item()
    )
    ignored = torch.cat([target, torch.full((2, 5, 6), 255, dtype=torch.uint8)], dim=2)
    wider = torch.cat([logits, torch.randn(2, 1, 5, 6)], dim=3)
    assert BinaryCrossEntropyLoss(pos_weight=7)(wider, ignored).item() == pytest.approx(
        expected.item()
    )


def test_dice_over_batch_and_over_image_differ_as_they_should() -> None:
    logits = torch.cat([logits_of(ALL), logits_of(HALF)])
    target = torch.cat([target_of(HALF), target_of(HALF)])
    # batch: I = 2 + 2, P = 4 + 2, T = 4; images: 1 - 4/6 and 0
    assert BinaryDiceLoss('batch')(logits, target).item() == pytest.approx(1 - 8 / 10)
    assert BinaryDiceLoss('image')(logits, target).item() == pytest.approx((1 - 4 / 6) / 2)


def test_two_channel_cross_entropy_by_hand() -> None:
    # softmax(0, log 3) = (1/4, 3/4) for both pixels; the third does not count
    logits = torch.tensor([0.0, math.log(3)]).view(1, 2, 1, 1).repeat(1, 1, 1, 3)
    target = torch.tensor([[[1, 0, 255]]], dtype=torch.uint8)
    wanted = (-math.log(3 / 4) - math.log(1 / 4)) / 2
    assert TwoChannelCrossEntropyLoss()(logits, target).item() == pytest.approx(wanted)
    assert TwoChannelCrossEntropyLoss()(logits[..., 2:], target[..., 2:]).item() == 0


def test_losses_of_one_counted_pixel() -> None:
    logits, target = torch.zeros(1, 1, 1, 3), torch.tensor([[[0, 255, 255]]])
    assert BinaryCrossEntropyLoss()(logits, target).item() == pytest.approx(math.log(2))
    # Empty, so its loss is the mean probability; with a second image that is found wholly.
    for over, second in (('image', 0.5 / 2), ('batch', 1 - 2 / (1 + 0.5 + 1))):
        loss = BinaryDiceLoss(over=over)
        assert loss(logits, target).item() == pytest.approx(0.5)
        two = torch.cat([logits, torch.tensor([[[[SURE, -SURE, -SURE]]]])])
        truth = torch.cat([target, torch.tensor([[[1, 0, 0]]])])
        assert loss(two, truth).item() == pytest.approx(second, abs=1e-6)


def test_two_channel_cross_entropy_of_one_counted_pixel() -> None:
    target = torch.tensor([[[1, 255]]])
    logits = torch.zeros(1, 2, 1, 2)
    loss = TwoChannelCrossEntropyLoss()
    assert loss(logits, target).item() == pytest.approx(math.log(2))
    assert loss.loss_name == 'loss_ce'


def test_losses_of_two_channels_are_those_of_their_difference() -> None:
    torch.manual_seed(0)
    two = torch.randn(2, 2, 5, 7)
    one = two[:, 1:] - two[:, :1]
    target = torch.randint(0, 3, (2, 5, 7), dtype=torch.uint8)
    target[target == 2] = 255
    cross_entropy = TwoChannelCrossEntropyLoss()(two, target)
    torch.testing.assert_close(cross_entropy, BinaryCrossEntropyLoss()(one, target))
    for loss in (BinaryCrossEntropyLoss(), BinaryDiceLoss('image', smooth=1)):
        torch.testing.assert_close(loss(two, target), loss(one, target))


def test_bce_by_hand() -> None:
    logits = torch.tensor([[[[0.0, math.log(3)]]]])  # probabilities 1/2 and 3/4
    target = torch.tensor([[[1, 0]]], dtype=torch.uint8)
    wanted = (-math.log(1 / 2) - math.log(1 / 4)) / 2
    assert BinaryCrossEntropyLoss()(logits, target).item() == pytest.approx(wanted)


#: A loss -> its slow version.
SLOW: dict[torch.nn.Module, Callable[..., float]] = {
    BinaryCrossEntropyLoss(): slow_losses.cross_entropy,
    BinaryCrossEntropyLoss(pos_weight=3.0, label_smoothing=0.2): slow_losses.cross_entropy,
    BinaryCrossEntropyLoss(outline_weight=4.0, outline_width=1.5): slow_losses.cross_entropy,
    BinaryDiceLoss('batch'): slow_losses.dice,
    BinaryDiceLoss('image', smooth=1): slow_losses.dice,
    BinaryFocalLoss(): slow_losses.focal,
    BinaryFocalLoss(gamma=0.5, alpha=0.25): slow_losses.focal,
    BinaryTverskyLoss(): slow_losses.tversky,
    BinaryTverskyLoss(0.2, 0.9, gamma=0.75, over='image', smooth=1): slow_losses.tversky,
    BinaryIoULoss(over='image'): slow_losses.tversky,
    LovaszHingeLoss(): slow_losses.lovasz,
    BoundaryLoss(): slow_losses.boundary,
    CenterlineDiceLoss(iterations=2): slow_losses.centerline_dice,
}
LOSSES = list(SLOW)

#: A pixel that is right by far, or no part of a skeleton, teaches these nothing.
SPARSE = (LovaszHingeLoss, CenterlineDiceLoss)


@pytest.mark.parametrize('loss', LOSSES, ids=str)
def test_parity_with_a_slow_version(loss: torch.nn.Module) -> None:
    torch.manual_seed(3)
    logits = torch.randn(3, 1, 5, 7)
    target = torch.tensor([0, 1, 255], dtype=torch.uint8)[torch.randint(0, 3, (3, 5, 7))]
    wanted = SLOW[loss](loss, logits[:, 0].numpy().astype(float), target.numpy().astype(int))
    assert loss(logits, target).item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize('loss', LOSSES, ids=str)
def test_ignored_pixels_get_no_gradient_and_change_nothing(loss: torch.nn.Module) -> None:
    torch.manual_seed(4)
    logits = torch.randn(2, 1, 4, 4, requires_grad=True)
    target = torch.randint(0, 2, (2, 4, 4), dtype=torch.uint8)
    target[:, :2] = 255
    value = loss(logits, target)
    value.backward()
    assert not logits.grad[:, :, :2].any()
    assert isinstance(loss, SPARSE) or logits.grad[:, :, 2:].all()
    other = logits.detach().clone()
    other[:, :, :2] = 99
    assert loss(other, target).item() == pytest.approx(value.item())
    everything_ignored = loss(logits, torch.full_like(target, 255))
    assert everything_ignored.item() == 0.0


@pytest.mark.parametrize('loss', LOSSES, ids=str)
def test_the_batch_twice_costs_the_same(loss: torch.nn.Module) -> None:
    torch.manual_seed(5)
    logits = torch.randn(2, 1, 4, 4)
    target = torch.randint(0, 2, (2, 4, 4), dtype=torch.uint8)
    twice = loss(torch.cat([logits, logits]), torch.cat([target, target]))
    assert twice.item() == pytest.approx(loss(logits, target).item(), rel=1e-6)


@pytest.mark.parametrize('loss', LOSSES, ids=str)
def test_training_on_the_loss_finds_the_mask(loss: torch.nn.Module) -> None:
    target = target_of([[1, 0, 0], [1, 1, 0]])
    logits = torch.zeros(1, 1, 2, 3, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.3)
    # It asks for a skeleton, wherever the rest of the mask lies.
    beside = BinaryDiceLoss() if isinstance(loss, CenterlineDiceLoss) else None
    for _ in range(60):
        optimiser.zero_grad()
        value = loss(logits, target)
        (value + beside(logits, target) if beside else value).backward()
        optimiser.step()
    assert torch.equal(logits[:, 0] > 0, target == 1)


@pytest.mark.parametrize('kind', [*dict.fromkeys(map(type, LOSSES)), TwoChannelCrossEntropyLoss])
def test_the_weight_of_a_term_is_its_factor(kind: type[torch.nn.Module]) -> None:
    torch.manual_seed(6)
    logits = torch.randn(2, 2, 3, 4, requires_grad=True)
    target = torch.randint(0, 2, (2, 3, 4), dtype=torch.uint8)
    plain = kind(loss_weight=1.0)(logits, target)
    weighted = kind(loss_weight=0.3)(logits, target)
    torch.testing.assert_close(weighted, 0.3 * plain)
    (gradient,) = torch.autograd.grad(plain, logits)
    torch.testing.assert_close(torch.autograd.grad(weighted, logits)[0], 0.3 * gradient)


def test_names_contain_loss_so_that_mmengine_trains_them() -> None:
    assert all('loss' in loss.loss_name for loss in LOSSES)
    for kind in (BinaryDiceLoss, BinaryIoULoss):
        with pytest.raises(UserError, match=f"{kind.__name__}: over='epoch' is not allowed"):
            kind(over='epoch')


def test_a_tversky_of_halves_is_the_dice_loss() -> None:
    torch.manual_seed(7)
    logits, target = torch.randn(2, 1, 5, 6), (torch.rand(2, 5, 6) < 0.3).to(torch.uint8)
    for over in ('batch', 'image'):
        tversky = BinaryTverskyLoss(0.5, 0.5, over=over, smooth=0.5)(logits, target)
        torch.testing.assert_close(tversky, BinaryDiceLoss(over, smooth=1)(logits, target))
    empty = torch.zeros_like(target)
    torch.testing.assert_close(BinaryIoULoss()(logits, empty), logits.sigmoid().mean())


def test_distances_to_the_outline_by_hand() -> None:
    mask = torch.zeros(3, 1, 3, 5)
    mask[0, 0, 1, 1:4] = 1
    mask[1] = 1
    found = signed_distances(mask)
    corner = math.sqrt(2) - 0.5
    sides = [corner, 0.5, 0.5, 0.5, corner]
    expected = [sides, [0.5, -0.5, -0.5, -0.5, 0.5], sides]
    torch.testing.assert_close(found[0, 0], torch.tensor(expected))
    assert not found[1:].any()  # all of one side has no outline


def test_a_gap_in_a_vein_costs_more_than_its_width() -> None:
    vein = torch.zeros(1, 9, 16, dtype=torch.uint8)
    vein[:, 4] = 1
    thick, broken = vein.clone(), vein.clone()
    thick[:, 3:6] = 1
    broken[:, :, 7:9] = 0
    loss = CenterlineDiceLoss(loss_weight=1)
    costs = [loss((mask[:, None].float() * 2 - 1) * SURE, vein).item() for mask in (vein, thick)]
    assert costs == pytest.approx([0, 0], abs=1e-5)
    # The skeleton of what is there lies inside; 14 of 16 pixels of the true one are found.
    sensitivity = (14 + 1) / (16 + 1)
    value = loss((broken[:, None].float() * 2 - 1) * SURE, vein).item()
    assert value == pytest.approx(1 - 2 * sensitivity / (1 + sensitivity), abs=1e-5)


def test_dice_without_the_sigmoid_takes_logits_for_probabilities() -> None:
    logits = torch.tensor([[[[1.0, 0.5]]]])
    target = torch.tensor([[[1, 0]]])
    # I = 1, P = 1.5, T = 1
    loss = BinaryDiceLoss(sigmoid=False)(logits, target)
    assert loss.item() == pytest.approx(1 - 2 * 1 / 2.5)


def segmentor(*losses: dict, channels: int = 1) -> torch.nn.Module:
    head = dict(type='UNetHead', in_channels=[1, 1], channels=[1], out_channels=channels)
    backbone = dict(type='UNetEncoder', channels=[1, 1])
    return MODELS.build(
        dict(type='BinarySegmentor', backbone=backbone, decode_head=head, losses=[*losses])
    )


def tversky(p: np.ndarray, t: np.ndarray) -> float:
    """Mean over both classes of 1 - (TP + 1) / (TP + 0.3 FP + 0.7 FN + 1), image by image."""
    terms = []
    for a, b in ((1 - p, 1 - t), (p, t)):
        hit, false, missed = (x.sum((1, 2)) for x in (a * b, a * (1 - b), (1 - a) * b))
        terms.append(1 - (hit + 1) / (hit + 0.3 * false + 0.7 * missed + 1))
    return float(np.mean(terms))


def cross_entropy(p: np.ndarray, t: np.ndarray) -> float:
    return float(-np.log(np.where(t == 1, p, 1 - p)).mean())


@pytest.mark.parametrize('channels', [1, 2])
@pytest.mark.parametrize(
    ('loss', 'expected'),
    [
        (dict(type='mmseg.TverskyLoss'), tversky),
        (dict(type='mmseg.CrossEntropyLoss'), cross_entropy),
        (dict(type='mmseg.CrossEntropyLoss', use_sigmoid=True), cross_entropy),
        # It keeps the hardest pixels; here all of them.
        (dict(type='mmseg.OhemCrossEntropy', thres=1.0, min_kept=10**6), cross_entropy),
    ],
)
def test_losses_of_mmseg_are_those_of_a_sigmoid(
    loss: dict, expected: Callable[[np.ndarray, np.ndarray], float], channels: int
) -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, channels, 5, 6)
    target = (torch.rand(2, 5, 6) < 0.4).to(torch.uint8)
    z = logits[:, -1] - (logits[:, 0] if channels == 2 else 0)
    found = segmentor(loss, channels=channels)._loss_terms(logits, target)
    p = z.double().sigmoid().numpy()
    assert next(iter(found.values())).item() == pytest.approx(expected(p, target.numpy()), rel=1e-5)


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('DiceLoss', 'use BinaryDiceLoss'),
        ('FocalLoss', 'use BinaryFocalLoss'),
        ('BoundaryLoss', r'known: mmseg\.CrossEntropyLoss'),
    ],
)
def test_losses_of_mmseg_that_do_not_fit_are_refused(name: str, message: str) -> None:
    with pytest.raises(UserError, match=f'mmseg.{name} does not fit a binary mask; .*{message}'):
        segmentor(dict(type=f'mmseg.{name}'))
