"""MixUp and CutMix: images and masks by hand, how often, how large, and where they apply."""

import pytest
import torch
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from custom_modules.base.errors import UserError
from custom_modules.models import CutMix, MixUp
from custom_modules.models.batch_mixing import Mixture, OneOfBatchAugments

SWAP = torch.tensor([1, 0])


def two_images() -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.stack([torch.full((3, 2, 4), 10.0), torch.full((3, 2, 4), 20.0)])
    first = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 255]])
    second = torch.tensor([[0, 1, 0, 1], [0, 1, 0, 1]])
    return images, torch.stack([first, second]).to(torch.uint8)


def test_mixup_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    mixup = MixUp()
    monkeypatch.setattr(mixup, 'draw', lambda _size: (0.7, SWAP))
    images, masks = mixup(*two_images())
    torch.testing.assert_close(images[0], torch.full((3, 2, 4), 0.7 * 10 + 0.3 * 20))
    assert mixup.mixture == Mixture(0.7, SWAP)
    torch.testing.assert_close(images[1], torch.full((3, 2, 4), 0.7 * 20 + 0.3 * 10))
    # Above 0.5: where the heavier image has foreground; both ignore what one ignores.
    assert masks.tolist() == [
        [[0, 0, 1, 1], [0, 0, 1, 255]],
        [[0, 1, 0, 1], [0, 1, 0, 255]],
    ]
    assert masks.dtype == torch.uint8
    monkeypatch.setattr(mixup, 'draw', lambda _size: (0.2, SWAP))
    assert mixup(*two_images())[1].tolist()[0] == [[0, 1, 0, 1], [0, 1, 0, 255]]
    monkeypatch.setattr(mixup, 'draw', lambda _size: (0.5, SWAP))  # not above 0.5: only both
    assert mixup(*two_images())[1].tolist()[0] == [[0, 0, 0, 1], [0, 0, 0, 255]]


def test_cutmix_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    cutmix = CutMix()
    monkeypatch.setattr(cutmix, 'draw', lambda _size: (0.5, SWAP))
    monkeypatch.setattr(cutmix, 'draw_rectangle', lambda *_: (slice(0, 1), slice(1, 3)))
    before = two_images()
    images, masks = cutmix(*before)
    assert images[0, 0].tolist() == [[10, 20, 20, 10], [10, 10, 10, 10]]
    assert images[1, 2].tolist() == [[20, 10, 10, 20], [20, 20, 20, 20]]
    assert masks.tolist() == [
        [[0, 1, 0, 1], [0, 0, 1, 255]],
        [[0, 0, 1, 1], [0, 1, 0, 1]],
    ]
    for tensor, original in zip(before, two_images(), strict=True):
        assert torch.equal(tensor, original)  # what the data set may still hold stays


@pytest.mark.parametrize('lam', [0.0, 0.19, 0.75, 1.0])
def test_cutmix_cuts_a_rectangle_of_the_images_proportions(lam: float) -> None:
    torch.manual_seed(0)
    height, width = 40, 80
    side = (1 - lam) ** 0.5
    largest, rows_touched = 0, set()
    for _ in range(400):
        rows, columns = CutMix.draw_rectangle(lam, height, width)
        assert 0 <= rows.start <= rows.stop <= height
        assert 0 <= columns.start <= columns.stop <= width
        area = (rows.stop - rows.start) * (columns.stop - columns.start)
        largest = max(largest, area)
        rows_touched.update(range(rows.start, rows.stop))
    whole = side * height * side * width  # of a rectangle that nothing is cut off from
    assert 0.9 * whole <= largest <= 1.02 * whole
    assert (len(rows_touched) == height) == (lam < 1)


def test_lambda_has_the_moments_of_its_beta_distribution() -> None:
    torch.manual_seed(0)
    for mixing, alpha in ((MixUp(alpha=0.4), 0.4), (CutMix(alpha=1.0), 1.0)):
        drawn = torch.tensor([mixing.draw(2)[0] for _ in range(4000)])
        assert drawn.mean().item() == pytest.approx(0.5, abs=0.02)
        assert drawn.var().item() == pytest.approx(1 / (4 * (2 * alpha + 1)), abs=0.01)


def test_each_applies_to_its_share_of_the_batches() -> None:
    torch.manual_seed(0)
    choice = OneOfBatchAugments([dict(type='MixUp', prob=0.25), dict(type='CutMix', prob=0.1)])
    names = [type(choice.choose()).__name__ for _ in range(4000)]
    shares = [names.count(name) / 4000 for name in ('MixUp', 'CutMix', 'NoneType')]
    assert shares == pytest.approx([0.25, 0.1, 0.65], abs=0.03)


def test_they_apply_in_training_only_and_to_normalised_images() -> None:
    config = dict(type='BinarySegPreprocessor', batch_augments=[dict(type='MixUp', prob=1.0)])
    preprocessor = MODELS.build(config)
    images, masks = two_images()
    mixed = 0
    for seed in range(8):
        torch.manual_seed(seed)
        samples = [SegDataSample(gt_sem_seg=PixelData(data=mask[None])) for mask in masks]
        batch = dict(inputs=images.to(torch.uint8), data_samples=samples)
        plain = preprocessor(batch, training=False)
        torch.testing.assert_close(plain['inputs'], images / 255)
        for sample, mask in zip(plain['data_samples'], masks, strict=True):
            assert torch.equal(sample.gt_sem_seg.data, mask[None])
        out = preprocessor(batch, training=True)
        share = (out['inputs'] * 255 - images).abs().max().item()
        mixed += share > 0.01
        assert out['inputs'].min() * 255 >= 10 - 1e-3
        assert out['inputs'].max() * 255 <= 20 + 1e-3
        assert out['data_samples'][0].gt_sem_seg.data.shape == (1, 2, 4)
        assert torch.equal(masks, two_images()[1])
    assert mixed >= 2


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(UserError, match=r'MixUp: alpha=0 is not allowed; use a number above 0'):
        MixUp(alpha=0)
    with pytest.raises(UserError, match=r'CutMix: prob=1.5 is not allowed'):
        CutMix(prob=1.5)
    with pytest.raises(UserError, match=r'add up to 1\.25'):
        OneOfBatchAugments([dict(type='MixUp', prob=0.75), dict(type='CutMix', prob=0.5)])
