"""UNet++ (Zhou et al., DLMIA 2018) on half a ResNet34: 6,362,465 parameters."""

_base_ = './resnet34_unet.py'

model = dict(decode_head=dict(type='UNetPlusPlusHead'))
