"""What Windows and macOS lack has a fallback: proven where it is taken away (``bare_system/``)."""

import ctypes
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from custom_modules.base import shell, system, windows_memory
from custom_modules.base.errors import UserError
from custom_modules.base.file_names import forbidden_on_windows, refuse_forbidden
from custom_modules.base.paths import follow_latest, make_writable
from custom_modules.base.stopping import SIGNALS
from custom_modules.base.whole_file import whole_file
from custom_modules.commands.serve import possible_connections
from custom_modules.distributed.start_method import start_method
from custom_modules.engine import memory_use
from custom_modules.runs.named_runs import named_folders
from custom_modules.runs.run_folder import find_run, point_latest_at
from custom_modules.service import decoder_process
from tests.conftest import ROOT, Command, tiny_options

BARE = ROOT / 'tests' / 'bare_system'
CONFIG = 'configs/sample/unet_sample.py'


#: Where something is taken away; other systems run the same tests as they are.
LINUX = sys.platform == 'linux'


def bare_environment() -> dict[str, str]:
    path = dict(PYTHONPATH=str(BARE)) if LINUX else {}
    return {**os.environ, **path, 'PYTHONWARNINGS': 'ignore'}


def test_all_tools_without_what_other_systems_lack(sample: Path, tmp_path: Path) -> None:
    """Under ``spawn``, without links, affinity, POSIX modules and signals, /proc and flock."""
    size = [f'{stage}_dataloader.dataset.indices=4' for stage in ('train', 'val', 'test')]
    options = ['--cfg-options', *tiny_options(sample, *size, 'max_epochs=1', 'width=0.125')]
    worker = [*options, 'num_workers=1']
    photos = tmp_path / 'photos'
    photos.mkdir()
    for image in sorted((sample / 'images').iterdir())[:2]:
        (photos / image.name).write_bytes(image.read_bytes())
    best, tested, one = 'runs/latest/best.pth', 'runs/latest/test', ['--images', '1']
    metrics = f'{tested}/metrics.json'
    commands = [
        ['train', CONFIG, '--work-dir', 'runs', *worker],
        ['test', CONFIG, best, '--out', tested, '--quick', *options],
        ['predict', CONFIG, best, 'photos', '--out', 'masks', *options],
        ['report', 'runs', '--out', 'report.html'],
        ['export', CONFIG, best, '--format', 'torchscript', '--out', 'model.pt', *one, *options],
        ['publish', CONFIG, best, 'published', '--metrics', metrics, '--small', *one, *options],
        ['predict', 'published', 'photos', '--out', 'published_masks'],
        ['find_batch_size', CONFIG, '--largest', '1', *options],
        ['sweep', CONFIG, '--work-dir', 'studies', '--results', 'kept', *options],
    ]
    done = subprocess.run(
        [sys.executable, str(BARE / 'run_tools.py')],
        input=json.dumps(commands),
        text=True,
        capture_output=True,
        cwd=tmp_path,
        env=bare_environment(),
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'Traceback' not in done.stderr
    assert 'batch_size = 1' in done.stdout and '1 of 1 experiments done' in done.stdout
    assert (tmp_path / 'runs' / 'latest').is_file() or not LINUX
    for made in ('report.html', 'model.pt', 'published/model.safetensors', 'kept/unet_sample.json'):
        assert (tmp_path / made).is_file(), made


@pytest.mark.skipif(not LINUX, reason='other systems spawn')
def test_same_seed_same_weights_under_fork_and_spawn(
    run_tool: Command, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit, with two workers, images turned at random, and a state of the optimiser."""
    loader = ['train_dataloader.dataset.indices=8', 'batch_size=4', 'num_workers=2']
    options = tiny_options(sample, *loader, 'max_epochs=2', 'width=0.125', 'val_dataloader=None')
    words = [CONFIG, '--cfg-options', *options, 'val_cfg=None', 'val_evaluator=None', '--work-dir']
    monkeypatch.setenv('PETSEG_START_METHOD', 'fork')
    forked = run_tool('train.py', *words, 'fork')
    cold = [sys.executable, str(ROOT / 'tools' / 'train.py'), *words, 'spawn']
    monkeypatch.setenv('PETSEG_START_METHOD', 'spawn')
    spawned = subprocess.run(cold, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    for done in (forked, spawned):
        assert done.returncode == 0, done.stderr
    one, other = (
        torch.load(find_run(tmp_path / name) / 'last.pth', weights_only=False)
        for name in ('fork', 'spawn')
    )
    assert one['meta']['iter'] == other['meta']['iter'] == 4
    assert one['state_dict'].keys() == other['state_dict'].keys()
    assert all(
        torch.equal(one['state_dict'][key], other['state_dict'][key]) for key in one['state_dict']
    )


@pytest.mark.parametrize('bare', [True, False])
def test_a_decoder_ends_itself_without_signals(sample: Path, bare: bool) -> None:
    """It answers, and dies of its own clock while nobody reads what it writes."""
    data = next((sample / 'images').iterdir()).read_bytes()
    words = [sys.executable, decoder_process.__file__, json.dumps(dict(decode_seconds=1e-4))]
    environment = bare_environment() if bare else dict(os.environ)
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdin and process.stdout
        assert process.stdout.read(len(decoder_process.READY)) == decoder_process.READY
        process.stdin.write(decoder_process.LENGTHS.pack(len(data), 2) + data + b'{}')
        process.stdin.close()
        process.stdout.read()
        assert process.wait(60) not in (0, decoder_process.FAILED)


@pytest.mark.skipif(os.name == 'nt', reason='begins with a link')
def test_latest_is_a_text_file_without_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ('one', 'two'):
        (tmp_path / name / 'vis_data').mkdir(parents=True)
        (tmp_path / name / 'last.pth').touch()
    point_latest_at(tmp_path / 'one')  # a link, which the file replaces
    with monkeypatch.context() as patch:
        patch.setattr(Path, 'symlink_to', lambda *_, **__: (_ for _ in ()).throw(OSError(1314)))
        for name in ('one', 'two'):
            point_latest_at(tmp_path / name)
            assert (tmp_path / 'latest').read_text() == f'{name}\n'
    best = follow_latest(tmp_path / 'latest' / 'test' / 'best.pth')
    assert best == tmp_path / 'two' / 'test' / 'best.pth'
    assert named_folders([str(tmp_path)]) == [(tmp_path.name, tmp_path / 'two')]
    assert find_run(tmp_path, 'latest') == find_run(tmp_path, str(tmp_path / 'latest'))
    for text in ('../two', 'lost', '', '/etc', '.'):
        (tmp_path / 'latest').write_text(text)
        assert follow_latest(tmp_path / 'latest') == tmp_path / 'latest'
    point_latest_at(tmp_path / 'one')  # and where links are allowed again
    assert (tmp_path / 'latest').is_symlink()


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        *((name, 'that of a device') for name in ('CON', 'aux', 'nul.png', 'Com1.tar.gz', 'lpt9')),
        *((name, 'it ends with') for name in ('run.', 'run ', '...')),
        *((name, 'is in it') for name in ('a:b', 'a?', 'C:\\runs', 'a\nb', 'a|b', '"a"', '<a>')),
        *(
            (name, '')
            for name in ('cat', 'console', 'com10', 'auxiliary.png', '.lock', '..', 'ü 1')
        ),
    ],
)
def test_names_that_windows_does_not_allow(name: str, reason: str) -> None:
    found = forbidden_on_windows(name)
    assert reason in found and bool(found) == bool(reason)


@pytest.mark.skipif(os.name == 'nt', reason='pretends to be Windows')
def test_outputs_of_such_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows all are refused; elsewhere what is made to be given away."""
    make_writable(tmp_path / 'run:1', '--out')
    with pytest.raises(UserError, match=r"'aux.png' \(it is that of a device\)"):
        refuse_forbidden(Path('masks/aux.png'), everywhere=True)
    monkeypatch.setattr('custom_modules.base.file_names.os', SimpleNamespace(name='nt'))
    with pytest.raises(UserError, match='Windows does not allow'):
        make_writable(tmp_path / 'run:1', '--out')
    with (
        pytest.raises(UserError, match='Windows does not allow'),
        whole_file(tmp_path / 'nul.json'),
    ):
        pass


@pytest.mark.skipif(os.name == 'nt', reason='pretends to be Windows')
def test_commands_to_copy_have_the_quotes_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    run = 'C:\\Users\\Ann Lee\\runs'
    assert shell.shell_word(run) == "'C:\\Users\\Ann Lee\\runs'"
    monkeypatch.setattr(shell, 'os', SimpleNamespace(name='nt'))
    assert shell.shell_word(run) == '"C:\\Users\\Ann Lee\\runs"'
    assert shell.shell_command('train', 'a.py', '--resume', 'C:\\runs').endswith(' C:\\runs')


@pytest.mark.skipif(not LINUX, reason='pretends to be macOS and Windows')
def test_the_start_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('PETSEG_START_METHOD', raising=False)
    assert start_method('fork') == 'fork'
    monkeypatch.setattr(sys, 'platform', 'darwin')
    assert (start_method('fork'), start_method('forkserver')) == ('spawn', 'forkserver')
    monkeypatch.setenv('PETSEG_START_METHOD', 'fork')
    assert start_method('spawn') == 'fork'
    monkeypatch.setattr(multiprocessing, 'get_all_start_methods', lambda: ['spawn'])
    with pytest.raises(UserError, match="'fork': use one of spawn"):
        start_method('spawn')
    monkeypatch.delenv('PETSEG_START_METHOD')
    assert start_method('fork') == 'spawn'


@pytest.mark.skipif(not LINUX, reason='pretends to be Windows')
def test_a_process_of_windows_is_asked_and_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-Break goes to a group of processes alone, and the tools take it for the end."""
    sent: list[int] = []
    process = SimpleNamespace(send_signal=sent.append, terminate=lambda: sent.append(-1))
    system.ask_to_end(process)  # type: ignore[arg-type]
    monkeypatch.setattr(signal, 'CTRL_BREAK_EVENT', 1, raising=False)
    monkeypatch.setattr(subprocess, 'CREATE_NEW_PROCESS_GROUP', 512, raising=False)
    system.ask_to_end(process)  # type: ignore[arg-type]
    assert (sent, system.own_group()) == ([-1, 1], dict(creationflags=512))
    assert set(SIGNALS) == {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@pytest.mark.skipif(not LINUX, reason='takes away what Linux has')
def test_cores_and_connections_without_their_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, 'sched_getaffinity')
    monkeypatch.delattr(os, 'sched_setaffinity')
    monkeypatch.setattr(os, 'cpu_count', lambda: 3)
    assert system.usable_cores() == [0, 1, 2]
    system.stay_on_cores({7000})
    monkeypatch.setattr('custom_modules.commands.serve.resource', None)
    assert possible_connections(10**9) == 10**9


@pytest.mark.skipif(not LINUX, reason='pretends to be Windows')
def test_memory_as_windows_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The structures have the sizes of the Windows SDK on 64 bits; the numbers are in their places.

    A kernel of our own fills them at the offsets that the SDK's headers have.
    """
    assert ctypes.sizeof(windows_memory.MachineMemory) == 64
    assert ctypes.sizeof(windows_memory.ProcessMemory) == 72

    def put(place: object, offset: int, value: int) -> int:
        address = ctypes.addressof(place._obj)  # type: ignore[attr-defined]
        ctypes.c_uint64.from_address(address + offset).value = value
        return 1

    def current() -> int:
        return 2**64 - 1

    kernel = SimpleNamespace(
        GlobalMemoryStatusEx=lambda place: put(place, 16, 5 << 30),
        GetCurrentProcess=current,
        K32GetProcessMemoryInfo=lambda _, place, length: length == 72 and put(place, 8, 3 << 30),
    )
    assert (windows_memory.machine_memory(), windows_memory.process_peak()) == (None, None)
    monkeypatch.setattr(ctypes, 'windll', SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.setattr(memory_use, 'resource', None)
    monkeypatch.setattr(memory_use, '_fields', lambda _: {})
    assert (memory_use.available_memory(), memory_use.peak_memory()) == (5 << 30, 3 << 30)
