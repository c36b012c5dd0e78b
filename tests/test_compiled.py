"""A compiled network computes the same, and a compiler that fails costs no run."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from custom_modules.base.errors import UserError
from custom_modules.config import load_config
from custom_modules.engine import PetSegRunner
from custom_modules.models import compiled
from custom_modules.models.compiled import CompiledNetwork, compile_network
from tests.conftest import TINY

EDGES = "dict(type='EdgeTask',losses=[dict(type='BinaryCrossEntropyLoss')])"


def double(x: torch.Tensor) -> torch.Tensor:
    return 2 * x


class Compiler:
    """Stands for torch.compile; counts what it is asked and fails when it should."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.calls = 0
        self.settings: dict = {}

    def __call__(self, network: Callable, **settings: object) -> Callable:
        self.settings = settings

        def run(x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            if self.error:
                raise self.error
            return network(x)

        return run


def test_a_compiler_that_fails_is_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        compiled.MMLogger, 'get_current_instance', lambda: SimpleNamespace(warning=said.append)
    )
    compiler = Compiler(RuntimeError('no C++ compiler\nand a long page'))
    monkeypatch.setattr(compiled.torch, 'compile', compiler)
    network = CompiledNetwork(double, dict(mode='max-autotune'))
    assert compiler.settings == dict(dynamic=False, mode='max-autotune')
    for _ in range(3):
        assert network(torch.ones(2)).tolist() == [2, 2]
    assert compiler.calls == 1
    (line,) = said
    assert line.startswith('torch.compile failed (RuntimeError: no C++ compiler); the run goes on')


def test_a_mistake_in_the_network_stays_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.torch, 'compile', Compiler())

    def broken(x: torch.Tensor) -> torch.Tensor:
        raise ValueError(f'wrong size {len(x)}')

    with pytest.raises(ValueError, match='wrong size 2'):
        CompiledNetwork(broken, {})(torch.ones(2))


def test_a_model_without_a_network_to_compile_is_refused() -> None:
    compile_network(torch.nn.Conv2d(1, 1, 1), False, training=True)
    with pytest.raises(UserError, match='compile: runs the network of a BinarySegmentor'):
        compile_network(torch.nn.Conv2d(1, 1, 1), True, training=True)


@pytest.mark.parametrize(
    ('option', 'settings', 'more'),
    [
        ('compile=True', {}, []),
        ('compile.backend=eager', dict(backend='eager'), []),
        ('compile=False', None, []),
        ('compile=True', {}, [f'model.edge_task={EDGES}']),
    ],
)
def test_one_line_compiles_the_network_of_training_and_validation(
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: str,
    settings: dict | None,
    more: list[str],
) -> None:
    """But for the training steps that see inside it, which a line says once."""
    compiler = Compiler()
    monkeypatch.setattr(compiled.torch, 'compile', compiler)
    weights = []
    for options in ([option], []):
        config = load_config(
            'configs/sample/unet_sample.py', [*TINY, f'data_root={sample}', *more, *options]
        ).resolved
        config.work_dir = str(tmp_path / f'{len(options)}')
        runner = PetSegRunner.from_cfg(config)
        runner.train()
        weights.append(runner.model.state_dict())
    batches = (0 if more else 2 * (16 // 4)) + 2 * 2  # of two epochs, with their validations
    assert compiler.calls == (0 if settings is None else batches)
    assert compiler.settings == ({} if settings is None else dict(dynamic=False, **settings))
    said = 'compile: training steps are not compiled, because edge_task of the model sees inside'
    assert capsys.readouterr().out.count(said) == len(more)
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
