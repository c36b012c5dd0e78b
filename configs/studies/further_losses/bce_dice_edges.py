"""Binary cross-entropy + Dice loss, and the outline of the mask as a second task."""

_base_ = './_base_.py'

edges = dict(_delete_=True, type='EdgeTask', losses='$losses', weight=0.5)
