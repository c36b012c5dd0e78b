"""A network that nobody has trained, in a folder as a run leaves it."""

from pathlib import Path

import torch
from mmengine.registry import MODELS

from custom_modules.config import LoadedConfig
from custom_modules.config.written import write_config


def leave_teacher(folder: Path, config: LoadedConfig, seed: int = 0) -> Path:
    """Write ``best.pth`` and the config of a network that has seen an image 'mark'."""
    torch.manual_seed(seed)
    model = MODELS.build(config.resolved.model)
    folder.mkdir(parents=True)
    state = dict(state_dict=model.state_dict(), meta=dict(train_images=['mark']))
    torch.save(state, folder / 'best.pth')
    write_config(folder, config)
    return folder
