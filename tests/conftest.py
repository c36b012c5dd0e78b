"""Fixtures that several test files use."""

import copy
import gc
import io
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as torch_dist
from mmengine.registry import DATASETS, MODELS

from custom_modules.config import load_config
from custom_modules.datasets.synthetic_dataset import draw_sample
from custom_modules.export.exportable_model import ExportableModel
from custom_modules.export.formats import Onnx
from custom_modules.export.onnx_files import quantised
from tests.checkout import (  # noqa: F401  (hooks)
    pytest_sessionfinish,
    pytest_sessionstart,
    pytest_terminal_summary,
)
from tests.warm_tools import WarmTools

ROOT = Path(__file__).resolve().parent.parent

#: A run of two epochs on 16 images that takes a second.
TINY = [
    'image_size=32',
    'batch_size=4',
    'max_epochs=2',
    'num_workers=0',
    'train_dataloader.dataset.indices=16',
    'val_dataloader.dataset.indices=6',
    'test_dataloader.dataset.indices=6',
]


# Every process of `make test` has one thread; more would wait for each other.
os.environ.setdefault('OMP_NUM_THREADS', '1')
torch.set_num_threads(int(os.environ['OMP_NUM_THREADS']))


def pytest_xdist_auto_num_workers() -> int:
    """Take one process more than there are cores: tests that start others wait much."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the README's commands: minutes that would else come when the others are done."""
    items.sort(key=lambda item: item.path.name != 'test_readme.py')


def pytest_collection_finish() -> None:
    """Keep what was imported from the collector, which MMEngine runs at each data set it builds."""
    gc.freeze()


@pytest.fixture(scope='session')
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic data set."""
    root = tmp_path_factory.mktemp('sample')
    draw_sample(root)
    return root


def tiny_options(sample: Path, *more: str) -> list[str]:
    """Options of a config for a test on six small images of the synthetic data set."""
    return [*TINY, f'data_root={sample}', 'precision=fp32', *more]


@pytest.fixture(scope='session')
def checkpoint(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that knows nothing, but calls about a half of the pixels foreground."""
    torch.manual_seed(0)
    config = load_config('configs/sample/unet_sample.py', tiny_options(sample)).resolved
    model = MODELS.build(config.model).eval()
    dataset = DATASETS.build(config.test_dataloader['dataset'])
    batch = dict(inputs=[dataset[i]['inputs'] for i in range(6)])
    with torch.no_grad():
        logits = model(model.data_preprocessor(batch)['inputs'])
        model.decode_head.logits.weight /= logits.std()
        logits = model(model.data_preprocessor(batch)['inputs'])
        model.decode_head.logits.bias -= logits.median() - 0.4
    path = tmp_path_factory.mktemp('run') / 'best.pth'
    torch.save(dict(state_dict=model.state_dict(), meta=dict(epoch=3, iter=9)), path)
    return path


@pytest.fixture(scope='module')
def converted_once() -> Iterator[None]:
    """Make an ONNX model of the same network once in a file of tests: it takes five seconds."""
    made: dict[bytes, Any] = {}

    def convert(
        self: Onnx, network: ExportableModel, calibration: Iterable[np.ndarray] | None
    ) -> Any:
        saved = io.BytesIO()
        torch.save(network, saved)  # of the same network the same, which a pickle is not
        key = saved.getvalue()
        if key not in made:
            made[key] = really(self, network, None)
        model = copy.deepcopy(made[key])
        return model if calibration is None else quantised(model, calibration)

    really = Onnx.convert
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Onnx, 'convert', convert)
        yield


@pytest.fixture
def one_process() -> Iterator[None]:
    """A group of processes that is this one alone."""
    torch_dist.init_process_group('gloo', store=torch_dist.HashStore(), rank=0, world_size=1)
    yield
    torch_dist.destroy_process_group()


Command = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope='session')
def warm_tools() -> Iterator[WarmTools]:
    """The tools of this project, without the seconds of their imports."""
    with WarmTools(ROOT) as tools:
        yield tools


@pytest.fixture
def run_tool(tmp_path: Path, warm_tools: WarmTools) -> Command:
    """Run a tool in a folder outside the project and return what it said.

    ``tools/<name>.py`` runs in a fork, ``tools/<name>.sh`` starts cold.
    """

    def run(name: str, *arguments: object, timeout: float = 120) -> subprocess.CompletedProcess:
        words = [str(ROOT / 'tools' / name), *map(str, arguments)]
        environment = {**os.environ, 'PYTHON': sys.executable}
        if name.endswith('.py'):
            return warm_tools.run(words, tmp_path, environment, timeout)
        return subprocess.run(
            ['bash', *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=environment,
        )

    return run


@pytest.fixture
def run_tool_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a tool in the process and the folder of the test, and return what it said."""
    monkeypatch.setattr('custom_modules.commands.cli.leave', sys.exit)
    monkeypatch.setattr('custom_modules.commands.cli.end_workers', lambda: None)
    # What a tool does first is for a process of its own.
    monkeypatch.setitem(sys.modules, '_start', ModuleType('_start'))
    monkeypatch.syspath_prepend(ROOT / 'tools')  # of the processes that it starts

    def run(name: str, *arguments: object) -> subprocess.CompletedProcess:
        words = [name, *map(str, arguments)]
        monkeypatch.setattr(sys, 'argv', words)
        status = 0
        try:
            runpy.run_path(str(ROOT / 'tools' / name), run_name='__main__')
        except SystemExit as end:
            assert isinstance(end.code, int)
            status = end.code
        return subprocess.CompletedProcess(words, status, *capsys.readouterr())

    return run
