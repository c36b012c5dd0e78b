"""Train, test, resume, test on the synthetic data set through the command line."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from custom_modules.datasets import OxfordPetDataset
from tests.conftest import ROOT, TINY, Command
from tests.same_training import assert_same_training, final_state

CONFIG = 'configs/sample/unet_sample.py'


def options(sample: Path, *more: str) -> list[str]:
    return ['--cfg-options', *TINY, f'data_root={sample}', *more]


def succeed(done: subprocess.CompletedProcess) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_train_test_resume_test(run_tool: Command, sample: Path, tmp_path: Path) -> None:
    # Dropout makes the run depend on torch's random state as well.
    more = ['model.backbone.bottleneck_dropout=0.3', 'max_epochs=3']
    arguments = ['train.py', CONFIG, *options(sample, *more)]
    output = succeed(run_tool(*arguments, '--work-dir', 'whole'))
    whole = (tmp_path / 'whole' / 'latest').resolve()
    for name in ('best.pth', 'last.pth', 'config.py', 'train.log', 'vis_data/scalars.json'):
        assert (whole / name).is_file(), name
    assert output.count('epoch 3/3') == 1
    assert 'val Dice' in output
    assert 'OneDL' not in output

    metrics = []
    for out in ('a', 'b'):
        output = succeed(
            run_tool('test.py', CONFIG, whole / 'best.pth', '--out', out, *options(sample, *more))
        )
        metrics.append(json.loads((tmp_path / out / 'metrics.json').read_text()))
        assert f'Dice {metrics[-1]["Dice"]:.4f}' in output
        assert metrics[-1]['cost'].pop('latency')  # no two are equal
    assert metrics[0] == metrics[1]
    check_results(tmp_path / 'a', sample)

    # Killed after the first epoch, then the rest.
    process = start(tmp_path, *arguments[1:], '--work-dir', 'parts')
    wait_for(process, lambda: (tmp_path / 'parts' / 'latest' / 'last.pth').exists())
    process.kill()
    process.communicate(timeout=30)
    succeed(run_tool(*arguments, '--work-dir', 'parts', '--resume'))
    parts = list((tmp_path / 'parts').glob('2*'))
    assert len(parts) == 1
    assert_same_training(whole, parts[0])
    succeed(run_tool('test.py', CONFIG, parts[0] / 'best.pth', *options(sample, *more)))
    resumed = json.loads((parts[0] / 'metrics.json').read_text())
    for name in ('Dice', 'IoU_global', 'loss'):
        assert resumed[name] == metrics[0][name]

    # The run's own config loads and gives the same metrics.
    succeed(run_tool('test.py', whole / 'config.py', whole / 'best.pth', '--out', 'c'))
    assert json.loads((tmp_path / 'c' / 'metrics.json').read_text())['Dice'] == metrics[0]['Dice']


def check_results(out: Path, sample: Path) -> None:
    """Recompute the metrics from the saved masks with plain NumPy."""
    metrics = json.loads((out / 'metrics.json').read_text())
    assert metrics['border'] == 'foreground'
    assert metrics['resolution'] == 'input'
    assert metrics['threshold'] == 0.5
    assert metrics['num_images'] == 6
    with open(out / 'per_image.csv', newline='') as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:8] == ['id', 'species', 'breed', 'tp', 'fp', 'fn', 'tn', 'dice']
    dataset = OxfordPetDataset(str(sample), split='test', pipeline=[])
    scores = []
    for i, row in enumerate(rows):
        info = dataset.get_data_info(i)
        assert row['id'] == info['sample_id']
        mask = cv2.imread(str(out / 'masks' / f'{row["id"]}.png'), cv2.IMREAD_UNCHANGED)
        assert mask.shape == (32, 32)
        assert set(np.unique(mask)) <= {0, 255}
        trimap = cv2.imread(info['seg_map_path'], cv2.IMREAD_UNCHANGED)
        truth = cv2.resize(trimap, (32, 32), interpolation=cv2.INTER_NEAREST_EXACT) != 2
        both, size = (truth & (mask > 0)).sum(), truth.sum() + (mask > 0).sum()
        scores.append(2 * both / size if size else 1.0)
        assert float(row['dice']) == pytest.approx(scores[-1], abs=1e-12)
    assert metrics['Dice'] == pytest.approx(np.mean(scores), abs=1e-12)
    assert (out / 'examples.png').stat().st_size > 10_000


def start(
    tmp_path: Path, *arguments: object, tool: str = 'train.py', **environment: str
) -> subprocess.Popen:
    program = 'bash' if tool.endswith('.sh') else sys.executable
    return subprocess.Popen(
        [program, str(ROOT / 'tools' / tool), *map(str, arguments)],
        env={**os.environ, 'PYTHON': sys.executable, **environment},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(process: subprocess.Popen, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, 'it takes too long'
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)


def processes_of_session(session: int) -> list[str]:
    listing = subprocess.run(
        ['ps', '-eo', 'pid=,sid=,stat='], capture_output=True, text=True, check=True
    ).stdout
    fields = [line.split() for line in listing.splitlines()]
    return [f[0] for f in fields if int(f[1]) == session and not f[2].startswith('Z')]


def test_signals_leave_a_run_that_goes_on(run_tool: Command, sample: Path, tmp_path: Path) -> None:
    """Ctrl-C, --resume, SIGTERM, --resume: the same end as that of a run left alone."""
    slow = ['train_dataloader.dataset.indices=200', 'num_workers=2', 'image_size=64']
    arguments = [CONFIG, *options(sample, *slow)]
    log = tmp_path / 'stopped' / 'latest' / 'train.log'
    lines, steps, resume = 0, 0, []
    for number in (signal.SIGINT, signal.SIGTERM):
        process = start(tmp_path, *arguments, '--work-dir', 'stopped', *resume)
        wait_for(process, lambda before=lines: lines_of_training(log) > before)
        # A terminal sends Ctrl-C to the workers too.
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 128 + number, output
        assert 'go on with --resume' in output
        assert 'Traceback' not in output
        assert processes_of_session(process.pid) == []
        run = log.parent.resolve()
        before, steps = steps, final_state(run)['meta']['iter']
        assert before < steps < 100
        lines, resume = lines_of_training(log), ['--resume', run]
    succeed(run_tool('train.py', *arguments, '--work-dir', 'stopped', *resume))
    succeed(run_tool('train.py', *arguments, '--work-dir', 'whole'))
    assert_same_training(tmp_path / 'whole' / 'latest', run)


def lines_of_training(log: Path) -> int:
    return log.read_text().count('Epoch(train)') if log.exists() else 0


def test_a_signal_to_two_processes(run_tool: Command, sample: Path, tmp_path: Path) -> None:
    """The launcher passes SIGTERM on to every process, the workers of the data loaders too."""
    slow = ['train_dataloader.dataset.indices=200', 'num_workers=1', 'max_epochs=4']
    slow.append('sync_bn=None')  # its messages take most of the time here
    arguments = [CONFIG, 2, *options(sample, *slow), '--work-dir', 'runs']
    process = start(tmp_path, *arguments, tool='dist_train.sh')
    wait_for(process, lambda: (tmp_path / 'runs' / 'latest' / 'last.pth').exists())
    process.terminate()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, output
    assert 'Traceback' not in output
    assert 'go on with --resume' in output
    time.sleep(0.5)
    assert processes_of_session(process.pid) == []
    meta = final_state(tmp_path / 'runs' / 'latest')['meta']
    assert meta['iter'] > meta['epoch'] * 25  # in the middle of an epoch
    done = run_tool('dist_train.sh', *arguments, '--resume')
    assert done.returncode == 0, done.stderr
    assert 'epoch 4/4' in done.stdout


def test_a_killed_process_of_two_machines_is_replaced(sample: Path, tmp_path: Path) -> None:
    """RESTARTS=3: the run goes on from its last checkpoint, in its folder, to the same end.

    Two launchers with a process each are two machines; undisturbed, one launcher has both.
    """
    slow = ['train_dataloader.dataset.indices=80', 'max_epochs=8', 'sync_bn=None']
    arguments = [CONFIG, 2, *options(sample, *slow), '--work-dir']
    whole = start(tmp_path, *arguments, 'whole', tool='dist_train.sh')
    assert whole.wait(timeout=120) == 0, whole.communicate()[0]
    together = dict(NNODES='2', MASTER_ADDR='localhost', LOCAL_ADDR='localhost', RUN_ID='killed')
    together |= dict(PORT=str(free_port()), RESTARTS='3')
    arguments[1] = 1
    machines = [
        start(tmp_path, *arguments, 'killed', tool='dist_train.sh', **together) for _ in range(2)
    ]
    wait_for(machines[0], lambda: (tmp_path / 'killed' / 'latest' / 'previous.pth').exists())
    os.kill(max(children(machines[1].pid)), signal.SIGKILL)
    output = ''.join(machine.communicate(timeout=120)[0] for machine in machines)
    assert [machine.returncode for machine in machines] == [0, 0], output
    assert len(list((tmp_path / 'killed').glob('2*'))) == 1
    assert_same_training(tmp_path / 'whole' / 'latest', tmp_path / 'killed' / 'latest')
    assert output.count('epoch 8/8') == 1, output
    assert output.count('epoch 1/8') == 1, output


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('localhost', 0))
        return probe.getsockname()[1]


def children(parent: int) -> list[int]:
    listing = subprocess.run(
        ['ps', '-eo', 'pid=,ppid='], capture_output=True, text=True, check=True
    ).stdout
    return [int(pid) for pid, of in map(str.split, listing.splitlines()) if int(of) == parent]


def test_two_processes_score_as_one_does(
    run_tool: Command, sample: Path, checkpoint: Path, tmp_path: Path
) -> None:
    """To the last figure, with 7 images, so that one of the two has padding."""
    arguments = options(sample, 'test_dataloader.dataset.indices=7')
    succeed(run_tool('dist_test.sh', CONFIG, checkpoint, 2, '--out', 'by_two', *arguments))
    succeed(run_tool('test.py', CONFIG, checkpoint, '--out', 'by_one', *arguments))
    two, one = (
        json.loads((tmp_path / out / 'metrics.json').read_text()) for out in ('by_two', 'by_one')
    )
    assert one['num_images'] == two['num_images'] == 7
    for name in ('Dice', 'Dice_global', 'IoU', 'IoU_global', 'precision', 'recall'):
        assert two[name] == pytest.approx(one[name], abs=1e-6)
    # Counts are exchanged, so what is made of them is the same.
    for name in ('IoU_boundary', 'intervals', 'borders', 'breakdowns', 'calibration', 'validation'):
        assert two[name] == one[name], name
    by_two, by_one = (
        (tmp_path / out / 'per_image.csv').read_text() for out in ('by_two', 'by_one')
    )
    assert by_two == by_one
    assert len(list((tmp_path / 'by_two' / 'masks').iterdir())) == 7
    assert {path.name for path in tmp_path.iterdir()} == {'by_two', 'by_one'}


def test_a_mistake_in_two_processes_is_status_2(run_tool: Command, tmp_path: Path) -> None:
    arguments = ['--work-dir', 'runs', '--cfg-options', 'data_root=/nowhere']
    done = run_tool('dist_train.sh', CONFIG, 2, *arguments)
    assert done.returncode == 2
    assert not (tmp_path / 'runs' / 'latest').is_symlink()
    assert 'prepare_data.py --download' in done.stderr
    assert 'Traceback' not in done.stderr


def test_tensorboard_by_one_line(run_tool: Command, sample: Path, tmp_path: Path) -> None:
    line = "vis_backends=[dict(type='LocalVisBackend'),dict(type='TensorboardVisBackend')]"
    child = tmp_path / 'child.py'
    child.write_text(f"_base_ = '{ROOT}/{CONFIG}'\n{line}\n")
    succeed(run_tool('train.py', child, '--work-dir', 'runs', *options(sample, 'max_epochs=1')))
    folder = tmp_path / 'runs' / 'latest' / 'vis_data'
    assert list(folder.glob('events.out.tfevents.*'))
    events = EventAccumulator(str(folder)).Reload()
    assert {'train/loss', 'valid/loss', 'valid/dice', 'step/loss'} <= set(events.Tags()['scalars'])
    assert [event.step for event in events.Scalars('valid/dice')] == [1]
    assert [event.step for event in events.Scalars('step/loss')] == [4]


def test_own_masks_at_the_original_resolution(
    run_tool: Command, sample: Path, tmp_path: Path
) -> None:
    for folder in ('images', 'masks'):
        (tmp_path / 'mine' / folder).mkdir(parents=True)
    for path in sorted((sample / 'images').iterdir())[:30]:
        trimap = cv2.imread(
            str(sample / 'annotations' / 'trimaps' / f'{path.stem}.png'), cv2.IMREAD_UNCHANGED
        )
        (tmp_path / 'mine' / 'images' / path.name).write_bytes(path.read_bytes())
        mask = ((trimap != 2) * 255).astype(np.uint8)
        cv2.imwrite(str(tmp_path / 'mine' / 'masks' / f'{path.stem}.png'), mask)
    narrow = [
        'model.backbone.channels=[8,16,32]',
        'model.decode_head.in_channels=[8,16,32]',
        'model.decode_head.channels=[16,8]',
        'resolution=original',
        'data_root=mine',
        *TINY,
    ]
    training = 'train_dataloader.dataset'
    narrow += [f'{training}.split=all', f'{training}.indices=30']  # so that splits share images
    config = 'configs/binary_masks_unet.py'
    trained = run_tool('train.py', config, '--work-dir', 'runs', '--cfg-options', *narrow)
    assert 'warning: 3 of the validation images are training images' in succeed(trained)
    best = tmp_path / 'runs' / 'latest' / 'best.pth'
    tested = run_tool('test.py', config, best, '--out', 'out', '--cfg-options', *narrow)
    assert 'warning: 3 of the tested images are training images' in succeed(tested)
    for path in (tmp_path / 'out' / 'masks').iterdir():
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        truth = cv2.imread(str(tmp_path / 'mine' / 'masks' / path.name), cv2.IMREAD_UNCHANGED)
        assert mask.shape == truth.shape
    metrics = json.loads((tmp_path / 'out' / 'metrics.json').read_text())
    assert metrics['num_images'] == 3
    assert metrics['resolution'] == 'original'
    assert metrics['num_trained_on'] == 3
