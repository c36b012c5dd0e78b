"""Metrics of one's own: what a class gives and says of itself, and what files note of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from custom_modules.engine.evaluation_details import image_rows, own_results, refuse_taken_names
from custom_modules.evaluation import DiceMetric, MetricInfo
from custom_modules.runs.metrics_json import read_metrics
from custom_modules.runs.per_image_csv import read_rows
from custom_modules.runs.scalars import OWN_METRICS, read_own_metrics
from custom_modules.studies.results import read_study
from tests.conftest import ROOT

from .case import Case
from .run_configs import METRICS

IMAGES = [
    dict(id=name, groups=dict(species='cat'), tp=1, fp=0, fn=0, tn=1, dice=1.0) for name in 'ab'
]


class Hole(BaseMetric):
    """A metric that only has results."""

    default_prefix = ''

    def process(self, data_batch: Any, data_samples: Any) -> None: ...

    def compute_metrics(self, results: list) -> dict: ...


def gives(
    value: object = 0.5,
    per_image: object = None,
    info: Callable[[], object] | None = None,
    prefix: str = '',
    name: str = 'holes',
) -> Callable[[Path], str]:
    """Return what becomes of a metric ``holes`` of two images.

    Args:
        value: of it.
        per_image: of its class.
        info: makes its ``shown_as``.
        prefix: of its class.
        name: of it.
    """

    def run(_: Path) -> str:
        pixels, hole = DiceMetric(), Hole(prefix=prefix or None)
        pixels.per_image = IMAGES
        for key, given in (('per_image', per_image), ('shown_as', info and info())):
            if given is not None:
                setattr(hole, key, given)
        metrics: list[BaseMetric] = [pixels, hole]
        evaluated = {f'{prefix}/{name}' if prefix else name: value}
        rows = image_rows(metrics)
        own = own_results(evaluated, metrics, rows)
        refuse_taken_names(own, evaluated, evaluated | dict(split='test'))
        (shown,) = own.values()
        return f'{shown.title}: {evaluated[shown.name]}, {shown.better} is better'

    return run


def said(**more: str) -> Callable[[], list[MetricInfo]]:
    """Return what makes a ``shown_as``."""
    return lambda: [MetricInfo(**dict(name='holes') | more)]


def columns(*values: object) -> list[dict]:
    return [dict(holes=value) for value in values]


MEAN = said(over='images', column='holes')
SHOWN: dict[str, tuple[Callable[[Path], str], str]] = {
    'of which nothing is said': (gives(), 'holes: 0.5, greater is better'),
    'with loss in its name': (gives(name='my_loss'), 'my_loss: 0.5, less is better'),
    'a tensor of one number': (gives(torch.tensor([0.5])), 'holes: 0.5, greater is better'),
    'a number of numpy': (gives(np.int32(3)), 'holes: 3, greater is better'),
    'with a prefix': (
        gives(prefix='my', info=said(label='holes in a mask', over='images', better='less')),
        'holes in a mask, mean over images: 0.5, less is better',
    ),
    'the mean of those images that have it': (
        gives(3, columns(None, 3), MEAN),
        'holes, mean over images: 3, greater is better',
    ),
    'the mean of a column': (
        gives(np.float32(0.5), columns(0, torch.tensor(1)), MEAN),
        'holes, mean over images: 0.5, greater is better',
    ),
}
REFUSED: dict[str, tuple[Callable[[Path], str], str]] = {
    'a list': (gives([0.5, 0.5]), 'is of the type list, and no single number'),
    'an array of two': (gives(np.ones(2)), 'and no single number'),
    'a tensor of two': (gives(torch.ones(2)), 'and no single number'),
    'a text': (gives('0.5'), 'is of the type str, and no single number'),
    'nothing': (gives(None), 'is of the type NoneType, and no single number'),
    'not a number': (gives(float('nan')), "the metric 'holes' is nan"),
    'infinite': (gives(-np.inf), "the metric 'holes' is -inf"),
    'the name of something else': (gives(name='split'), 'the name of another entry'),
    'values of one image of two': (gives(per_image=columns(1)), 'no list of 2 dicts'),
    'values under the names of the images': (gives(per_image=dict(a=1, b=1)), 'no list of 2'),
    'values without names': (gives(per_image=[1, 0]), 'no dict with the columns of others'),
    'values of other names': (
        gives(per_image=[dict(holes=1), dict(hole=1)]),
        'that of b is no dict with the columns of others',
    ),
    'a column that is there': (gives(per_image=[dict(tp=1)] * 2), "a column 'tp' is there already"),
    'a column that is a group': (
        gives(per_image=[dict(species=1)] * 2),
        "a column 'species' is there already",
    ),
    'an image with a text': (gives(per_image=columns(0, '1')), 'of the type str'),
    'an image that is infinite': (gives(per_image=columns(0, np.inf)), 'that of b is infinite'),
    'the mean of no column': (gives(info=MEAN), "the column 'holes', which is not there"),
    'the median of a column': (gives(0.4, columns(0, 1), MEAN), 'which is 0.5; leave column out'),
    'a text about itself': (gives(info=lambda: 'holes'), 'shown_as is no list of MetricInfo'),
    'a dict about itself': (gives(info=lambda: [dict(name='holes')]), 'no list of MetricInfo'),
    'better when higher': (gives(info=said(better='higher')), "use one of 'greater', 'less'"),
    'over each image': (gives(info=said(over='image')), "use one of 'images', 'pixels'"),
    'of the first level': (gives(info=said(level='first')), "'headline', 'main', 'detail'"),
    'a label of two lines': (gives(info=said(label='a\nb')), "label='a\\nb' is not allowed"),
    'a label of a page': (gives(info=said(label='a' * 101)), 'at most 100 characters'),
    'no name': (gives(info=said(name='')), "name='' is not allowed"),
}

INFO = dict(label='holes', over='images', better='less', column='', level='headline')


def noted(value: object = 0.5, **more: object) -> str:
    """Return a ``metrics.json`` with a metric of one's own."""
    return json.dumps(METRICS | dict(holes=value, own_metrics=dict(holes=INFO | more)))


NOTED: dict[str, tuple[str, str]] = {
    'a metric of which a list is said': (json.dumps(METRICS | dict(own_metrics=[])), 'an object'),
    'a metric of which a text is said': (
        json.dumps(METRICS | dict(own_metrics=dict(holes='holes'))),
        'an object',
    ),
    'a metric that is better sideways': (noted(better='sideways'), "better='sideways'"),
    'a metric with a list as its label': (noted(label=['a']), "label=['a'] is not allowed"),
    'a metric whose label moves the cursor': (noted(label='\x1b[2J'), 'is not allowed'),
    'a metric of a text': (noted('high'), "holes is 'high'"),
    'a metric without a value': (
        json.dumps(METRICS | dict(own_metrics=dict(holes=INFO))),
        'holes is None',
    ),
    'a metric with a name of a megabyte': (
        json.dumps(METRICS | dict(own_metrics={'x' * 10**6: INFO})),
        'at most 100 characters',
    ),
}


def read(name: str, text: str, use: Callable[[Path], object]) -> Callable[[Path], str]:
    """Return what ``use`` says of a file with ``text`` in it."""

    def run(folder: Path) -> str:
        (folder / name).write_text(text)
        return str(use(folder / name))

    return run


def table(cell: str) -> str:
    return f'id,tp,fp,fn,tn,dice,holes\na,1,0,0,1,1,{cell}\n'


def study(**more: object) -> str:
    """Return a study of which a row was changed."""
    found = json.loads((ROOT / 'results' / 'studies' / 'loss.json').read_text(encoding='utf-8'))
    found['rows'][0] |= more
    return json.dumps(found)


#: Name -> file, its text, who reads it, part of the message.
FILES: dict[str, tuple[str, str, Callable[[Path], object], str]] = {
    **{name: ('metrics.json', text, read_metrics, part) for name, (text, part) in NOTED.items()},
    **{
        f"a run's notes {name}": (
            OWN_METRICS,
            text,
            lambda path: read_own_metrics(path.parent),
            'cannot be read',
        )
        for name, text in (
            ('that are no JSON', '{'),
            ('in a list', '[]'),
            ('on a metric in a list', '{"holes": []}'),
        )
    },
    **{
        f'a column {name}': ('per_image.csv', table(cell), read_rows, part)
        for name, cell, part in (
            ('in words', 'many', 'no table of tools/test.py'),
            ('with nan', 'nan', "holes is 'nan', not a finite number"),
            ('with 1e400', '1e400', 'not a finite number'),
        )
    },
    **{
        f'a study with {name}': ('study.json', study(**row), read_study, part)
        for name, row, part in (
            ('a metric that is better sideways', dict(own_metrics=dict(a=dict(better=1))), 'bett'),
            ('a metric of text', dict(metrics=dict(Dice=1, IoU=1, a='b')), "metrics.a is 'b'"),
            (
                'curves of different lengths',
                dict(curves={'train/loss': [1, 1], 'valid/a': [1]}),
                'curves of different lengths',
            ),
        )
    },
}

_OWN, _FILE = "metric of one's own", "metric of one's own, in files"
OWN_METRIC_CASES = (
    *(Case(_OWN, name, run, read=text) for name, (run, text) in SHOWN.items()),
    *(Case(_OWN, name, run, refused=part) for name, (run, part) in REFUSED.items()),
    *(
        Case(_FILE, name, read(file, text, use), refused=part)
        for name, (file, text, use, part) in FILES.items()
    ),
    Case(
        _FILE,
        'an empty cell of a column',
        read('per_image.csv', table(''), lambda path: read_rows(path)[0]['holes']),
        read='nan',
    ),
    Case(
        _FILE,
        'a column below 0',
        read('per_image.csv', table('-1.5'), lambda path: read_rows(path)[0]['holes']),
        read='-1.5',
    ),
)
