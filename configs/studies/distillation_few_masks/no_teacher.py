"""The masks alone."""

_base_ = './_base_.py'
