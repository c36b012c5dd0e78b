"""BatchNorm as part of the convolution before it, for networks that train no more."""

import torch
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval


def fold_batch_norm(module: nn.Module) -> None:
    """Put each BatchNorm into the convolution that is registered right before it, in place.

    A convolution and its normalisation are neighbours in all modules of this project (and in
    mmcv's ConvModule). mmcv's ``fuse_conv_bn`` takes the last convolution before a BatchNorm even
    if a transposed one stands between.

    Args:
        module: network in eval mode; it is changed.
    """
    before: tuple[str, nn.Conv2d | nn.ConvTranspose2d] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and before is not None:
            convolution, transposed = before[1], isinstance(before[1], nn.ConvTranspose2d)
            with torch.no_grad():
                fused = fuse_conv_bn_eval(convolution, child, transposed)
            module._modules[before[0]] = fused
            module._modules[name] = nn.Identity()
            before = None
        elif isinstance(child, nn.Conv2d | nn.ConvTranspose2d):
            before = (name, child)
        else:
            fold_batch_norm(child)
            before = None
