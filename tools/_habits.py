"""Options that people know from other tools, and what does the same here."""

import argparse
from typing import NoReturn

#: Of MMEngine's, MMSegmentation's and Lightning's tools.
HABITS = {
    '--auto-scale-lr': 'rates are not scaled; write learning_rate for your batch_size',
    '--batch-size': '--cfg-options batch_size=N',
    '--deterministic': '--cfg-options randomness.deterministic=True',
    '--epochs': '--cfg-options max_epochs=N',
    '--eval': 'all figures are computed',
    '--gpu-id': 'CUDA_VISIBLE_DEVICES=N in the environment',
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


class Parser(argparse.ArgumentParser):
    """A parser that names what takes the place of a known option which it does not have."""

    def error(self, message: str) -> NoReturn:
        unknown = [word.partition('=')[0] for word in message.split() if word.startswith('--')]
        own = {option for action in self._actions for option in action.option_strings}
        hints = [f'{name}: {HABITS[name]}' for name in unknown if name in HABITS.keys() - own]
        super().error('; '.join([message, *hints]))
