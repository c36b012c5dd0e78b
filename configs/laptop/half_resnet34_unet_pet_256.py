"""Seven epochs at 256x256 on top of twenty at 128x128: the quickest good masks of that size.

python tools/train.py configs/laptop/half_resnet34_unet_pet_256.py --cfg-options \\
    init=work_dirs/half_resnet34_unet_pet_128/latest
"""

_base_ = './half_resnet34_unet_pet_128.py'

image_size = 256
max_epochs = 7
learning_rate = 5e-4
