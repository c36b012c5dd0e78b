"""The border alone is the foreground: another task."""

_base_ = './_base_.py'

border = 'only'
