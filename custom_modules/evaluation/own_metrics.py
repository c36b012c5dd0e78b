"""Metrics that are not in the table: those of other packages, and of one's own.

A class of metrics may say in ``shown_as`` what the table says of ours. A test notes it in
``metrics.json`` (``own_metrics``) and a training in its folder, for those who read them later
without the class. What nothing is said of is shown by its name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from numbers import Integral
from typing import Any

from ..base.errors import UserError
from .metric_table import COUNTS, METRIC_TABLE, MetricInfo

#: What files note of a metric, beside its name.
_KEYS = ('label', 'over', 'better', 'column', 'level')


def metric_info(name: str, declared: Mapping[str, MetricInfo] | None = None) -> MetricInfo:
    """Return what is known of a metric, or what its name says: of a loss, less is better.

    Args:
        name: name of a metric, in the table or not.
        declared: what metrics say of themselves, by name, as ``declared_by`` returns it.
    """
    known = METRIC_TABLE.get(name) or (declared or {}).get(name)
    if known is not None:
        return known
    better = 'less' if 'loss' in name else 'greater'
    if name.startswith('loss_'):
        label = f'loss term: {name.removeprefix("loss_")}'
        return MetricInfo(name, label, better=better, level='detail')
    return MetricInfo(name, better=better)


def declared_by(metrics: Iterable[object]) -> dict[str, MetricInfo]:
    """Return what metrics say of themselves in ``shown_as``, by the names that they give.

    Args:
        metrics: metric objects of an evaluator; their prefixes are part of the names.

    Raises:
        UserError: ``shown_as`` of a metric object is no list of ``MetricInfo``.
    """
    found = {}
    for metric in metrics:
        infos = getattr(metric, 'shown_as', ())
        if not (
            isinstance(infos, list | tuple) and all(isinstance(one, MetricInfo) for one in infos)
        ):
            raise UserError(
                f'{type(metric).__name__}.shown_as is no list of MetricInfo; import that from '
                'custom_modules.evaluation'
            )
        prefix = getattr(metric, 'prefix', None)
        for info in infos:
            name = f'{prefix}/{info.name}' if prefix else info.name
            found[name] = MetricInfo(**asdict(info) | dict(name=name))
    return found


def own_metrics(names: Iterable[str], metrics: Iterable[object]) -> dict[str, MetricInfo]:
    """Return those of ``names`` that are not in the table, in their order.

    Args:
        names: names of all metrics that an evaluation gave.
        metrics: metric objects that gave them; see ``declared_by``.
    """
    declared = declared_by(metrics)
    return {
        name: metric_info(name, declared)
        for name in names
        if name not in METRIC_TABLE and name not in COUNTS
    }


def as_number(value: Any, name: str) -> float | int:
    """Return a value that a metric gave as a number of Python.

    Args:
        value: number, or array or tensor of a single number.
        name: name of the value, for the message.

    Raises:
        UserError: the value is not a single number.
    """
    try:
        if isinstance(value, Integral):
            return int(value)
        if not isinstance(value, str | bytes):
            return float(value)
    except (TypeError, ValueError, RuntimeError):  # numpy's and torch's, of several numbers
        pass
    raise UserError(f'{name} is of the type {type(value).__name__}, and no single number')


def as_data(own: Mapping[str, MetricInfo]) -> dict[str, dict[str, str]]:
    """Return metrics of one's own as JSON takes them, by name."""
    return {
        name: {key: value for key, value in asdict(info).items() if key in _KEYS}
        for name, info in own.items()
    }


def from_data(values: Any) -> dict[str, MetricInfo]:
    """Return what ``as_data`` was given; a name of the table is left to the table.

    Args:
        values: content of a file that anybody may have written.

    Raises:
        UserError: the content is nothing that ``as_data`` returns.
    """
    if not isinstance(values, dict) or not all(isinstance(one, dict) for one in values.values()):
        raise UserError("metrics of one's own are not described by an object for each")
    return {
        name: MetricInfo(name, **{key: value[key] for key in _KEYS if key in value})
        for name, value in values.items()
        if name not in METRIC_TABLE
    }


def own_of(results: Iterable[Mapping[str, Any]]) -> dict[str, MetricInfo]:
    """Return the metrics of one's own that some ``metrics.json`` note; the first one's word counts.

    Raises:
        UserError: the descriptions in one ``metrics.json`` are damaged.
    """
    found: dict[str, MetricInfo] = {}
    for result in results:
        for name, info in from_data(result.get('own_metrics', {})).items():
            found.setdefault(name, info)
    return found


def metrics_of(results: Iterable[Mapping[str, Any]]) -> list[MetricInfo]:
    """Return the metrics that any of some ``metrics.json`` has: those of the table, then others."""
    results = list(results)
    infos = [*METRIC_TABLE.values(), *own_of(results).values()]
    return [info for info in infos if any(info.name in result for result in results)]
