"""Dice loss alone."""

_base_ = './_base_.py'

losses = [dict(type='BinaryDiceLoss')]
