"""Training seconds to a test Dice at 256x256: ours against smp's net, side by side on one machine.

python -m benchmarks.race WORK_DIR [--epochs 8] [--turn 120] [--data-root DIR]

The two trainings take turns: one runs for some minutes while the other stands still, so that both
meet the same machine. Seconds are those in which a training ran, from its first import to its last
step; ours include its validations, smp's has none. Ours is 20 epochs at 128x128 and 7 at 256x256,
smp's ``--epochs`` at 256x256, its schedule as long as its training. Both are tested afterwards.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.runs.metrics_json import read_metrics

from .turns import write

CONFIGS = [f'configs/laptop/half_resnet34_unet_pet_{size}.py' for size in (128, 256)]


class Racer:
    """Commands that run one after another, and can be made to stand still."""

    def __init__(self, name: str, commands: list[list[str]], end: Path | None = None) -> None:
        self.name, self.commands, self.end = name, commands, end
        self.process: subprocess.Popen | None = None
        self.seconds = 0.0

    @property
    def done(self) -> bool:
        return not self.commands and self.process is None

    def run(self, seconds: float) -> None:
        """Run for ``seconds`` or to the end."""
        started = time.monotonic()
        self._signal(signal.SIGCONT)
        while time.monotonic() - started < seconds and not self.done:
            if self.process is None:
                command = self.commands.pop(0)
                self.process = subprocess.Popen(command, cwd=PROJECT_ROOT, start_new_session=True)
            time.sleep(0.2)
            status = self.process.poll()
            if status is not None:
                if status:
                    raise SystemExit(f'{self.name} ended with status {status}')
                self.process = None
            elif self.end is not None and self.end.exists():
                break
        self.seconds += time.monotonic() - started
        self._signal(signal.SIGSTOP)

    def finish(self) -> None:
        """Run to the end of everything without counting."""
        self._signal(signal.SIGCONT)
        if self.process is not None and self.process.wait():
            raise SystemExit(f'{self.name} failed')

    @property
    def trained(self) -> bool:
        return self.done or (self.end is not None and self.end.exists())

    def _signal(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dir', type=Path)
    parser.add_argument('--epochs', type=int, default=8)
    parser.add_argument('--turn', type=float, default=120)
    parser.add_argument('--data-root', default='data/oxford-iiit-pet')
    args = parser.parse_args()
    folder = args.work_dir.resolve()
    folder.mkdir(parents=True)
    python, option = sys.executable, f'data_root={args.data_root}'
    runs = [folder / '128', folder / '256']
    trainings = [
        [python, 'tools/train.py', config, '--work-dir', str(run), '--cfg-options', option]
        for config, run in zip(CONFIGS, runs, strict=True)
    ]
    trainings[1].append(f'init={runs[0]}/latest')
    theirs = folder / 'smp.json'
    peer = [python, '-m', 'benchmarks.smp_training', str(theirs), '--epochs', str(args.epochs)]
    racers = [
        Racer('ours', trainings),
        Racer('smp', [[*peer, '--data-root', args.data_root]], theirs.with_suffix('.trained')),
    ]
    while not all(racer.trained for racer in racers):
        for racer in racers:
            if not racer.trained:
                racer.run(args.turn)
                print(f'{racer.name}: {racer.seconds:.0f} s', flush=True)
    for racer in racers:
        racer.finish()
    best = runs[1] / 'latest' / 'best.pth'
    command = [python, 'tools/test.py', CONFIGS[1], str(best), '--quick', '--out', str(folder)]
    subprocess.run([*command, '--cfg-options', option], cwd=PROJECT_ROOT, check=True)
    ours = read_metrics(folder / 'metrics.json')
    found = json.loads(theirs.read_text(encoding='utf-8'))
    rows = {
        'ours, 20 epochs at 128 and 7 at 256': _row(racers[0], ours['Dice']),
        f'smp.Unet(resnet34), {args.epochs} epochs at 256': _row(racers[1], found['Dice']),
    }
    protocol = (
        f'training seconds on 3,312 images, from random weights, in turns of {args.turn:.0f} s on '
        f'one machine; ours with its validations, smp in a bare loop without any. Dice, mean over '
        f'{found["num_images"]:,} test images at 256x256, border = foreground, threshold 0.5'
    )
    write('race', dict(protocol=protocol, rows=rows))


def _row(racer: Racer, score: float) -> dict[str, float]:
    return {'training seconds': round(racer.seconds), 'test Dice': round(score, 4)}


if __name__ == '__main__':
    main()
