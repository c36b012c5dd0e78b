"""Adam at a constant learning rate (R3, R4)."""

_base_ = ['../losses/bce_dice.py', '../initialisation/pytorch.py']

max_epochs = 50
learning_rate = 1e-4

train_cfg = dict(type='ResumableTrainLoop', max_epochs='$max_epochs')
optim_wrapper = dict(
    type='AutocastOptimWrapper',
    precision='$precision',
    optimizer=dict(type='Adam', lr='$learning_rate', fused=True),
)
