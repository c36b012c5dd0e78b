"""Configs, options and numbers of processes."""

from collections.abc import Callable
from pathlib import Path

from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.config import load_config
from custom_modules.distributed.process_group import slurm_environment
from custom_modules.distributed.processes import (
    check_process_count,
    check_restarts,
    rendezvous,
    workers_of,
)
from custom_modules.models.precision import resolve_dtype
from custom_modules.studies.experiments import find_budget, plan

from .case import Case

BASE = PROJECT_ROOT / 'configs' / 'sample' / 'unet_sample.py'


def _config(text: str | bytes | None) -> Callable[[Path], str]:
    """Return what loading a config says; BASE stands for the sample's."""

    def run(folder: Path) -> str:
        path = folder / 'mine.py'
        if isinstance(text, str):
            path.write_text(text.replace('BASE', f"_base_ = '{BASE}'"), encoding='utf-8')
        elif text is not None:
            path.write_bytes(text)
        load_config(path)
        return 'the config is loaded'

    return run


LOADED = 'the config is loaded'

CONFIGS: dict[str, tuple[str | bytes | None, str, str]] = {
    'missing': (None, 'mine.py', ''),
    'syntax error': ('BASE\nmax_epochs = = 3\n', 'mine.py', ''),
    'text that is no Python': ('train for three epochs, please\n', 'mine.py', ''),
    'binary file': (b'\x80\x03}q\x00.', 'mine.py', ''),
    'NUL byte': (b'a = 1\0\n', 'mine.py', ''),
    'empty file': ('', 'it has no model', ''),
    'base that does not exist': ("_base_ = './nothing.py'\n", 'nothing.py', ''),
    'config that is its own base': ("_base_ = './mine.py'\n", 'is the config itself', ''),
    'two bases that set the same': (
        f"_base_ = ['{BASE}', '{BASE}']\n",
        'two bases set ',
        '',
    ),
    'a base that is a number': (
        '_base_ = [3]\n',
        '_base_ holds 3; a base is the path of a config',
        '',
    ),
    'a name that is taken': ('BASE\nfilename = 3\n', 'filename is reserved', ''),
    'a variable of the shell that is not set': (
        "BASE\ndata_root = '{{$NO_SUCH_VARIABLE:}}'\n",
        'Please set `NO_SUCH_VARIABLE`',
        '',
    ),
    'a value of the base that is not there': (
        'BASE\nmax_epochs = {{_base_.epochs}}\n',
        "the config does not load (KeyError: 'epochs')",
        '',
    ),
    'a value of the base': ('BASE\nmax_epochs = {{_base_.batch_size}}\n', '', LOADED),
    'misspelt variable': ('BASE\nmax_epoch = 3\n', 'did you mean max_epochs', ''),
    'misspelt key': ('BASE\noptim_wraper = dict(lr=1)\n', 'did you mean optim_wrapper', ''),
    'misspelt key inside': (
        'BASE\nmodel = dict(backbone=dict(chanels=[2]))\n',
        'did you mean channels',
        '',
    ),
    'misspelt type': (
        "BASE\nmodel = dict(backbone=dict(type='UNetEncodre'))\n",
        'did you mean UNetEncoder',
        '',
    ),
    'type that does not exist': (
        "BASE\nmodel = dict(backbone=dict(type='Telepathy'))\n",
        "'Telepathy'",
        '',
    ),
    'misspelt loss': ("BASE\nlosses = [dict(type='DiceLos')]\n", 'DiceLos', ''),
    'variable that is not there': ("BASE\nmodel = dict(threshold='$treshold')\n", 'treshold', ''),
    'an error inside': ('BASE\nmax_epochs = 1 / 0\n', 'mine.py', ''),
    'an import that is not installed': ('import a_module_of_nobody\nBASE\n', 'mine.py', ''),
    'a lazy config': (
        'from mmengine.config import read_base\nwith read_base():\n    from .a import *\n',
        'read_base is not supported',
        '',
    ),
    'a class as a type': (
        'BASE\nfrom torch.optim import SGD\noptim_wrapper = dict(optimizer=dict(type=SGD))\n',
        'write a class by its registered name',
        '',
    ),
    'a function in a list': ('BASE\nlosses = [len]\n', 'losses.0 is a class, a function', ''),
    'imports for its own use': (
        'BASE\nimport os.path as osp\nfrom math import sqrt\nlearning_rate = sqrt(1e-6)\n',
        '',
        LOADED,
    ),
    'only a base': ('BASE\n', '', LOADED),
    'Windows line ends': ('BASE\r\nmax_epochs = 3\r\n', '', LOADED),
    'letters of other languages': ('BASE\n# Käthe und 猫\nmax_epochs = 3\n', '', LOADED),
}


OPTIONS = {
    'max_epochs': 'write key=value',
    '=3': 'write key=value',
    'max_epoch=3': 'did you mean max_epochs',
    'optim_wraper.lr=1': 'did you mean optim_wrapper',
    'model.backbone.chanels=[2]': 'did you mean channels',
    'model.nothing.at.all=1': 'nothing',
}


def _call(function: Callable, *arguments: object) -> Callable[[Path], str]:
    return lambda _: str(function(*arguments))


TWO = dict(NNODES='2', MASTER_ADDR='gpu3', RUN_ID='first')

NUMBERS: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'GPUS=0': (_call(check_process_count, '0'), "GPUS='0'", ''),
    'GPUS=-1': (_call(check_process_count, '-1'), "GPUS='-1'", ''),
    'GPUS=two': (_call(check_process_count, 'two'), "GPUS='two'", ''),
    'GPUS=4096': (_call(check_process_count, '4096'), 'use at most', ''),
    'RESTARTS=often': (_call(check_restarts, 'often'), "RESTARTS='often'", ''),
    'NNODES=0': (_call(rendezvous, TWO | dict(NNODES='0')), "NNODES='0'", ''),
    'NNODES=2 without MASTER_ADDR': (
        _call(rendezvous, TWO | dict(MASTER_ADDR='')),
        'needs MASTER_ADDR',
        '',
    ),
    'NNODES=2 without RUN_ID': (_call(rendezvous, TWO | dict(RUN_ID='')), 'needs RUN_ID', ''),
    'PORT=99999': (_call(rendezvous, TWO | dict(PORT='99999')), "PORT='99999'", ''),
    '--launcher slurm outside of Slurm': (_call(slurm_environment, {}), 'start it by srun', ''),
    'precision=fp8': (_call(resolve_dtype, 'fp8', 'cpu'), "'fp8'", ''),
    'num_workers=-1': (_call(workers_of, -1), 'num_workers = -1', ''),
    'num_workers=many': (_call(workers_of, 'many'), "num_workers = 'many'", ''),
    'num_workers=100000': (_call(workers_of, 100000), 'this process has', ''),
}


def _budget(name: str, schedule: str) -> Callable[[Path], str]:
    """Return what planning an experiment says, of a config with this schedule and a budget."""

    def run(folder: Path) -> str:
        parts = ('models/unet.py', 'datasets/oxford_pet.py', schedule, 'default_runtime.py')
        bases = [str(PROJECT_ROOT / 'configs' / '_base_' / part) for part in parts]
        config, in_steps = folder / 'mine.py', folder / 'steps.py'
        config.write_text(f'_base_ = {bases}\n')
        in_steps.write_text('max_iters = 90\nval_interval = 30\nwarm_up = 9\n')
        budget = in_steps if name == 'steps' else find_budget(name)
        (one,) = plan([config], folder, budget=budget)
        return f'{one.total} {one.unit}s'

    return run


POLY, ADAM = 'schedules/sgd_poly.py', 'schedules/adam.py'

BUDGETS = {
    'laptop, for a training in steps': (_budget('laptop', POLY), 'laptop sets max_epochs = 6', ''),
    'in steps, for a training in epochs': (_budget('steps', ADAM), 'and max_epochs instead', ''),
    'in steps, for a training in steps': (_budget('steps', POLY), '', '90 steps'),
}

SETTINGS = (
    *(
        Case('config', name, _config(text), refused=said, read=out)
        for name, (text, said, out) in CONFIGS.items()
    ),
    *(
        Case('--cfg-options', option, _call(load_config, BASE, [option]), refused=said)
        for option, said in OPTIONS.items()
    ),
    *(Case('budget', name, *rest) for name, rest in BUDGETS.items()),
    *(Case('processes', name, *rest) for name, rest in NUMBERS.items()),
)
