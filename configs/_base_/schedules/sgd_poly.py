"""SGD, counted in steps: a warm-up, then the rate falls to nothing as (1 - step / steps) ** 0.9."""

_base_ = ['../losses/bce_dice.py', '../initialisation/pytorch.py']

max_iters = 20_000
val_interval = 2_000  # steps between two validations, each with its last.pth
warm_up = 500  # steps
learning_rate = 0.01

train_cfg = dict(type='ResumableIterLoop', max_iters='$max_iters', val_interval='$val_interval')
optim_wrapper = dict(
    type='AutocastOptimWrapper',
    precision='$precision',
    optimizer=dict(type='SGD', lr='$learning_rate', momentum=0.9, weight_decay=5e-4),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, begin=0, end='$warm_up', by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin='$warm_up', end='$max_iters', by_epoch=False),
]
