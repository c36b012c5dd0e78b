"""The border is pet."""

_base_ = './_base_.py'
