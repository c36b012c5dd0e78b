"""Metrics, registered in MMEngine's METRICS."""

from .border_policies import BorderMetric
from .boundary import BoundaryMetric
from .metric_table import MetricInfo
from .metrics import DiceMetric, LossMetric
from .probabilities import ProbabilityMetric

__all__ = [
    'BorderMetric',
    'BoundaryMetric',
    'DiceMetric',
    'LossMetric',
    'MetricInfo',
    'ProbabilityMetric',
]
