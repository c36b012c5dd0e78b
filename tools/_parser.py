"""The parser of the tools: the arguments that several of them have, and habits of other tools."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

#: Of MMEngine's, MMSegmentation's and Lightning's tools.
HABITS = {
    '--auto-scale-lr': 'rates are not scaled; write learning_rate for your batch_size',
    '--batch-size': '--cfg-options batch_size=N',
    '--deterministic': '--cfg-options randomness.deterministic=True',
    '--epochs': '--cfg-options max_epochs=N',
    '--eval': 'all metrics are computed',
    '--gpu-id': '--device cuda:N',
    '--gpus': 'bash tools/dist_train.sh CONFIG GPUS',
    '--load-from': '--cfg-options init=PATH',
    '--lr': '--cfg-options learning_rate=RATE',
    '--no-validate': '--cfg-options val_dataloader=None val_cfg=None val_evaluator=None',
    '--options': '--cfg-options KEY=VALUE',
    '--resume-from': '--resume RUN',
    '--seed': '--cfg-options seed=N',
    '--show': '--out DIR writes every mask and a picture of the worst and best images',
    '--show-dir': '--out DIR writes every mask and a picture of the worst and best images',
    '--work-dir': '--out DIR',
}


class _Device(argparse.Action):
    """Puts a device where ``custom_modules.base.device`` looks, and every process started here."""

    def __call__(self, parser: Any, namespace: Any, value: Any, option: Any = None) -> None:
        os.environ['PETSEG_DEVICE'] = value


class Parser(argparse.ArgumentParser):
    """A parser whose help keeps the lines of the description, and shows what is typed.

    It names what takes the place of a known option which it does not have.
    """

    def __init__(self, description: str | None, usage: str | None = None) -> None:
        script = Path(sys.argv[0])
        tool = f'python tools/{script.name}'
        is_checkout = Path(__file__).resolve().parents[1].joinpath('pyproject.toml').is_file()
        prog = tool if is_checkout else f'petseg {script.stem}'
        super().__init__(
            prog=prog,
            description=description and description.replace(tool, prog),
            usage=usage,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def add_config(self, help: str = 'config file') -> None:  # noqa: A002  (as argparse has it)
        self.add_argument('config', help=help)

    def add_model(self) -> None:
        """Add a config and its checkpoint, or a published model in their place."""
        self.add_config('config file, or folder of a published model')
        self.add_argument('checkpoint', nargs='?', help='best.pth or last.pth of a run')

    def add_cfg_options(self, help: str = 'change the config') -> None:  # noqa: A002
        self.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help=help)

    def add_device(self) -> None:
        self.add_argument(
            '--device',
            action=_Device,
            metavar='NAME',
            help="device to compute on: auto, cpu, cuda, cuda:1, mps, xpu (default: the config's)",
        )

    def add_launcher(self) -> None:
        self.add_argument(
            '--launcher',
            choices=('none', 'pytorch', 'slurm'),
            default='none',
            help='what starts the processes; set by dist_train.sh and slurm_train.sh',
        )

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        words = sys.argv[1:] if args is None else args
        return super().parse_known_args([_followed(word) for word in words], namespace)

    def error(self, message: str) -> NoReturn:
        unknown = [word.partition('=')[0] for word in message.split() if word.startswith('--')]
        own = {option for action in self._actions for option in action.option_strings}
        hints = [f'{name}: {HABITS[name]}' for name in unknown if name in HABITS.keys() - own]
        super().error('; '.join([message, *hints]))


def _followed(word: str) -> str:
    """Return a word in which a ``latest`` that is a text file is the run that it names.

    The path may come after ``KEY=``. Where links are allowed nothing has to be done.
    """
    key, equals, text = word.rpartition('=')
    path = Path(text)
    try:
        pointers = [p for p in (path, *path.parents) if p.name == 'latest' and p.is_file()]
    except (OSError, ValueError):  # of a folder that cannot be read, a name that none can have
        return word
    if not pointers:
        return word
    from custom_modules.base.paths import follow_latest  # not before: --help need not wait

    return f'{key}{equals}{follow_latest(path)}'
