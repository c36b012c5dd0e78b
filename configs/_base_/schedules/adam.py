"""Adam at a constant learning rate, on the sum of binary cross-entropy and Dice loss (R3, R4)."""

max_epochs = 50
learning_rate = 1e-4
weight_init = None  # PyTorch's
losses = [dict(type='BinaryCrossEntropyLoss'), dict(type='BinaryDiceLoss')]

train_cfg = dict(type='ResumableTrainLoop', max_epochs='$max_epochs')
optim_wrapper = dict(
    type='AutocastOptimWrapper',
    precision='$precision',
    optimizer=dict(type='Adam', lr='$learning_rate', fused=True),
)
