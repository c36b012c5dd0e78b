"""R3 as its text has it: the border alone is the foreground; its Dice does not fit that reading."""

_base_ = './r3_unet.py'

border = 'only'
