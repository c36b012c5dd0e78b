"""All of them."""

_base_ = './_base_.py'
