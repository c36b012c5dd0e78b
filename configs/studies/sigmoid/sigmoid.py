"""Dice loss of probabilities."""

_base_ = './_base_.py'
