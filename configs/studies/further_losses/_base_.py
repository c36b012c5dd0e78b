"""Further losses, ResNet34-UNet (R0's recipe): does another loss beat BCE + Dice?

No report tries them; two name losses of IoU and of edges as what comes next.
"""

_base_ = '../../reports/r0_resnet34_unet.py'

edges = None  # an EdgeTask: the outline of the mask as a second task
model = dict(edge_task='$edges')
