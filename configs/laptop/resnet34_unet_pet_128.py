"""ResNet34-UNet on Oxford-IIIT Pet at 128x128 in 12 epochs, for a machine without a GPU."""

_base_ = '../resnet34_unet_pet.py'

image_size = 128
max_epochs = 12
learning_rate = 1e-3
precision = 'auto'

# Twelve epochs are few: a short warm-up allows a higher rate, and Dice per image is what is scored.
model = dict(
    losses=[
        dict(type='BinaryCrossEntropyLoss'),
        dict(type='BinaryDiceLoss', over='image', smooth=1),
    ]
)
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
