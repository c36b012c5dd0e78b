"""Adam, one cycle (Smith, 2018): a short warm-up, then the rate falls to zero; for short runs."""

_base_ = './adam.py'

max_epochs = 12
learning_rate = 1e-3

param_scheduler = [
    dict(
        type='OneCycleLR',
        eta_max='$learning_rate',
        total_steps='$max_epochs',
        pct_start=0.15,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
