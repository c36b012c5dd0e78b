"""Without the normalisation: values from 0 to 1."""

_base_ = './_base_.py'

preprocessor = dict(mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0])
