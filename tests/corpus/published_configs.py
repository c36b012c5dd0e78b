"""``config.json`` of a stranger: what it would run, read, fetch or allocate if it could."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from custom_modules.config import load_config

from .case import Case
from .marked import marked
from .settings import BASE, LOADED

Values = dict[str, Any]


@cache
def _written() -> str:
    """Return what ``publish`` would write for the sample's config."""
    return json.dumps(load_config(BASE).data)


def _published(change: Callable[[Values], object] | bytes) -> Callable[[Path], str]:
    """Return what loading a published config says; MARKER in it stands for the file to make."""

    def run(folder: Path) -> str:
        path = folder / 'config.json'
        if isinstance(change, bytes):
            path.write_bytes(change)
        else:
            values = json.loads(_written())
            change(values)
            path.write_text(json.dumps(values).replace('MARKER', str(folder / 'executed')))
        return marked(folder, lambda: (load_config(folder), LOADED)[1])

    return run


def _set(place: str, value: object) -> Callable[[Values], None]:
    """Return the change that puts a value at a dotted place of a config."""

    def change(values: Values) -> None:
        *above, last = place.split('.')
        found: Any = values
        for key in above:
            found = found[int(key) if isinstance(found, list) else key]
        if isinstance(found, list):
            found[int(last)] = value
        else:
            found[last] = value

    return change


COMMAND = dict(type='os.system', command='touch MARKER')
PROCESS = dict(type='subprocess.Popen', args=['touch', 'MARKER'])
RUNNER = dict(type='mmengine.runner.Runner', model=dict(), work_dir='MARKER')
NOT_ALLOWED = 'is not allowed in a config that is data'
FIRST_STEP = 'test_pipeline.2'


def _bomb(values: Values) -> None:
    """Variables of variables: 16 ** 8 values from a kilobyte."""
    values['weight_init'] = ['$bomb_0'] * 16
    for level in range(7):
        values[f'bomb_{level}'] = [f'$bomb_{level + 1}'] * 16
    values['bomb_7'] = 0


def _behind_a_variable(values: Values) -> None:
    values['model']['backbone'] = COMMAND | dict(type='$kind')
    values['kind'] = COMMAND['type']


PUBLISHED: dict[str, tuple[Callable[[Values], object] | bytes, str, str]] = {
    'as it was written': (lambda _: None, '', LOADED),
    'a command as the encoder': (_set('model.backbone', COMMAND), NOT_ALLOWED, ''),
    'a process as the preprocessor': (_set('preprocessor', PROCESS), NOT_ALLOWED, ''),
    'a process as a loss': (_set('losses.0', PROCESS), NOT_ALLOWED, ''),
    'a training as the head': (_set('model.decode_head', RUNNER), NOT_ALLOWED, ''),
    'a command as a normalisation': (_set('model.backbone.norm_cfg', COMMAND), NOT_ALLOWED, ''),
    'a command behind a variable': (_behind_a_variable, NOT_ALLOWED, ''),
    'a command as a hook': (_set('custom_hooks.0', COMMAND), NOT_ALLOWED, ''),
    'a command in the pipeline': (_set(FIRST_STEP, COMMAND), NOT_ALLOWED, ''),
    'a command as what stacks a batch': (
        _set('test_dataloader.collate_fn', COMMAND),
        NOT_ALLOWED,
        '',
    ),
    'a command under another key than type': (
        _set(FIRST_STEP, dict(type='RandomChoiceResize', scales=[8], resize_type='os.system')),
        'the steps of its test pipeline cannot be built',
        '',
    ),
    'a package to import as a type': (
        _set('model.backbone', dict(type='stranger.Net')),
        NOT_ALLOWED,
        '',
    ),
    'a package to import as a scope': (
        _set('model.backbone._scope_', 'stranger'),
        NOT_ALLOWED,
        '',
    ),
    'a package to import as the scope of all': (_set('default_scope', 'stranger'), NOT_ALLOWED, ''),
    'a base': (_set('_base_', 'stranger/__init__.py'), NOT_ALLOWED, ''),
    'imports': (_set('custom_imports', dict(imports=['stranger'])), NOT_ALLOWED, ''),
    'a compiler to run': (
        _set('compile', dict(options={'cxx': 'stranger'})),
        'compile may be true or false',
        '',
    ),
    'windows without end': (
        _set('test_pipeline.2', dict(type='SlidingWindow', size=16, overlap=0.999)),
        'overlap = 0.999 is not allowed; use a number from 0 to 0.75',
        '',
    ),
    'a key that ends its quotation': (
        _set('env_cfg.mp_cfg', {"a': open('MARKER', 'w'), 'b": 1}),
        'is no key of a config',
        '',
    ),
    'a key that is a line of Python': (
        _set("open('MARKER', 'w'); x", 1),
        'is no key of a config',
        '',
    ),
    "a key that is a word of Python's": (_set('env_cfg.import', 1), 'is no key of a config', ''),
    'a loss that reads a pickle': (
        _set('losses.0', dict(type='mmseg.CrossEntropyLoss', class_weight='weights.pkl')),
        NOT_ALLOWED,
        '',
    ),
    'an augmentation that reads files': (
        _set(
            'train_pipeline.2',
            dict(
                type='Albumentations',
                transforms=[dict(type='albumentations.FDA', reference_images=['/etc/passwd'])],
            ),
        ),
        NOT_ALLOWED,
        '',
    ),
    'a hook that writes where it likes': (
        _set('custom_hooks.0', dict(type='SaveMasksHook', folder='/')),
        NOT_ALLOWED,
        '',
    ),
    'a tracker that sends pictures away': (
        lambda values: values.update(
            visualizer=dict(type='Visualizer', vis_backends=values.pop('vis_backends'))
            | dict(vis_backends=[dict(type='WandbVisBackend')])
        ),
        NOT_ALLOWED,
        '',
    ),
    'a file of names to read': (
        _set('test_dataloader.dataset.metainfo', dict(classes='/etc/passwd')),
        NOT_ALLOWED,
        '',
    ),
    'data at an address': (_set('data_root', 'http://127.0.0.1:9/x'), 'an address is not', ''),
    'pretrained weights at an address': (
        _set('weight_init', dict(type='Pretrained', checkpoint='http://127.0.0.1:9/x')),
        '',
        LOADED,
    ),
    'a type that is a number': (_set('model.backbone.type', 5), NOT_ALLOWED, ''),
    'a type that is a list': (_set('model.backbone.type', ['UNetEncoder']), NOT_ALLOWED, ''),
    'a hook as the encoder': (
        _set('model.backbone', dict(type='ConsoleHook')),
        NOT_ALLOWED,
        '',
    ),
    'a loss as the encoder': (
        _set('model.backbone', dict(type='BinaryDiceLoss')),
        'its model cannot be built',
        '',
    ),
    'channels in words': (
        _set('model.backbone.channels', ['many', 'more']),
        'its model cannot be built',
        '',
    ),
    'no model': (lambda values: values.pop('model'), 'it has no model', ''),
    'a model that is a text': (_set('model', 'UNet'), 'it has no model', ''),
    'a billion channels': (_set('model.backbone.in_channels', 10**9), 'is too large', ''),
    'layers of 16,000 channels': (
        _set('model.backbone.channels', [16_000] * 5),
        'has more than 1,000,000,000 weights',
        '',
    ),
    'a feature map of terabytes': (
        lambda values: (
            _set('model.backbone', dict(type='UNetEncoder', channels=[4_096, 4]))(values),
            _set('model.decode_head.channels', [4])(values),
            _set('image_size', 4096)(values),
        ),
        'makes a feature map of',
        '',
    ),
    'a width of a million': (_set('width', 1e6), 'is too large', ''),
    '64,000 blocks': (
        _set('model.backbone', dict(type='ResNetEncoder', blocks=[16_000] * 4, channels=[4] * 4)),
        'has more than 10,000 parts',
        '',
    ),
    'levels without end': (
        _set('model.decode_head.logit_upsamples', 16_000),
        'wants sides that are multiples of more than 1,024',
        '',
    ),
    'images of a million pixels a side': (_set('image_size', 10**6), 'is too large', ''),
    'a thousand sides': (_set('image_size', [1] * 1_000), 'items, at most 64', ''),
    'variables that multiply': (_bomb, 'its variables grow into more than', ''),
    'NaN': (_set('threshold', float('nan')), 'NaN is no number', ''),
    'infinity': (_set('width', float('inf')), 'Infinity is no number', ''),
    'a number beyond what floats hold': (
        b'{"model": {"threshold": 1e999}}',
        'the number 1e999 is too large',
        '',
    ),
    'a whole number of 5,000 digits': (
        b'{"model": %s}' % (b'9' * 5000),
        'cannot be read as a config that is data',
        '',
    ),
    'brackets without end': (b'[' * 100_000, 'is nested more than 24 deep', ''),
    'objects in objects': (
        b'{"model":' * 60 + b'{}' + b'}' * 60,
        'nested more than 24 deep',
        '',
    ),
    'a text of 100,000 characters': (_set('data_root', 'x' * 100_000), 'a text of 100,000', ''),
    'half a megabyte': (b' ' * 500_000, 'more than 262,144 bytes', ''),
    'a hundred thousand values': (
        b'{"model": [%s]}' % b','.join([b'0'] * 100_000),
        'more than 20,000 values',
        '',
    ),
    'no pipeline': (
        lambda values: values['test_dataloader']['dataset'].pop('pipeline'),
        'test_dataloader.dataset.pipeline is no list of steps',
        '',
    ),
    'a pipeline that is a text': (
        _set('test_pipeline', 'resize'),
        'test_dataloader.dataset.pipeline is no list of steps',
        '',
    ),
    'a loader that is a list': (
        _set('test_dataloader', [1]),
        'it has no test_dataloader',
        '',
    ),
    'a step that is none': (_set(FIRST_STEP, 5), 'is no list of steps', ''),
    'a threshold in words': (_set('threshold', 'high'), "model.threshold='high' is no number", ''),
    'no UTF-8': (b'\xff\xfe{}', 'cannot be read (invalid start byte', ''),
}

PUBLISHED_CONFIGS = tuple(
    Case('published config', name, _published(change), refused=said, read=out)
    for name, (change, said, out) in PUBLISHED.items()
)
