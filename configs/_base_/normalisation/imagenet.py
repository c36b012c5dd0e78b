"""Images are normalised by the mean and standard deviation of ImageNet (R G B, 0 to 255)."""

preprocessor = dict(
    type='BinarySegPreprocessor',
    in_channels='$in_channels',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
)
