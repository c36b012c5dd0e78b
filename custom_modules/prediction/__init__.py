"""Predicting images that have no ground truth; ``custom_modules.api`` is the way in."""

from .prediction import Prediction
from .predictor import Predictor

__all__ = ['Prediction', 'Predictor']
