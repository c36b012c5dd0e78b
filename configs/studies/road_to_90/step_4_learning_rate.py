"""With a learning rate of 1e-4."""

_base_ = './step_3_dice_loss.py'

learning_rate = 1e-4
