"""Metrics, registered in MMEngine's METRICS."""

from .metrics import DiceMetric, LossMetric

__all__ = ['DiceMetric', 'LossMetric']
