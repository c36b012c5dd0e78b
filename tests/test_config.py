"""Every config resolves; one line reaches everywhere; what is misspelt or dead is named."""

import inspect
import json
import math
import re
from pathlib import Path
from typing import Any

import mmengine.registry
import pytest
from mmcv.cnn import build_norm_layer
from mmengine.dataset import Compose
from mmengine.registry import MODELS, Registry

from custom_modules.base.errors import UserError
from custom_modules.config import load_config
from custom_modules.config.annotations import annotated_kinds
from custom_modules.config.differences import as_data
from custom_modules.config.load import _parse_options
from custom_modules.config.python_text import python_text
from custom_modules.config.ranges import RANGES
from custom_modules.config.registered import REGISTRIES
from custom_modules.config.written import parse_code, read_named, resolved
from custom_modules.models.unet_head import UNetHead

ROOT = Path(__file__).resolve().parent.parent
#: The configs of the studies have a contract of their own in test_studies.py.
LEAVES = sorted(
    str(p.relative_to(ROOT))
    for p in ROOT.glob('configs/**/*.py')
    if not {'_base_', 'studies', '_base_.py'} & {*p.parts}
)


def test_there_are_configs() -> None:
    assert 'configs/unet_pet.py' in LEAVES
    assert len(LEAVES) >= 5


@pytest.mark.parametrize('path', LEAVES)
def test_every_config_resolves_builds_and_loads_again(path: str, tmp_path: Path) -> None:
    config = load_config(path)
    assert '$' not in str(config.resolved.to_dict())
    MODELS.build(config.resolved.model)
    again = tmp_path / Path(path).name
    again.write_text(config.text)
    assert load_config(again).resolved.to_dict() == config.resolved.to_dict()
    # Without executing it, it is the same, as the config of a result and by its name.
    data = config.data
    assert parse_code(config.text, path) == data
    of_others = 'mmseg::' in (ROOT / path).read_text()
    assert read_named(path) == (None if of_others else data)
    assert resolved(data, path) == as_data(config.resolved.to_dict())
    # So it is as the config of a published model, whose network is built from it.
    (tmp_path / 'config.json').write_text(json.dumps(data))
    assert as_data(load_config(tmp_path).resolved.to_dict()) == resolved(data, path)
    lines = [x for x in (ROOT / path).read_text().splitlines() if x.strip() and x[0] not in '#"']
    assert len(lines) <= 30


def test_one_line_changes_a_value_everywhere_it_matters() -> None:
    options = ['image_size=(96,64)', 'batch_size=3', 'max_epochs=7', 'border=ignore', 'seed=9']
    config = load_config('configs/resnet34_unet_pet.py', [*options, 'precision=auto']).resolved
    loaders = [config[f'{stage}_dataloader'] for stage in ('train', 'val', 'test')]
    for loader in loaders:
        scales = [
            t['scale'] for t in loader['dataset']['pipeline'] if t['type'].startswith('Resize')
        ]
        assert scales == [(96, 64)]
        assert loader['batch_size'] == 3
        assert loader['dataset']['border'] == 'ignore'
    assert config.train_cfg['max_epochs'] == 7
    assert config.param_scheduler[0]['T_max'] == 7
    assert config.randomness['seed'] == 9
    stages = (config.optim_wrapper, config.val_cfg, config.test_cfg)
    assert [stage['precision'] for stage in stages] == ['auto'] * 3


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('/my pets/photos (1)', '/my pets/photos (1)'),
        ('"/my pets"', '/my pets'),
        ('[64, 32]', [64, 32]),
        ("'[64]'", [64]),
        ('64, 32', [64, 32]),
        (' 3', 3),
        ('True ', True),
    ],
)
def test_a_value_of_the_command_line_keeps_its_spaces(text: str, value: object) -> None:
    assert _parse_options([f'data_root={text}']) == dict(data_root=value)


def test_an_ablation_is_a_few_lines(tmp_path: Path) -> None:
    child = tmp_path / 'child.py'
    child.write_text(
        f"_base_ = '{ROOT}/configs/unet_pet.py'\n"
        "train_pipeline = [dict(type='LoadImage'), dict(type='LoadMask'),\n"
        "        dict(type='Resize', scale='$image_size'), dict(type='PackBinarySegInputs')]\n"
        "model = dict(losses=[dict(type='BinaryCrossEntropyLoss')])\n"
        'image_size = 64\n'
    )
    config = load_config(child)
    assert len(config.resolved.train_dataloader['dataset']['pipeline']) == 4
    assert config.resolved.train_dataloader['dataset']['pipeline'][2]['scale'] == 64
    assert [loss['type'] for loss in config.resolved.model['losses']] == ['BinaryCrossEntropyLoss']
    # What the model no longer takes from a variable need not be taken back, only not set again.
    assert '\nlosses = ' not in config.text
    child.write_text(child.read_text() + 'losses = []\n')
    with pytest.raises(UserError, match="nothing uses the key 'losses'"):
        load_config(child)


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('optim_wraper.lr=1', r"nothing uses the key 'optim_wraper'; did you mean optim_wrapper\?"),
        ('imagesize=64', r"nothing uses the key 'imagesize'; did you mean image_size"),
        ('norm_cfg=3', "nothing uses the key 'norm_cfg'"),
        (
            'model.backbone.norm_cgf=3',
            r"model\.backbone .* no key 'norm_cgf'; did you mean norm_cfg",
        ),
        ('model.backbone.type=UNetEncodr', r"type='UNetEncodr' is not .*did you mean UNetEncoder"),
        ('optim_wrapper.optimizer.lrr=1', r"\(Adam\) has no key 'lrr'; did you mean lr"),
        ('train_dataloader.batchsize=1', r"no key 'batchsize'; did you mean batch_size"),
        ('train_dataloader.dataset.boarder=1', "no key 'boarder'; did you mean border"),
        ('randomness.sed=1', "randomness has no key 'sed'; did you mean seed"),
        ('default_hooks.checkpoint.monitr=Dice', "no key 'monitr'; did you mean monitor"),
        ('train_pipeline.3.probability=1', r"\(RandomFlip\) has no key 'probability'"),
        (
            'train_pipeline.3.type=albumentations.HorizontalFlp',
            r'no transform of albumentations .* did you mean albumentations\.HorizontalFlip',
        ),
        (
            'learning_rate=$learning_rat',
            'variable \\$learning_rat is used but not set; did you mean',
        ),
        ('learning_rate=$learning_rate', 'refers to itself'),
        ('batch_size', 'write key=value'),
    ],
)
def test_misspelt_and_dead_keys_are_named(option: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config('configs/unet_pet.py', [option])


def test_no_build_imports_what_a_config_names(tmp_path: Path) -> None:
    """Whatever registry is asked, from wherever: MMEngine would run the command."""
    marker = tmp_path / 'executed'
    command = dict(type='os.system', command=f'touch {marker}')
    for registry in REGISTRIES:
        with pytest.raises((KeyError, TypeError)):  # some want the model before the type
            registry.build(dict(command))
    with pytest.raises(KeyError, match='Cannot find'):
        build_norm_layer(command, 3)
    with pytest.raises(KeyError, match=r'os\.system'):
        Compose([dict(type='RandomChoiceResize', scales=[8], resize_type='os.system')])
    assert MODELS.get('mmengine.runner.Runner') is None
    assert not marker.exists()


def _first_parameter(target: type, name: str) -> list[inspect.Parameter]:
    """Return the argument ``name`` as the nearest class that has it declares it."""
    steps = (step for step in target.__mro__ if '__init__' in vars(step))
    found = (inspect.signature(step.__init__).parameters.get(name) for step in steps)
    return [parameter for parameter in found if parameter is not None][:1]


def test_every_declared_range_holds_what_its_class_has_as_default() -> None:
    """A default outside of the range, or a range of an argument that is not there, is a mistake."""
    checked = 0
    registries = [v for v in vars(mmengine.registry).values() if isinstance(v, Registry)]
    classes = {n: c for registry in registries for n, c in registry.module_dict.items()}
    classes |= {c.__name__: c for one in classes.values() for c in getattr(one, '__mro__', ())}
    for owner, kinds in RANGES.items():
        if owner not in classes:
            continue
        derived = [c for c in classes.values() if classes[owner] in getattr(c, '__mro__', ())]
        for name, kind in kinds.items():
            taking = [parameter for c in derived for parameter in _first_parameter(c, name)]
            assert taking, f'{owner} has no argument {name}'
            for parameter in taking:
                if parameter.default is not parameter.empty:
                    assert kind.allows(parameter.default), f'{owner}.{name}'
                    checked += 1
    assert checked > 50


def test_what_is_not_declared_has_the_type_of_its_class() -> None:
    class Mine(UNetHead):
        """A class of a user: what it annotates is not taken at its word, what it inherits is."""

        def __init__(self, speed: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)

    kinds = annotated_kinds(Mine)
    assert 'speed' not in kinds
    assert kinds['in_channels'].allows([1, 2]) and not kinds['in_channels'].allows([1.5])
    assert kinds['norm_cfg'].allows(None) and not kinds['norm_cfg'].allows(dict(momentum=1))
    option = 'model.decode_head.norm_cfg=3'
    with pytest.raises(UserError, match=r"norm_cfg = 3 is not allowed; use dict\(type='\.\.\.'"):
        load_config('configs/unet_pet.py', [option])


def test_a_message_about_a_value_names_what_the_config_writes(tmp_path: Path) -> None:
    child = tmp_path / 'child.py'
    base = f"_base_ = '{ROOT}/configs/unet_pet.py'\n"
    for line, name in (
        ('learning_rate = 0', 'learning_rate = 0'),
        ("side = 0\nimage_size = '$side'", 'side = 0'),
        (
            "optim_wrapper = dict(optimizer=dict(lr=float('nan')))",
            'optim_wrapper.optimizer.lr = nan',
        ),
        ('preprocessor = dict(std=[1, 2, -3])', r'preprocessor.std = [1, 2, -3]'),
        (
            "custom_hooks = [dict(type='ConsoleHook', metrics=[''])]",
            "custom_hooks.0.metrics = ['']",
        ),
    ):
        child.write_text(base + line + '\n')
        with pytest.raises(UserError, match=re.escape(f'child.py: {name} is not allowed; use ')):
            load_config(child)


def test_configs_that_do_not_load(tmp_path: Path) -> None:
    broken = tmp_path / 'broken.py'
    broken.write_text('model = dict(')
    with pytest.raises(UserError, match=r'broken\.py: the config does not load'):
        load_config(broken)
    broken.write_text("_base_ = './nowhere.py'")
    with pytest.raises(UserError, match='does not load'):
        load_config(broken)
    (tmp_path / 'config.yaml').write_text('!!python/object/apply:os.system ["exit 1"]')
    with pytest.raises(UserError, match=r'a config is a \.py file'):
        load_config(tmp_path / 'config.yaml')
    with pytest.raises(UserError, match='there is no such config'):
        load_config(tmp_path / 'none.py')


def test_the_text_of_a_config() -> None:
    """By hand: sorted, in lines of 100 characters, and it gives the same values again."""
    values = dict(
        b=dict(type='A', pair=(1,), none=None, empty={}, limit=-math.inf, cls=int),
        a={'lambda': 1, 2: [True, 1e-3, "it's"]},
        long=[dict(type='Resize', scale=64), dict(names=['x' * 40, 'y' * 40, 'z' * 40])],
        edge='e' * 91,
    )
    wide = ''.join(f"            '{letter * 40}',\n" for letter in 'xyz')
    text = (
        "a = {2: [True, 0.001, \"it's\"], 'lambda': 1}\n"
        "b = dict(cls=int, empty=dict(), limit=float('-inf'), none=None, pair=(1,), type='A')\n"
        f"edge = '{'e' * 91}'\n"
        "long = [\n    dict(scale=64, type='Resize'),\n    dict(\n        names=[\n"
        f'{wide}        ],\n    ),\n]\n'
    )
    assert python_text(values) == text
    read: dict[str, Any] = {}
    exec(text, read)
    assert {key: read[key] for key in values} == values
    del values['b']['cls']
    assert parse_code(python_text(values), '') == as_data(values)
