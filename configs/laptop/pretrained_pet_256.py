"""Second of two trainings of weights to give away: 50 epochs at 256x256.

python tools/train.py configs/laptop/pretrained_pet_256.py --cfg-options \\
    init=work_dirs/pretrained_pet_128/latest
"""

_base_ = './pretrained_pet_128.py'

image_size = 256
max_epochs = 50
