"""A training that is killed again and again, against one that is left alone: python -m tests.soak

Every attempt is the same command with --resume. The states at the end are compared bit by bit, the
folders are searched for torn files and the machine for processes that were left behind. The result
goes to results/robustness/soak.json.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from custom_modules.base.whole_file import whole_file
from custom_modules.datasets.synthetic_dataset import draw_sample
from custom_modules.runs.checkpoint_io import load_checkpoint
from custom_modules.runs.environment import environment
from custom_modules.runs.run_folder import find_run
from tests.conftest import ROOT
from tests.same_training import differing, final_state

CONFIG = str(ROOT / 'configs' / 'sample' / 'unet_sample.py')
#: What happens to the training: killed, asked to stop, one of two processes killed, disk full.
WAYS = ('kill', 'term', 'rank', 'disk')

RESULT = ROOT / 'results' / 'robustness' / 'soak.json'

OPTIONS = [
    'image_size=32',
    'train_dataloader.dataset.indices=100',
    'val_dataloader.dataset.indices=6',
    'test_dataloader.dataset.indices=6',
    'sync_bn=None',
]


class Soak:
    """Commands of one training in ``folder``, each in a session of its own.

    Args:
        folder: for the runs.
        data: the synthetic data set.
        processes: of the training.
        epochs: of a second; a kill loses one, and there have to be enough for every kill.
    """

    def __init__(self, folder: Path, data: Path, processes: int, epochs: int) -> None:
        folder.mkdir()
        self.folder, self.data = folder, data
        self.processes, self.epochs = processes, epochs
        self.output = ''

    def start(self, name: str, **variables: str) -> subprocess.Popen:
        """Start the training ``name``, or go on with it if it has a checkpoint."""
        work_dir = self.folder / name
        tool, count = ('train.py', []) if self.processes == 1 else ('dist_train.sh', ['2'])
        program = sys.executable if tool.endswith('.py') else 'bash'
        goes_on = any(work_dir.glob('2*/last.pth')) or any(work_dir.glob('2*/previous.pth'))
        # Half the batch each, and a worker where one process has the machine to itself.
        share = [f'batch_size={4 // self.processes}', f'num_workers={2 - self.processes}']
        command = [program, str(ROOT / 'tools' / tool), CONFIG, *count, '--work-dir', str(work_dir)]
        command += ['--resume'] if goes_on else []
        command += ['--cfg-options', *OPTIONS, *share, f'data_root={self.data}']
        command += [f'max_epochs={self.epochs}']
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=os.environ | dict(PYTHON=sys.executable, OMP_NUM_THREADS='1') | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen) -> int:
        self.output = process.communicate(timeout=1800)[0]
        return process.returncode

    def run(self, name: str, **variables: str) -> Path:
        """Train ``name`` to its end and return the folder of its only run."""
        status = self.finish(self.start(name, **variables))
        if status:
            raise RuntimeError(f'{name} ended with status {status}:\n{self.output}')
        return find_run(self.folder / name)

    def wait_for_a_step(self, process: subprocess.Popen, name: str, before: float) -> None:
        """Return when the run has done a step since ``before``, or is over."""
        while process.poll() is None:
            logs = list((self.folder / name).glob('2*/vis_data/scalars.json'))
            if any(log.stat().st_mtime > before for log in logs):
                return
            time.sleep(0.02)

    def left_behind(self) -> list[str]:
        """Return processes that still run; a worker notices in seconds that it is alone."""
        for _ in range(100):
            listing = _output('ps', '-eo', 'stat=,args=').splitlines()
            left = [line for line in listing if str(self.folder) in line and line[0] != 'Z']
            if not left:
                return []
            time.sleep(0.2)
        return left

    def torn_files(self) -> list[str]:
        """Return what is no whole checkpoint, and parts that nobody finished."""
        for path in self.folder.glob('*/2*/*.pth'):
            load_checkpoint(path)  # raises where a byte is wrong
        return [str(path) for path in self.folder.glob('*/2*/.*')]


def killed(soak: Soak, rng: random.Random, kills: int, number: signal.Signals) -> list[dict]:
    """Start the training and end it at a random moment, ``kills`` times; then let it end."""
    rounds = []
    while len(rounds) < kills:
        before = time.time()
        process = soak.start('disturbed')
        if rng.random() < 0.9:  # else somewhere while it starts
            soak.wait_for_a_step(process, 'disturbed', before)
        time.sleep(rng.uniform(0, 2))
        if process.poll() is not None:
            raise RuntimeError(f'the training ended before it was killed:\n{soak.finish(process)}')
        process.send_signal(number)
        status = soak.finish(process)
        rounds.append(dict(signal=number.name, status=status, **_where(soak)))
        print(f'{number.name} {len(rounds)}/{kills}: {rounds[-1]}', flush=True)
    return rounds


def rank_killed(soak: Soak, rng: random.Random, kills: int) -> list[dict]:
    """Kill one of two processes at a random moment, ``kills`` times, in one launch."""
    before = time.time()
    launch = soak.start('disturbed', RESTARTS=str(kills))
    rounds = []
    while len(rounds) < kills:
        soak.wait_for_a_step(launch, 'disturbed', before)
        time.sleep(rng.uniform(1, 3))
        victims = [p for p in _children(launch.pid) if p != launch.pid]
        if not victims:
            time.sleep(0.1)
            continue
        rank = rng.randrange(len(victims))
        before = time.time()
        os.kill(victims[rank], signal.SIGKILL)
        rounds.append(dict(rank=rank, **_where(soak)))
        print(f'rank killed {len(rounds)}/{kills}: {rounds[-1]}', flush=True)
    status = soak.finish(launch)
    if status:
        raise RuntimeError(f'the launch ended with status {status}:\n{soak.output}')
    return rounds


def disk_full(soak: Soak, mount: Path) -> list[dict]:
    """Train on a disk that is too small for a second checkpoint, then on a larger one."""
    size = 12
    subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}m', 'tmpfs', mount], check=True)
    try:
        status = soak.finish(soak.start('disturbed'))
        message = next(line for line in soak.output.splitlines() if line.startswith('error:'))
        round_ = dict(disk_mb=size, status=status, message=message.replace(str(soak.folder), '...'))
        print(f'disk full: {round_} {_where(soak)}', flush=True)
        if status != 2 or soak.torn_files():
            raise RuntimeError(f'{soak.output}\n{soak.torn_files()}')
        subprocess.run(['mount', '-o', 'remount,size=200m', mount], check=True)
        run = soak.run('disturbed')
        shutil.copytree(run, soak.folder / 'kept' / run.name)
    finally:
        subprocess.run(['umount', mount], check=True)
    shutil.rmtree(mount)
    (soak.folder / 'kept').rename(mount)
    return [round_]


def soak(disturb: Callable[[Soak], list[dict]], disturbed: Soak, undisturbed: Path) -> dict:
    """Disturb a training until it ends, and compare it with the run of one that was left alone."""
    (disturbed.folder / 'disturbed').mkdir()
    rounds = disturb(disturbed)
    run = disturbed.run('disturbed')
    return dict(
        rounds=rounds,
        epochs=final_state(run)['meta']['epoch'],
        differing=differing(undisturbed, run),
        left_behind=disturbed.left_behind(),
        torn_files=disturbed.torn_files(),
        runs=len(list((disturbed.folder / 'disturbed').glob('2*/last.pth'))),
    )


def _where(soak: Soak) -> dict:
    states = list((soak.folder / 'disturbed').glob('2*/last.pth'))
    return dict(epochs_saved=final_state(states[0].parent)['meta']['epoch'] if states else 0)


def _children(parent: int) -> list[int]:
    return sorted(map(int, _output('pgrep', '-P', str(parent)).split()))


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--kills', type=int, default=25, help='kill -9 of the training')
    parser.add_argument('--terms', type=int, default=5, help='SIGTERM to the training')
    parser.add_argument('--ranks', type=int, default=5, help='kill -9 of one process of two')
    parser.add_argument(
        '--ways', nargs='+', choices=WAYS, default=WAYS, help='the full disk needs root'
    )
    parser.add_argument('--epochs', type=int, default=60)
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder, data = Path(name), Path(name, 'data')
        draw_sample(data)
        ways: dict[str, Callable[[Soak], list[dict]]] = dict(
            kill=lambda soak: killed(soak, rng, args.kills, signal.SIGKILL),
            term=lambda soak: killed(soak, rng, args.terms, signal.SIGTERM),
            rank=lambda soak: rank_killed(soak, rng, args.ranks),
            disk=lambda soak: disk_full(soak, soak.folder / 'disturbed'),
        )
        processes = {way: 2 if way == 'rank' else 1 for way in args.ways}
        alone = {
            count: Soak(folder / f'alone_{count}', data, count, args.epochs).run('alone')
            for count in sorted(set(processes.values()))
        }
        results = {
            way: soak(ways[way], Soak(folder / way, data, count, args.epochs), alone[count])
            for way, count in processes.items()
        }
    bad = [
        f'{kind}: {key} {result[key]}'
        for kind, result in results.items()
        for key in ('differing', 'left_behind', 'torn_files')
        if result[key]
    ]
    bad += [f'{kind}: {r["runs"]} runs' for kind, r in results.items() if r['runs'] != 1]
    minutes = round((time.monotonic() - started) / 60, 1)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(RESULT) as file:
        summary = dict(passed=not bad, minutes=minutes, seed=args.seed, **environment(), **results)
        file.write(json.dumps(summary, indent=2) + '\n')
    print('\n'.join(bad) or f'every run ended as if it had been left alone; {minutes} minutes')
    sys.exit(bool(bad))


if __name__ == '__main__':
    main()
