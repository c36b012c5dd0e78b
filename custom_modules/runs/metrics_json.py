"""``metrics.json``: what it has to hold, whoever wrote it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..base.errors import UserError
from ..base.json_file import read_json
from ..base.records import (
    Check,
    between,
    count,
    items,
    mapping,
    nothing,
    number,
    one_of,
    record,
    text,
)
from ..evaluation.metric_table import METRIC_TABLE
from ..evaluation.own_metrics import own_of

#: What metrics must share to be compared with each other.
PROTOCOL = ('dataset', 'split', 'border', 'resolution', 'image_size')

SCORE = number(0, 1)
_INTERVAL = items(number(), 2)

#: Of the metrics of the table; what is better when it is less, a loss, has no bounds.
METRIC_CHECKS: dict[str, Check] = {
    name: SCORE if info.better == 'greater' else number() for name, info in METRIC_TABLE.items()
}
_GROUP = record(
    ('Dice', 'num_images'),
    **METRIC_CHECKS,
    num_images=count(),
    num_empty=count(),
    Dice_interval=_INTERVAL,
)
_BIN = record(
    ('pixels', 'probability', 'foreground'),
    pixels=count(),
    probability=one_of(nothing, number(0, 1.0001)),  # a mean of float32
    foreground=one_of(nothing, SCORE),
)
_CALIBRATION = record(('Brier', 'ECE', 'bins'), Brier=number(0), ECE=number(0), bins=items(_BIN))
_BORDER = record(('Dice',), **METRIC_CHECKS)

#: How a network was trained, as checkpoints, exported files and results tell it.
TRAINING = record(
    ('epochs', 'max_epochs', 'minutes', 'device', 'precision'),
    epochs=count(),
    max_epochs=count(),
    minutes=number(0),
    minutes_before=number(0),
    steps=count(),  # these two of a training that is counted in steps
    max_steps=count(1),
    processes=count(1),
    members=count(1),
    num_excluded=count(),
    **dict.fromkeys(('device', 'precision', 'init', 'teacher'), text()),
    **dict.fromkeys(('torch', 'python', 'system', 'commit'), text()),
)

#: What one image costs, see ``cost_of_image``.
COST = record(
    ('parameters', 'multiply_accumulates', 'image_size', 'latency'),
    parameters=count(),
    multiply_accumulates=count(),
    image_size=items(count(1), 2),
    latency=record(
        ('median', 'low', 'high', 'runs'),
        **dict.fromkeys(('median', 'low', 'high'), number(0)),
        runs=count(1),
    ),
)


def _curve(value: Any, place: str) -> None:
    record(('thresholds', 'Dice'), thresholds=items(SCORE), Dice=items(SCORE))(value, place)
    if len(value['thresholds']) != len(value['Dice']):
        raise ValueError(f'{place} has not as many Dice as thresholds')


METRICS = record(
    (*PROTOCOL, 'Dice', 'threshold'),
    **METRIC_CHECKS,
    **dict.fromkeys(('num_images', 'num_empty', 'num_trained_on', 'num_excluded'), count()),
    metric_batch_size=count(1),
    folds=count(2),
    weights=text(),
    watched_by=items(text()),
    other_than_trained=items(text()),
    **dict.fromkeys(('dataset', 'split', 'border', 'resolution', 'config', 'checkpoint'), text()),
    **dict.fromkeys(('averaging', 'threshold_source', 'dtype', 'interval_method'), text()),
    **dict.fromkeys(('device', 'torch', 'python', 'system', 'commit'), text()),
    image_size=one_of(text(), items(count(1)), count(1)),
    windows=one_of(nothing, record(('size', 'overlap'), size=count(1), overlap=SCORE)),
    threshold=SCORE,
    tta=one_of(nothing, record(('scales',), scales=items(between(0, 5)))),
    training=one_of(nothing, TRAINING),
    intervals=mapping(_INTERVAL),
    breakdowns=mapping(mapping(_GROUP)),
    size_limits=one_of(items(SCORE, 0), items(SCORE, 2)),
    boundary=record(('width', 'tolerance'), width=number(0), tolerance=number(0)),
    borders=record(
        ('foreground', 'background', 'ignore'),
        **dict.fromkeys(('foreground', 'background', 'ignore'), _BORDER),
    ),
    calibration=_CALIBRATION,
    cost=COST,
    validation=record(curve=_curve, split=text(), calibration=_CALIBRATION, num_images=count()),
)


def read_metrics(path: Path, needed: Sequence[str] = ()) -> dict[str, Any]:
    """Return the metrics of a test with their protocol.

    Args:
        path: path of the ``metrics.json`` file.
        needed: further keys that have to be there, and may not be null.

    Raises:
        UserError: the file cannot be read or does not hold the metrics of a test.
    """
    metrics = read_json(path)
    try:
        METRICS(metrics, '')
        for name in own_of([metrics]):
            number()(metrics.get(name), name)
        missing = [key for key in needed if metrics.get(key) is None]
        if missing:
            raise ValueError(f'it lacks {missing[0]!r}')
    except ValueError as error:
        raise UserError(f'{path}: is of no test, {error}; test again') from None
    return metrics
