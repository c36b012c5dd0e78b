"""What a test tells beside Dice, recomputed pixel by pixel or by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from custom_modules.base.errors import UserError
from custom_modules.evaluation import BorderMetric, MetricInfo
from custom_modules.evaluation.bootstrap import percentile_intervals, resampled_sums
from custom_modules.evaluation.border_policies import confusion_by_border, count_regions
from custom_modules.evaluation.breakdowns import (
    break_down,
    foreground_shares,
    group_images,
    size_limits,
)
from custom_modules.evaluation.confusion import Confusion, ImageTable, summarise
from custom_modules.evaluation.from_rows import metrics_from_rows
from custom_modules.evaluation.probabilities import (
    best_threshold,
    calibration,
    count_probabilities,
    threshold_curve,
)
from custom_modules.models.test_time_augmentation import (
    TestTimeAugmentation as Averaged,  # pytest takes Test* for tests
)
from custom_modules.runs.per_image_csv import read_rows, write_rows


def test_an_interval_leaves_out_a_fortieth_on_each_side() -> None:
    assert percentile_intervals(dict(a=np.arange(1001.0)))['a'] == pytest.approx([25, 975])


def test_the_bootstrap_draws_what_a_loop_draws() -> None:
    values = np.random.default_rng(1).random((7, 2))
    random = np.random.default_rng(3)
    expected = [values[random.integers(7, size=7)].sum(0) for _ in range(50)]
    np.testing.assert_allclose(resampled_sums(values, 50, seed=3), expected)
    assert (resampled_sums(values, 50, seed=3) == resampled_sums(values, 50, seed=3)).all()


def test_a_bootstrap_in_parts_is_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('custom_modules.evaluation.bootstrap._CHUNK', 10)
    values = np.ones((4, 1))
    assert resampled_sums(values, 25).tolist() == [[4.0]] * 25


def test_intervals_cover() -> None:
    """95 % intervals hold the true mean in about 95 of 100 simulated tests.

    With 300 of them the share has a standard error of 1.3 points.
    """
    random = np.random.default_rng(0)
    alpha, beta, number = 6.0, 1.5, 80
    inside = 0
    for trial in range(300):
        scores = random.beta(alpha, beta, number)
        means = resampled_sums(scores[:, None], 400, seed=trial)[:, 0] / number
        low, high = percentile_intervals(dict(mean=means))['mean']
        inside += low <= alpha / (alpha + beta) <= high
    assert 0.91 <= inside / 300 <= 0.98


def test_metrics_of_a_drawn_set_are_those_of_its_images() -> None:
    counts = [Confusion(90, 10, 10, 0), Confusion(1, 3, 3, 93), Confusion(0, 0, 0, 100)]
    table = ImageTable(counts, dict(extra=np.array([1.0, 2.0, 3.0])))
    drawn = [0, 2, 2]
    metrics = table.metrics(table.values[drawn].sum(0))
    expected = summarise([counts[i] for i in drawn])
    assert {k: metrics[k] for k in expected if k in metrics} == pytest.approx(
        {k: v for k, v in expected.items() if k in metrics}
    )
    assert metrics['extra'] == pytest.approx(7 / 3)


def logits_and_target(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (9, 13)).astype(np.float32)
    logits[0, :4] = 0.0  # a probability of exactly 0.5
    target = random.choice([0, 1, 255], (9, 13), p=[0.5, 0.4, 0.1]).astype(np.uint8)
    return torch.from_numpy(logits), torch.from_numpy(target)


def test_the_curve_is_the_dice_of_each_threshold() -> None:
    pairs = [logits_and_target(seed) for seed in range(5)]
    pairs.append((torch.full((9, 13), -30.0), torch.zeros((9, 13), dtype=torch.uint8)))
    curve = threshold_curve([count_probabilities(*pair) for pair in pairs])
    assert curve['thresholds'] == pytest.approx([n / 100 for n in range(1, 100)])
    for threshold, score in zip(curve['thresholds'], curve['Dice'], strict=True):
        expected = []
        for logits, target in pairs:
            mask, counted = (logits.sigmoid() > threshold).numpy(), target.numpy() != 255
            truth = target.numpy() == 1
            size = (mask & counted).sum() + truth.sum()
            expected.append(2 * (mask & truth).sum() / size if size else 1.0)
        assert score == pytest.approx(np.mean(expected), abs=1e-12)


def test_a_tie_of_thresholds_goes_to_the_middle() -> None:
    thresholds = [0.2, 0.4, 0.5, 0.6, 0.7]
    for scores, best in (
        ([0.1, 0.9, 0.8, 0.9, 0.9], 0.4),
        ([0.9, 0.1, 0.1, 0.1, 0.9], 0.7),
        ([0.5] * 5, 0.5),
        ([0.9, 0.1, 0.1, 0.1, 0.1], 0.2),
    ):
        assert best_threshold(dict(thresholds=thresholds, Dice=scores))[0] == best


def test_calibration_agrees_with_plain_numpy() -> None:
    pairs = [logits_and_target(seed) for seed in range(4)]
    found = calibration([count_probabilities(*pair) for pair in pairs])
    truth = np.concatenate([target.numpy().ravel() for _, target in pairs])
    guess = np.concatenate([logits.sigmoid().numpy().ravel() for logits, _ in pairs])
    truth, guess = truth[truth != 255], guess[truth != 255].astype(np.float64)
    assert found['Brier'] == pytest.approx(np.mean((guess - truth) ** 2), abs=1e-6)
    expected = 0.0
    for row in found['bins']:
        inside = (guess > row['from']) & (guess <= row['to'])
        assert row['pixels'] == inside.sum()
        assert row['probability'] == pytest.approx(guess[inside].mean(), abs=1e-6)
        assert row['foreground'] == pytest.approx(truth[inside].mean(), abs=1e-12)
        expected += abs(guess[inside].mean() - truth[inside].mean()) * inside.mean()
    assert found['ECE'] == pytest.approx(expected, abs=1e-6)
    sure = calibration([count_probabilities(torch.full((2, 2), 50.0), torch.ones(2, 2).byte())])
    assert (sure['Brier'], sure['ECE']) == (0, 0)
    assert sure['bins'][0]['probability'] is None


def test_three_ways_to_count_a_border() -> None:
    regions = np.array([[0, 0, 1, 1, 255, 255, 255]], np.uint8)
    prediction = np.array([[0, 1, 1, 0, 1, 1, 0]], np.uint8)
    ways = confusion_by_border(count_regions(prediction, regions))
    assert ways == dict(
        foreground=Confusion(tp=3, fp=1, fn=2, tn=1),
        background=Confusion(tp=1, fp=3, fn=1, tn=2),
        ignore=Confusion(tp=1, fp=1, fn=1, tn=1),
    )
    metric = BorderMetric()
    sample = {
        name: dict(data=torch.from_numpy(value)[None])
        for name, value in (('pred_sem_seg', prediction), ('gt_regions', regions))
    }
    metric.process({}, [sample])
    metric.evaluate(1)
    assert {way: metrics['Dice'] for way, metrics in metric.by_border.items()} == pytest.approx(
        dict(foreground=6 / 9, background=2 / 6, ignore=2 / 4)
    )


def row(size: int, found: int, **more: object) -> dict:
    """An image of 100 pixels with ``size`` of foreground, of which ``found`` are predicted."""
    return dict(tp=found, fp=0, fn=size - found, tn=100 - size, **more)


def test_sizes_are_shares_of_the_counted_pixels() -> None:
    rows = [
        dict(tp=1, fn=1, fp=3, tn=5),
        dict(tp=0, fn=6, fp=0, tn=6),
        dict(tp=9, fn=0, fp=1, tn=0),
    ]
    shares = foreground_shares([*rows, dict(tp=0, fn=0, fp=4, tn=4), dict(tp=0, fn=0, fp=0, tn=0)])
    assert shares == pytest.approx([0.2, 0.5, 0.9, 0, 0])
    # A third of the way through 0.2, 0.5, 0.9: two thirds of the first step, a third of the second.
    assert size_limits(shares) == pytest.approx([0.4, 0.5 + 0.4 / 3])
    assert size_limits(shares[3:]) == []


def test_break_downs_by_hand() -> None:
    rows = [
        row(10, 5, groups=dict(species='cat', breed='a'), touches_frame=0),
        row(20, 20, groups=dict(species='dog', breed='b'), touches_frame=1),
        row(20, 10, groups=dict(species='dog', breed='b'), touches_frame=1),
        row(60, 60, groups=dict(species='cat', breed='a'), touches_frame=1),
        row(0, 0, groups=dict(species='cat', breed='a'), touches_frame=0),
    ]
    groups = group_images(rows)
    # Of 10, 20, 20, 60 the thirds end at 20 and 20; an image on a limit belongs below it.
    assert groups['size'] == ['small', 'small', 'small', 'large', '']
    assert groups['frame'] == ['inside', 'cut', 'cut', 'cut', '']
    found = break_down(rows)
    assert list(found) == ['species', 'breed', 'size', 'frame']
    assert list(found['size']) == ['small', 'large']
    assert found['species']['dog']['Dice'] == pytest.approx((1 + 2 / 3) / 2)
    assert found['species']['cat']['Dice'] == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert found['species']['cat']['num_empty'] == 1
    assert found['frame']['inside']['recall'] == 0.5
    low, high = found['frame']['cut']['Dice_interval']
    assert low == pytest.approx(2 / 3)
    assert high == 1
    # Where nothing is known of an image, it is in no group.
    assert list(break_down([row(10, 5, groups=dict(species=''))])) == ['size']
    # The band of each image, averaged over those of a group.
    banded = [row(10, 5, groups=dict(species='cat'), iou_boundary=share) for share in (0.25, 0.75)]
    means = dict(IoU_boundary='iou_boundary')
    assert break_down(banded, means)['species']['cat']['IoU_boundary'] == 0.5


def test_metrics_of_the_rows_of_a_table() -> None:
    rows = [row(10, 5), row(20, 20), row(60, 60)]
    metrics = metrics_from_rows(rows)
    assert metrics['size_limits'] == size_limits(foreground_shares(rows))
    assert metrics['interval_method'] == (
        '95% percentile bootstrap over images, 2,000 sets, seed 0'
    )


def test_an_image_without_a_value_is_left_out_of_its_mean(tmp_path: Path) -> None:
    """As the distance of two outlines has none where there is no outline; two of four have it."""
    values = [math.nan, 1.0, 3.0, math.nan]
    rows = [
        row(10, 5, id=str(i), groups=dict(species='dog' if i else 'cat'), dice=2 / 3, gap=value)
        for i, value in enumerate(values)
    ]
    write_rows(tmp_path / 'rows.csv', rows)
    assert (tmp_path / 'rows.csv').read_text().splitlines()[1].endswith(',')
    read = read_rows(tmp_path / 'rows.csv')
    assert [one['gap'] for one in read] == pytest.approx(values, nan_ok=True)
    own = [MetricInfo('gap', over='images', better='less', column='gap')]
    found = metrics_from_rows(read, own)
    assert found['intervals']['gap'] == [1, 3]
    assert found['intervals']['Dice'] == pytest.approx([2 / 3, 2 / 3])
    species = found['breakdowns']['species']
    assert 'gap' not in species['cat'] and species['dog']['gap'] == 2
    for one in read:
        one['gap'] = math.nan
    assert 'gap' not in metrics_from_rows(read, own)['intervals']


def test_augmented_network_by_hand() -> None:
    def column(inputs: torch.Tensor) -> torch.Tensor:
        """Logits that depend on the place: the network looks at the left half only."""
        logits = inputs[:, :1].clone()
        logits[..., logits.shape[-1] // 2 :] = 0
        return logits

    inputs = torch.randn(2, 3, 8, 8)
    there = column(inputs).sigmoid()
    back = column(inputs.flip(-1)).flip(-1).sigmoid()
    averaged = Averaged(column, divisor=4)(inputs)
    torch.testing.assert_close(averaged.sigmoid(), (there + back) / 2, atol=1e-5, rtol=0)

    sizes = []

    def two_channels(inputs: torch.Tensor) -> torch.Tensor:
        sizes.append(tuple(inputs.shape[-2:]))
        return torch.cat([torch.zeros_like(inputs[:, :1]), torch.full_like(inputs[:, :1], 3.0)], 1)

    logits = Averaged(two_channels, divisor=4, scales=(0.5, 1.3))(torch.randn(1, 3, 16, 8))
    assert sizes == [(8, 4), (8, 4), (20, 12), (20, 12)]
    assert logits.shape == (1, 2, 16, 8)
    torch.testing.assert_close(logits[:, 1] - logits[:, 0], torch.full((1, 16, 8), 3.0))
    with pytest.raises(UserError, match='--tta 9: give scales above 0'):
        Averaged(column, 4, [9.0])
