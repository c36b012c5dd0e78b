"""The logits as they are."""

_base_ = './_base_.py'
