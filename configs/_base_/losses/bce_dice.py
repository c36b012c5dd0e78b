"""The sum of binary cross-entropy and Dice loss."""

losses = [dict(type='BinaryCrossEntropyLoss'), dict(type='BinaryDiceLoss')]
