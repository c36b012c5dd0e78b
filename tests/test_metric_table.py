"""What is known of metrics: those of the table, and what others say of themselves."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from custom_modules.base.errors import UserError
from custom_modules.evaluation import MetricInfo
from custom_modules.evaluation.metric_table import METRIC_TABLE, over_epochs, scalar_names
from custom_modules.evaluation.own_metrics import (
    as_data,
    as_number,
    declared_by,
    from_data,
    metric_info,
    metrics_of,
    own_metrics,
    own_of,
)
from custom_modules.evaluation.probabilities import ProbabilityMetric

GAP = MetricInfo('gap', 'a distance', over='images', better='less', column='gap', level='main')


def test_titles_say_what_is_averaged_over() -> None:
    titles = {
        'Dice': ('Dice, mean over images', 'Dice'),
        'Dice_global': ('Dice, all pixels', 'Dice, all pixels'),
        'Dice_batches': ('Dice, mean over batches', 'Dice, mean over batches'),
        'loss': ('loss', 'loss'),
        'loss_bce': ('loss term: binary cross-entropy', 'loss term: binary cross-entropy'),
    }
    found = {name: METRIC_TABLE[name] for name in titles}
    assert {name: (info.title, info.short_title) for name, info in found.items()} == titles
    assert [info.is_loss_term for info in found.values()] == [False] * 4 + [True]


@pytest.mark.parametrize(
    ('values', 'said'),
    [
        (dict(over='videos'), "over='videos' is not allowed; use one of 'images', 'pixels', 'ba"),
        (dict(better='more'), "better='more' is not allowed; use one of 'greater', 'less'"),
        (dict(level='top'), "level='top' is not allowed; use one of 'headline', 'main', 'detail'"),
        (dict(label='two\nlines'), 'label=.* is not allowed; use a line of at most 100'),
        (dict(label='x' * 101), f"label='{'x' * 59} is not allowed; use a line"),
        (dict(column=3), 'column=3 is not allowed; use a line'),
        (dict(name=''), "name='' is not allowed; use the metric's name"),
    ],
    ids=str,
)
def test_what_cannot_be_said_of_a_metric(values: dict, said: str) -> None:
    with pytest.raises(UserError, match=f'^MetricInfo: {said}'):
        MetricInfo(**dict(name='gap') | values)
    assert MetricInfo('gap', 'x' * 100).title == 'x' * 100


def test_names_in_the_scalars() -> None:
    names = ['loss', 'loss_bce', 'loss_dice', 'loss_iou', 'IoU', 'pet/Dice']
    scalars = ['loss', 'bce', 'dice_loss', 'iou_loss', 'iou', 'pet/dice']
    assert scalar_names(names) == dict(zip(names, scalars, strict=True))
    assert METRIC_TABLE['loss_dice'].scalar == 'dice_loss'
    with pytest.raises(UserError, match="'Gap' and 'gap' would both be 'gap' in the scalars; give"):
        scalar_names(['Dice', 'Gap', 'gap'])


def test_the_order_over_epochs() -> None:
    names = ['recall', 'loss_ce', 'Dice', 'loss', 'IoU', 'loss_bce', 'Dice_global']
    wanted = ['loss', 'Dice', 'IoU', 'loss_ce', 'loss_bce', 'recall', 'Dice_global']
    assert [info.name for info in over_epochs(METRIC_TABLE[name] for name in names)] == wanted


def test_what_a_name_alone_says() -> None:
    declared = dict(gap=GAP, Dice=MetricInfo('Dice', better='less'))
    assert metric_info('gap', declared) is GAP
    assert metric_info('Dice', declared) is METRIC_TABLE['Dice']  # the table comes first
    assert metric_info('gap') == MetricInfo('gap', better='greater')
    assert metric_info('my_loss') == MetricInfo('my_loss', better='less')
    term = MetricInfo('loss_edge', 'loss term: edge', better='less', level='detail')
    assert metric_info('loss_edge') == term


def test_metrics_say_something_of_themselves() -> None:
    metrics = [object(), SimpleNamespace(shown_as=(GAP,), prefix=None)]
    assert declared_by(metrics) == dict(gap=GAP)
    prefixed = declared_by([SimpleNamespace(shown_as=[GAP], prefix='pet')])
    assert list(prefixed) == ['pet/gap']
    assert prefixed['pet/gap'].name == 'pet/gap' and prefixed['pet/gap'].label == 'a distance'
    names = ['num_images', 'Dice', 'other', 'gap']
    assert own_metrics(names, metrics) == dict(other=MetricInfo('other'), gap=GAP)
    for wrong in ('gap', [GAP, 'gap'], None):
        with pytest.raises(UserError, match=r'SimpleNamespace\.shown_as is no list of MetricInfo;'):
            declared_by([SimpleNamespace(shown_as=wrong)])


@pytest.mark.parametrize(
    ('value', 'number'),
    [(np.float32(0.5), 0.5), (torch.tensor([0.25]), 0.25), (np.int64(3), 3), (True, 1), (2.0, 2.0)],
    ids=str,
)
def test_values_are_numbers_of_python(value: Any, number: float) -> None:
    found = as_number(value, 'it')
    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize('value', ['1', b'1', None, [1.0], np.ones(2), torch.ones(2)], ids=repr)
def test_other_values_are_refused(value: Any) -> None:
    said = f'^the metric is of the type {type(value).__name__}, and no single number$'
    with pytest.raises(UserError, match=said):
        as_number(value, 'the metric')


def test_what_is_known_goes_through_a_file() -> None:
    data = as_data(dict(gap=GAP))
    wanted = dict(label='a distance', over='images', better='less', column='gap', level='main')
    assert data == dict(gap=wanted)
    more = data | dict(Dice=dict(label='mine'), plain=dict(foreign=3))
    assert from_data(more) == dict(gap=GAP, plain=MetricInfo('plain'))
    for damaged in ([], dict(gap=3)):
        with pytest.raises(UserError, match='are not described by an object for each'):
            from_data(damaged)


def test_which_metrics_results_have() -> None:
    other = dict(label='of another')
    results = [
        dict(Dice=0.5, gap=1.0, own_metrics=as_data(dict(gap=GAP))),
        dict(loss=0.5, own_metrics=dict(gap=other, never=other)),
        dict(IoU=0.5),
    ]
    assert own_of(results) == dict(gap=GAP, never=MetricInfo('never', 'of another'))
    assert [info.name for info in metrics_of(iter(results))] == ['Dice', 'IoU', 'loss', 'gap']


@pytest.mark.parametrize('choose', [None, False, True])
def test_thresholds_of_images_as_a_metric(choose: bool | None) -> None:
    """Three pixels of probability 0.3 of which two are foreground: a lower threshold is better."""
    metric = ProbabilityMetric() if choose is None else ProbabilityMetric(choose_threshold=choose)
    logits = torch.full((1, 1, 3), float(np.log(0.3 / 0.7)))
    truth = torch.tensor([[[1, 1, 0]]], dtype=torch.uint8)
    sample = dict(seg_logits=dict(data=logits), gt_sem_seg=dict(data=truth))
    metric.process({}, [sample, sample])
    found = metric.evaluate(2)
    assert [image.histogram.sum() for image in metric.images] == [3, 3]
    if choose:
        assert found['threshold'] < 0.3 and found['threshold_Dice'] == pytest.approx(0.8)
    else:
        assert found == {}
