"""Adam, the learning rate falling to zero along a cosine over all epochs (R0)."""

max_epochs = 50
learning_rate = 7e-4

train_cfg = dict(type='ResumableTrainLoop', max_epochs='$max_epochs')
optim_wrapper = dict(
    type='AutocastOptimWrapper',
    precision='$precision',
    optimizer=dict(type='Adam', lr='$learning_rate', fused=True),
)
param_scheduler = [dict(type='CosineAnnealingLR', T_max='$max_epochs', eta_min=0.0, by_epoch=True)]
