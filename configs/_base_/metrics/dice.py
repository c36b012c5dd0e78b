"""Metrics from pixel counts, Dice among them, and the loss of the validation."""

metric_batch_size = None  # Dice_batches, as some reports average: images that are pooled
evaluator = [dict(type='DiceMetric', batch_size='$metric_batch_size'), dict(type='LossMetric')]
