"""What a machine does to a tool: full disks, lost output, signals."""

import errno
import io
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from custom_modules.base import output
from custom_modules.base.output import Descriptor, OutputLostError
from custom_modules.base.stopping import Stopped, receiving, signals_wait, stopping
from custom_modules.commands import publish as publishing
from custom_modules.commands import report as results
from custom_modules.commands import train as training
from custom_modules.commands.cli import user_errors
from custom_modules.commands.test import test as score
from custom_modules.config import load_config
from custom_modules.engine import ConsoleHook
from custom_modules.export import formats
from custom_modules.prediction.outputs import PredictionWriter
from custom_modules.prediction.video_file import VideoFile
from custom_modules.runs.checkpoint_io import load_checkpoint
from custom_modules.studies.experiments import plan
from custom_modules.studies.running import FAILED, Progress, run_experiment_or_say_why
from tests.conftest import ROOT, Command, tiny_options

CONFIG = 'configs/sample/unet_sample.py'


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """Let the system refuse every byte of a file behind the first ``size``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope='module')
def run(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with curves and results, of a training of no time."""
    config = load_config(CONFIG, tiny_options(sample, 'max_epochs=1'))
    folder = training.train(config, str(tmp_path_factory.mktemp('runs')))
    score(config, str(folder / 'best.pth'), str(folder / 'test'), quick=True)
    shutil.copy(folder / 'test' / 'metrics.json', folder)
    return folder


@pytest.fixture
def words(sample: Path, run: Path, tmp_path: Path) -> Callable[[str], list[object]]:
    """The command line of a tool whose results go to ``out``."""
    best, out = run / 'best.pth', tmp_path / 'out'
    options = ['--cfg-options', *tiny_options(sample)]
    photograph = min((sample / 'images').iterdir())
    two = [run / 'test', shutil.copytree(run / 'test', tmp_path / 'other')]
    known: dict[str, list[object]] = {
        'train': [CONFIG, '--work-dir', out, *options],
        'test': [CONFIG, best, '--out', out, *options],
        'predict': [CONFIG, best, photograph, '--out', out, *options],
        'export': [CONFIG, best, '--format', 'torchscript', '--images', 0, '--out', out / 'a.pt'],
        'publish': [CONFIG, best, out / 'model', '--images', 0, *options],
        'report': [run, '--out', out / 'a.html'],
        'browse_dataset': [CONFIG, '--number', 1, '--out', out / 'a.png', *options],
        'prepare_data': ['--sample', '--root', out],
        'plot_curves': [run, '--out', out / 'a.png'],
        'compare': [*two, '--out', out / 'a.json'],
        'compare_masks': [CONFIG, f'a={two[0]}', '--number', 1, '--out', out / 'a.pdf', *options],
        'find_learning_rate': [CONFIG, '--steps', 20, '--out', out / 'a.svg', *options],
    }
    known['export'] += options
    return lambda name: [f'{name}.py', *known[name]]


def parts(folder: Path) -> list[str]:
    """Return what was begun and not removed."""
    return [str(path) for path in folder.rglob('.*') if path.name != '.petseg_cache']


@pytest.mark.parametrize(
    ('name', 'size'),
    [
        ('train', 10),
        ('train', 50_000),
        ('test', 10),
        ('test', 1000),
        ('predict', 10),
        ('export', 1000),
        ('publish', 1000),
        ('report', 1000),
        ('browse_dataset', 1000),
        ('prepare_data', 100),
        ('plot_curves', 1000),
        ('compare', 10),
        ('compare_masks', 1000),
        ('find_learning_rate', 1000),
    ],
)
def test_a_full_disk_is_a_line_and_status_2(
    words: Callable[[str], list[object]],
    run_tool_here: Command,
    tmp_path: Path,
    name: str,
    size: int,
) -> None:
    with full_disk(size):
        done = run_tool_here(*words(name))
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith('error: ')]
    assert 'cannot be written' in line and 'File too large' in line, line
    assert 'Traceback' not in done.stderr
    assert parts(tmp_path) == []


def test_a_video_that_was_cut_off_is_none(tmp_path: Path) -> None:
    """OpenCV says nothing of the disk."""
    frame = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    with full_disk(5000), pytest.raises(Exception, match=r'a\.mp4: the video cannot be written'):
        video = VideoFile(tmp_path / 'a.mp4', 25, (64, 64))
        for _ in range(60):
            video.add(frame)
        video.close()
    assert list(tmp_path.iterdir()) == []


def test_an_experiment_of_a_sweep_on_a_full_disk_says_so(sample: Path, tmp_path: Path) -> None:
    (experiment,) = plan([Path(CONFIG)], tmp_path, options=tiny_options(sample))
    progress = Progress(experiment)
    with full_disk(10):
        run_experiment_or_say_why(progress)
    assert progress.state == FAILED
    assert 'cannot be written (File too large)' in progress.note


@pytest.fixture
def signals() -> Iterator[None]:
    """Let SIGHUP be what it is, though somebody may have started the tests with nohup."""
    with receiving(signal.default_int_handler):
        before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
        yield
        signal.signal(signal.SIGHUP, before)


def raising(number: int) -> Callable[..., None]:
    return lambda *_, **__: signal.raise_signal(number)


@pytest.mark.usefixtures('signals')
@pytest.mark.parametrize(
    ('name', 'where', 'number'),
    [
        ('train', (training, 'remove_parts'), signal.SIGTERM),
        ('test', ('custom_modules.commands.test.write_results',), signal.SIGINT),
        ('test', ('custom_modules.engine.hooks.save_masks_hook.write_picture',), signal.SIGHUP),
        ('predict', (PredictionWriter, 'write'), signal.SIGTERM),
        ('predict', ('custom_modules.prediction.outputs.write_picture',), signal.SIGHUP),
        ('export', (formats.TorchScript, 'save'), signal.SIGTERM),
        ('export', (formats.TorchScript, 'save'), signal.SIGHUP),
        ('publish', (publishing, 'save_safetensors'), signal.SIGINT),
        ('publish', (publishing, 'export'), signal.SIGHUP),
        ('report', (results, 'write_report'), signal.SIGTERM),
        (
            'prepare_data',
            ('custom_modules.datasets.synthetic_dataset.write_picture',),
            signal.SIGHUP,
        ),
        (
            'plot_curves',
            ('custom_modules.visualization.figure_file.check_figure_path',),
            signal.SIGTERM,
        ),
    ],
)
def test_a_signal_is_a_line_and_removes_what_was_begun(
    words: Callable[[str], list[object]],
    run_tool_here: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    where: tuple,
    number: signal.Signals,
) -> None:
    monkeypatch.setattr(*where, raising(number))
    done = run_tool_here(*words(name))
    assert done.returncode == 128 + number, done.stderr
    said = 'interrupted' if number == signal.SIGINT else f'ended by {number.name}'
    assert [line for line in done.stderr.splitlines() if 'Warning' not in line][-1] == said
    assert 'Traceback' not in done.stderr
    assert parts(tmp_path) == []
    if name == 'predict':
        assert (tmp_path / 'out' / 'summary.csv').is_file()
    if name in ('export', 'publish'):
        assert list((tmp_path / 'out').iterdir()) == []


@pytest.mark.usefixtures('signals')
@pytest.mark.parametrize('number', [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_training_saves_at_the_next_batch(
    words: Callable[[str], list[object]],
    run_tool_here: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    monkeypatch.setattr(ConsoleHook, 'after_train_iter', raising(number))
    done = run_tool_here(*words('train'))
    assert done.returncode == 128 + number, done.stderr
    assert load_checkpoint(tmp_path / 'out' / 'latest' / 'last.pth')['meta']['iter'] == 1


@pytest.mark.usefixtures('signals')
def test_a_second_signal_waits_for_what_exchanges_files() -> None:
    done = []
    with pytest.raises(Stopped) as stopped, stopping():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            with pytest.raises(Stopped, match='SIGHUP'), signals_wait():
                signal.raise_signal(signal.SIGHUP)
                signal.raise_signal(signal.SIGTERM)
                done.append('removed')
    assert done == ['removed']
    assert stopped.value.exit_status == 143


@pytest.mark.usefixtures('signals')
def test_what_nohup_ignores_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stopping():
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(Stopped, match='SIGINT'):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


@contextmanager
def standard_output(monkeypatch: pytest.MonkeyPatch, kind: str) -> Iterator[None]:
    """Put something in the place of standard output that takes no text."""
    if kind == 'pipe':
        reading, descriptor = os.pipe()
        os.close(reading)
    else:
        descriptor = os.open('/dev/full', os.O_WRONLY)
    stream = io.TextIOWrapper(io.FileIO(descriptor, 'w', closefd=False))
    for name in ('stdout', '__stdout__'):
        monkeypatch.setattr(sys, name, stream)
    monkeypatch.setattr(sys, 'stderr', sys.__stderr__)
    try:
        yield
    finally:
        monkeypatch.undo()
        os.close(descriptor)


@pytest.mark.parametrize(
    ('kind', 'needed', 'status', 'said'),
    [
        ('pipe', True, 141, ''),
        ('pipe', False, 0, 'standard output is lost (Broken pipe); going on without it\n'),
        ('full', True, 2, 'error: standard output cannot be written (No space left on device)\n'),
        ('full', False, 0, 'standard output is lost (No space left on device); going on'),
    ],
)
def test_an_output_that_takes_no_text(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    kind: str,
    needed: bool,
    status: int,
    said: str,
) -> None:
    ended = []
    with standard_output(monkeypatch, kind):
        monkeypatch.setattr('custom_modules.commands.cli.leave', ended.append)
        with user_errors(needs_output=needed):
            print('dice')
            sys.stdout.flush()
            print('goes on', file=sys.stderr)
    assert ended == ([status] if status else [])
    err = capfd.readouterr().err
    assert err.startswith(said) and ('goes on' in err) is not needed


def test_a_library_that_keeps_the_loss_to_itself() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    lost: list[OutputLostError] = []
    stream = Descriptor(writing, lost.append)
    assert (stream.write(b'abc'), stream.write(b'de')) == (3, 2)
    assert [error.number for error in lost] == [errno.EPIPE]
    os.close(writing)


def test_an_output_that_does_not_want_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A descriptor that a parent made non-blocking: the text waits until it is read."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    stream = Descriptor(writing, lambda _: None)
    while True:
        try:
            os.write(writing, bytes(4096))
        except BlockingIOError:
            break
    waited = []

    def read_some(*_: object) -> None:
        waited.append(len(os.read(reading, 1 << 20)))

    monkeypatch.setattr(output.select, 'select', read_some)
    assert stream.write(b'abc') == 3
    assert len(waited) == 1 and stream.lost is None
    for descriptor in (reading, writing):
        os.close(descriptor)


def test_a_training_needs_nobody_who_reads(
    words: Callable[[str], list[object]],
    run_tool_here: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    arguments = words('train')
    with monkeypatch.context() as patch, standard_output(patch, 'full'):
        done = run_tool_here(*arguments)
    assert done.returncode == 0
    assert (tmp_path / 'out' / 'latest' / 'last.pth').is_file()


@pytest.mark.parametrize('closed', ['<&-', '>&-', '2>&-', '<&- >&- 2>&-'])
def test_closed_streams_are_no_files_of_others(tmp_path: Path, closed: str) -> None:
    """Before the imports of a tool; with them a file would get what is printed."""
    code = """
import _start, json, os, sys
file = open('descriptor', 'w')
print('out'); print('err', file=sys.stderr); sys.stdout.flush()
json.dump([file.fileno(), *(os.get_inheritable(n) for n in range(3))], file)
"""
    words = f'"$PYTHON" -c "$CODE" {closed}'
    environment = {'PYTHON': sys.executable, 'CODE': code, 'PYTHONPATH': str(ROOT / 'tools')}
    done = subprocess.run(
        ['bash', '-c', words], cwd=tmp_path, env=os.environ | environment, timeout=60, check=False
    )
    assert done.returncode == 0
    descriptor, *inherited = json.loads((tmp_path / 'descriptor').read_text())
    assert descriptor > 2 and inherited == [True] * 3
