"""Adam, the rate halved at the third epoch in a row without a fall of the validation loss (R1)."""

_base_ = './adam.py'

plateau = dict(
    type='ReduceOnPlateauLR',
    monitor='loss',
    factor=0.5,
    patience=2,  # epochs that may pass; the next one without a fall halves the rate
    threshold=1e-4,  # a fall by less than this share of the loss is none
    threshold_rule='rel',
)
param_scheduler = ['$plateau']
