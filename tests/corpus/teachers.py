"""What ``teacher`` of a distillation may name by mistake, or what somebody else has put there."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from custom_modules.engine.hooks.teacher_hook import TeacherHook
from custom_modules.runs.teacher import read_teacher

from .case import Case
from .files import Command
from .marked import marked
from .published_configs import COMMAND
from .run_configs import HOSTILE_CODE, NOT_EXECUTED
from .weights import NET

LOADED = 'the teacher is loaded'


def _weights(**changes: object) -> dict[str, Any]:
    return dict(state_dict=MODELS.build(NET).state_dict(), meta={}) | changes


def _teacher(
    model: object = NET,
    *,
    weights: Callable[[Path], object] | None = lambda path: torch.save(_weights(), path),
    config: str | None = None,
    code: str | None = None,
    name: str = 'teacher',
) -> Callable[[Path], str]:
    """Return what reading a teacher says whose folder holds what is given; None for no such file.

    MARKER in texts stands for the file that nothing may make.
    """

    def run(folder: Path) -> str:
        place = folder / 'teacher'
        place.mkdir()
        text = json.dumps(dict(model=model)) if config is None else config
        for file, content in (('config.py', code), ('merged_config.json', text)):
            if content:
                (place / file).write_text(content.replace('MARKER', str(folder / 'executed')))
        if weights is not None:
            weights(place / 'best.pth')
        return marked(folder, lambda: (read_teacher(str(folder / name)), LOADED)[1])

    return run


def _of_one_channel(folder: Path) -> str:
    """Return what a training on colours says of a teacher for grey images."""
    grey = dict(type='BinarySegPreprocessor', mean=[0], std=[255], in_channels=1)
    other = NET | dict(data_preprocessor=grey, backbone=NET['backbone'] | dict(in_channels=1))
    state = dict(state_dict=MODELS.build(other).state_dict(), meta={})
    _teacher(other, weights=lambda path: torch.save(state, path))(folder)
    part = dict(type='Distillation', teacher=str(folder / 'teacher'))
    model = MODELS.build(NET | dict(distillation=part))
    TeacherHook().before_run(
        SimpleNamespace(bare_model=model, is_training_run=True, cfg=Config(dict()))
    )
    return LOADED


TEACHERS: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'the folder of a run': (_teacher(), '', LOADED),
    'nothing of that name': (_teacher(name='teacer'), 'teacer; name the folder of a run', ''),
    'a folder that is no model': (
        _teacher(weights=None, config=''),
        'teacher holds no best.pth and no model.safetensors; name the folder of a run',
        '',
    ),
    'a config without weights': (
        _teacher(weights=None),
        'teacher holds no best.pth and no model.safetensors; name the folder of a run',
        '',
    ),
    'weights without a config': (_teacher(config=''), 'there is no config beside', ''),
    'its config in place of its weights': (
        _teacher(name='teacher/merged_config.json'),
        'merged_config.json: refused, because it is damaged or holds more',
        '',
    ),
    'an address': (
        lambda _: (read_teacher('https://example.org/best.pth'), LOADED)[1],
        'only checkpoints on this machine are loaded',
        '',
    ),
    'images of one channel': (
        _of_one_channel,
        'is for images of 1 channels, and this training has 3; take a teacher of as many',
        '',
    ),
    'weights of another network': (
        _teacher(NET | dict(backbone=dict(type='UNetEncoder', channels=[2, 4]))),
        'the checkpoint is of another model than the config',
        '',
    ),
    'a pickle that runs a command': (
        _teacher(weights=lambda path: torch.save(_weights(meta=Command()), path)),
        'was not an allowed global by default). Loading such a file could run foreign code',
        '',
    ),
    'a bare pickle that runs a command': (
        _teacher(weights=lambda path: path.write_bytes(pickle.dumps(Command()))),
        'Loading such a file could run foreign code',
        '',
    ),
    'a config that is a program': (_teacher(config='', code=HOSTILE_CODE), NOT_EXECUTED, ''),
    'a command as its model': (_teacher(COMMAND), "its model is 'os.system', and a teacher is", ''),
    'a command as its encoder': (
        _teacher(NET | dict(backbone=COMMAND)),
        "model.backbone.type='os.system' is not registered",
        '',
    ),
    'a package to import as its model': (
        _teacher(dict(type='stranger.Network')),
        "its model is 'stranger.Network', and a teacher is",
        '',
    ),
    'a model that is a text': (_teacher('BinarySegmentor'), 'its model is of type str, and', ''),
    'a model whose type is a list': (_teacher(dict(type=[])), 'its model is [], and a', ''),
    'a config without a model': (_teacher(config='{}'), 'its model is of type NoneType, and', ''),
    'a loader that is a list': (
        _teacher(config=json.dumps(dict(model=NET, test_dataloader=[1]))),
        'the data set of its config is none (TypeError',
        '',
    ),
}

TEACHER_CASES = tuple(Case('teacher', name, *rest) for name, rest in TEACHERS.items())
