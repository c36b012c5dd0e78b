"""Dice + boundary loss, as its paper has it."""

_base_ = './_base_.py'

losses = [dict(type='BinaryDiceLoss'), dict(type='BoundaryLoss')]
