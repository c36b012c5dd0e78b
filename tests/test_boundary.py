"""Boundary IoU and surface Dice, compared with their definitions pixel by pixel and by hand."""

import cv2
import numpy as np
import pytest
import torch

from custom_modules.base.errors import UserError
from custom_modules.evaluation import BoundaryMetric
from custom_modules.evaluation.boundary import BoundaryCounts, count_boundary


def blobs(seed: int, shape: tuple[int, int] = (17, 21)) -> np.ndarray:
    """A mask of a few round things, some cut by the frame."""
    random = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(random.normal(size=shape).astype(np.float32), (0, 0), 2.5)
    return (smooth > 0.02).astype(np.uint8)


def plain_band(mask: np.ndarray, width: int) -> set[tuple[int, int]]:
    """Foreground pixels at most ``width`` from something else, or the world outside (Chebyshev)."""
    padded = np.pad(mask, width)
    return {
        (y, x)
        for y, x in zip(*np.nonzero(mask), strict=True)
        if not padded[y : y + 2 * width + 1, x : x + 2 * width + 1].all()
    }


def plain_outline(mask: np.ndarray) -> set[tuple[int, int]]:
    """Foreground pixels with a side next to something else, or the world outside."""
    padded = np.pad(mask, 1)
    sides = ((0, 1), (2, 1), (1, 0), (1, 2))
    pixels = zip(*np.nonzero(mask), strict=True)
    return {(y, x) for y, x in pixels if not all(padded[y + v, x + u] for v, u in sides)}


def plain_boundary(
    prediction: np.ndarray, target: np.ndarray, width: int, tolerance: float
) -> tuple[float, float]:
    """Boundary IoU and surface Dice as their definitions say."""
    truth, guess = target == 1, (prediction == 1) & (target != 255)
    bands = [plain_band(mask, width) for mask in (truth, guess)]
    lines = [plain_outline(mask) for mask in (truth, guess)]
    union = bands[0] | bands[1]
    near = sum(
        any((y - v) ** 2 + (x - u) ** 2 <= tolerance**2 for v, u in other)
        for own, other in (lines, lines[::-1])
        for y, x in own
    )
    total = len(lines[0]) + len(lines[1])
    band = len(bands[0] & bands[1]) / len(union) if union else 1.0
    return band, near / total if total else 1.0


@pytest.mark.parametrize(('width', 'tolerance'), [(1, 1), (2, 3), (4, 2)])
def test_boundaries_agree_with_their_definitions(width: int, tolerance: int) -> None:
    for seed in range(12):
        target, prediction = blobs(seed), blobs(seed + 100)
        if seed % 2:
            target[5:8, 3:9] = 255
        counts = count_boundary(prediction, target, width, tolerance)
        band, surface = plain_boundary(prediction, target, width, tolerance)
        union = counts.band_both + counts.band_only_prediction + counts.band_only_truth
        assert counts.band_both / union == pytest.approx(band)
        total = counts.outline_near + counts.outline_far
        assert counts.outline_near / total == pytest.approx(surface)


def test_boundaries_by_hand() -> None:
    target, moved = np.zeros((12, 12), np.uint8), np.zeros((12, 12), np.uint8)
    target[2:8, 2:8] = 1  # 6x6: an outline of 20 pixels
    moved[2:8, 4:10] = 1  # two to the right
    # They share two rows of four pixels.
    counts = count_boundary(moved, target, width=1, tolerance=1)
    assert counts.band_both == 8
    assert counts.band_only_prediction == counts.band_only_truth == 12
    # Near: the shared 8 and, of each, the two pixels beside where the other begins.
    assert (counts.outline_near, counts.outline_far) == (2 * 8 + 2 * 2 + 2 * 2, 16)
    far = count_boundary(moved, target, width=1, tolerance=2)
    assert (far.outline_near, far.outline_far) == (40, 0)
    # An angle of 5x5 without its 3x3 corner has 16 pixels; one touches the outside by a corner.
    angle = np.zeros((7, 7), np.uint8)
    angle[1:6, 1:6] = 1
    angle[3:6, 3:6] = 0
    counts = count_boundary(angle, angle, width=1, tolerance=1)
    assert (counts.band_both, counts.outline_near) == (16, 2 * 15)


def test_the_empty_rule_holds_for_boundaries() -> None:
    empty, full = np.zeros((8, 8), np.uint8), np.ones((8, 8), np.uint8)
    assert count_boundary(empty, empty, 1, 1) == BoundaryCounts(0, 0, 0, 0, 0)
    metric = BoundaryMetric()
    for prediction, target in ((empty, empty), (full, empty), (empty, full), (full, full)):
        metric.process(
            {},
            [
                dict(
                    pred_sem_seg=dict(data=torch.from_numpy(prediction)[None]),
                    gt_sem_seg=dict(data=torch.from_numpy(target)[None]),
                )
            ],
        )
    metrics = metric.evaluate(4)
    assert [row['iou_boundary'] for row in metric.per_image] == [1, 0, 0, 1]
    assert [row['dice_surface'] for row in metric.per_image] == [1, 0, 0, 1]
    assert [row['touches_frame'] for row in metric.per_image] == [0, 0, 1, 1]
    assert metrics == dict(IoU_boundary=0.5, Dice_surface=0.5)


@pytest.mark.parametrize(
    ('place', 'touches'),
    [((0, 5), 1), ((9, 5), 1), ((5, 0), 1), ((5, 19), 1), ((5, 5), 0)],
)
def test_widths_are_shares_of_the_diagonal(place: tuple[int, int], touches: int) -> None:
    """One foreground pixel of 10x20: the diagonal is 22.4 pixels, a tenth of it two."""
    target = torch.zeros(1, 10, 20, dtype=torch.uint8)
    target[0][place] = 1
    metric = BoundaryMetric(width=0.1, tolerance=0.1)
    for shift, near in ((2, 2), (3, 0)):
        row, column = place
        moved = torch.zeros_like(target)
        moved[0, row, column + shift if column < 10 else column - shift] = 1
        sample = dict(pred_sem_seg=dict(data=moved), gt_sem_seg=dict(data=target))
        metric.process({}, [sample])
        assert metric.results[-1]['outline_near'] == near
        assert metric.results[-1]['touches_frame'] == touches
    wide = torch.ones(1, 10, 20, dtype=torch.uint8)
    metric.process({}, [dict(pred_sem_seg=dict(data=wide), gt_sem_seg=dict(data=wide))])
    assert metric.results[-1]['band_both'] == 10 * 20 - 6 * 16


@pytest.mark.parametrize('share', [0, 1, 2, -0.1])
@pytest.mark.parametrize('name', ['width', 'tolerance'])
def test_a_share_is_between_none_and_all(name: str, share: float) -> None:
    with pytest.raises(UserError, match=f'{name}={share} is not allowed; use a share of the'):
        BoundaryMetric(**{name: share})
