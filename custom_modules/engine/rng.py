"""The state of every random number generator, as tensors and plain types."""

import random

import numpy as np
import torch
from mmengine.device import get_device


def rng_state() -> dict:
    """Return the states of Python, NumPy, torch, every CUDA device, and another GPU in use."""
    version, numbers, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    state = dict(
        python=[version, list(numbers), gauss],
        numpy=[kind, torch.from_numpy(np.asarray(keys, np.int64)), position, has_gauss, cached],
        torch=torch.get_rng_state(),
        cuda=torch.cuda.get_rng_state_all(),
    )
    if get_device() in ('mps', 'xpu'):
        state[get_device()] = getattr(torch, get_device()).get_rng_state()
    return state


def set_rng_state(state: dict) -> None:
    """Set what ``rng_state`` returned; CUDA only where the number of devices agrees."""
    version, numbers, gauss = state['python']
    random.setstate((version, tuple(numbers), gauss))
    kind, keys, position, has_gauss, cached = state['numpy']
    np.random.set_state((kind, keys.cpu().numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state['torch'].cpu())
    if len(state['cuda']) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([cuda.cpu() for cuda in state['cuda']])
    if get_device() in ('mps', 'xpu') and get_device() in state:
        getattr(torch, get_device()).set_rng_state(state[get_device()].cpu())
