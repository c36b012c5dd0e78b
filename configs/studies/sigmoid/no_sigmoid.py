"""Dice loss of the raw logits."""

_base_ = './_base_.py'

losses = [dict(type='BinaryCrossEntropyLoss'), dict(type='BinaryDiceLoss', sigmoid=False)]
