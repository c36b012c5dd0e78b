"""Weights start as PyTorch's layers set them."""

weight_init = None
