"""Dice and its companions: by hand, and by an independent loop."""

from typing import Any

import numpy as np
import pytest
import torch

from custom_modules.base.errors import UserError
from custom_modules.evaluation import DiceMetric, LossMetric
from custom_modules.evaluation.confusion import Confusion, count_pixels, summarise
from custom_modules.runs.metrics_text import describe


def sample(prediction: np.ndarray, target: np.ndarray, name: str = 'x', **more: object) -> dict:
    return dict(
        pred_sem_seg=dict(data=torch.from_numpy(prediction.astype(np.uint8))[None]),
        gt_sem_seg=dict(data=torch.from_numpy(target.astype(np.uint8))[None]),
        sample_id=name,
        **more,
    )


def test_counts_leave_ignored_pixels_out() -> None:
    prediction = np.array([[1, 1, 0, 0, 1]])
    target = np.array([[1, 0, 1, 0, 255]])
    assert count_pixels(prediction, target) == Confusion(tp=1, fp=1, fn=1, tn=1)
    assert count_pixels(prediction, np.full((1, 5), 255)) == Confusion(0, 0, 0, 0)


@pytest.mark.parametrize(
    ('counts', 'dice', 'iou'),
    [
        (Confusion(4, 0, 0, 12), 1.0, 1.0),  # perfect
        (Confusion(0, 4, 4, 8), 0.0, 0.0),  # disjoint
        (Confusion(2, 2, 2, 10), 0.5, 1 / 3),  # half overlap
        (Confusion(0, 0, 0, 16), 1.0, 1.0),  # both empty
        (Confusion(0, 3, 0, 13), 0.0, 0.0),  # empty truth, something predicted
        (Confusion(0, 0, 3, 13), 0.0, 0.0),  # nothing predicted
        (Confusion(1, 0, 0, 0), 1.0, 1.0),  # one pixel, found
        (Confusion(0, 1, 0, 0), 0.0, 0.0),  # one pixel, which is none
    ],
)
def test_one_image_by_hand(counts: Confusion, dice: float, iou: float) -> None:
    metrics = summarise([counts])
    assert metrics['Dice'] == metrics['Dice_global'] == pytest.approx(dice)
    assert metrics['IoU'] == metrics['IoU_global'] == pytest.approx(iou)


def test_of_one_pixel_all_or_nothing_is_right() -> None:
    for counts, precision, recall in (
        (Confusion(1, 0, 0, 0), 1, 1),
        (Confusion(0, 1, 0, 0), 0, 1),  # nothing was missed
        (Confusion(0, 0, 1, 0), 1, 0),  # nothing was invented
    ):
        metrics = summarise([counts])
        assert (metrics['precision'], metrics['recall']) == (precision, recall)


def test_mean_over_images_and_over_pixels_differ() -> None:
    """One easy large and one hard small pet."""
    metrics = summarise([Confusion(90, 10, 10, 0), Confusion(1, 3, 3, 93), Confusion(0, 0, 0, 100)])
    assert metrics['Dice'] == pytest.approx((180 / 200 + 2 / 8 + 1) / 3)
    assert metrics['Dice_global'] == pytest.approx(182 / (182 + 26))
    assert metrics['IoU'] == pytest.approx((90 / 110 + 1 / 7 + 1) / 3)
    assert metrics['IoU_global'] == pytest.approx(91 / 117)
    assert metrics['Dice_background'] == pytest.approx((0 + 186 / 192 + 1) / 3)
    assert metrics['precision'] == metrics['recall'] == pytest.approx(91 / 104)
    assert (metrics['num_images'], metrics['num_empty']) == (3, 1)


def test_images_without_foreground_in_their_truth_are_counted() -> None:
    missed, found, empty = Confusion(0, 0, 5, 4), Confusion(5, 0, 0, 4), Confusion(0, 5, 0, 4)
    for counts, number in (([missed], 0), ([found], 0), ([empty], 1), ([empty, empty, found], 2)):
        assert summarise(counts)['num_empty'] == number


def test_metric_agrees_with_a_plain_loop() -> None:
    random = np.random.RandomState(0)
    metric = DiceMetric()
    scores = []
    for n in range(7):
        prediction = random.rand(9, 11) < 0.4
        target = random.choice([0, 1, 255], (9, 11), p=[0.5, 0.4, 0.1])
        metric.process({}, [sample(prediction, target, f'pet_{n}', groups=dict(a='b'))])
        both = sum(
            1 for i in np.ndindex(target.shape) if prediction[i] and target[i] == 1
        )  # pixel by pixel
        size = sum(int(prediction[i]) for i in np.ndindex(target.shape) if target[i] != 255)
        scores.append(2 * both / (size + int((target == 1).sum())))
    metrics = metric.evaluate(7)
    assert metrics['Dice'] == pytest.approx(np.mean(scores))
    assert [row['dice'] for row in metric.per_image] == pytest.approx(scores)
    assert list(metric.per_image[0]) == ['id', 'groups', 'tp', 'fp', 'fn', 'tn', 'dice']
    assert [row['id'] for row in metric.per_image] == [f'pet_{n}' for n in range(7)]
    assert metric.per_image[0]['groups'] == dict(a='b')


def test_an_image_need_not_be_in_a_group() -> None:
    metric = DiceMetric()
    metric.process({}, [sample(np.ones((2, 2)), np.ones((2, 2)))])
    metric.evaluate(1)
    assert metric.per_image[0]['groups'] == {}


def test_batches_are_pooled_as_a_report_averages() -> None:
    """Two images of a hundred and of four pixels in one batch, then a batch of one that is half."""
    metric = DiceMetric(batch_size=2)
    large, small = np.ones((10, 10)), np.ones((2, 2))
    half = np.array([[1, 0], [0, 1]])
    metric.process({}, [sample(large, large), sample(1 - small, small), sample(half, small)])
    metrics = metric.evaluate(3)
    assert metrics['Dice_batches'] == pytest.approx((200 / 204 + 2 / 3) / 2)
    assert metrics['Dice'] == pytest.approx((1 + 0 + 2 / 3) / 3)
    assert 'Dice_batches' not in DiceMetric().compute_metrics([dict(tp=1, fp=0, fn=0, tn=0)])
    for wrong in (0, 2.5):
        with pytest.raises(UserError, match=f'batch_size={wrong} is not allowed'):
            DiceMetric(batch_size=wrong)  # type: ignore[arg-type]
    alone = [dict(tp=4, fp=0, fn=0, tn=0), dict(tp=0, fp=4, fn=0, tn=0)]
    assert DiceMetric(batch_size=1).compute_metrics(alone)['Dice_batches'] == 0.5


def test_images_that_fill_up_the_last_batch_are_dropped() -> None:
    metric = DiceMetric()
    perfect, wrong = np.ones((2, 2)), np.zeros((2, 2))
    metric.process({}, [sample(perfect, perfect), sample(wrong, perfect), sample(wrong, perfect)])
    assert metric.evaluate(size=2)['Dice'] == pytest.approx(0.5)


def test_loss_metric_weights_batches_by_their_images() -> None:
    metric = LossMetric()
    first, second = dict(loss_bce=1.0, loss_dice=0.5), dict(loss_bce=4.0, loss_dice=1.0)
    metric.process({}, [dict(losses=first)] * 3)
    metric.process({}, [dict(losses=second)])
    metrics = metric.evaluate(4)
    assert metrics == pytest.approx(dict(loss=1.75 + 0.625, loss_bce=1.75, loss_dice=0.625))


def test_the_lines_of_a_test() -> None:
    """Metrics that average over the same share a line; details are left out, own ones come last."""
    result: dict[str, Any] = dict(
        mine=2,
        own_metrics=dict(mine=dict(label='my metric', over='pixels')),
        **dict(loss_bce=0.3, loss=0.5, Dice_background=0.9, recall=0.8, Dice_global=0.7, IoU=0.4),
        **dict(Dice=0.6, Dice_batches=0.65, metric_batch_size=4, num_images=1234, num_empty=2),
        **dict(split='test', border='', image_size=64, resolution='input', threshold=0.5),
    )
    assert describe(result).splitlines() == [
        'Dice 0.6000  IoU 0.4000  (mean over images)',
        'Dice 0.7000  recall 0.8000  (all pixels)',
        'Dice 0.6500  (mean over batches of 4 pooled images)',
        'loss 0.5000',
        'my metric 2.0000  (all pixels)',
        "1,234 images of the split 'test', 2 without foreground, seen at 64x64 and scored there, "
        'threshold 0.5',
    ]
