"""With weight decay and the plateau schedule."""

_base_ = './step_4_learning_rate.py'

optim_wrapper = dict(optimizer=dict(weight_decay=3e-5))
param_scheduler = ['$plateau']
