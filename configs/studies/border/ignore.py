"""The border does not count."""

_base_ = './_base_.py'

border = 'ignore'
