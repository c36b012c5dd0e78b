"""The border is background."""

_base_ = './_base_.py'

border = 'background'
