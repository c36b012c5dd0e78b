"""Adam, the learning rate halved when the validation loss has not fallen for two epochs (R1)."""

_base_ = './adam.py'

plateau = dict(
    type='ReduceOnPlateauLR',
    monitor='loss',
    factor=0.5,
    patience=1,  # epochs that may pass; the next one without a fall halves the rate
    threshold=0.0,  # any fall counts
)
param_scheduler = ['$plateau']
