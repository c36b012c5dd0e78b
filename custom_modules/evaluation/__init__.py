"""Metrics, registered in MMEngine's METRICS."""

from .border_policies import BorderMetric
from .boundary import BoundaryMetric
from .metrics import DiceMetric, LossMetric
from .probabilities import ProbabilityMetric

__all__ = ['BorderMetric', 'BoundaryMetric', 'DiceMetric', 'LossMetric', 'ProbabilityMetric']
