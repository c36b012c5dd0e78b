"""One rule for the device, and nothing of a step that stays on the CPU where the model does not.

Where there is no GPU the ``meta`` device shows it: its tensors have shapes and no values, and an
operation with a tensor of the CPU among them raises.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.device import get_device, utils
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from custom_modules import api
from custom_modules.base import device as devices
from custom_modules.base.errors import UserError
from custom_modules.config import load_config
from custom_modules.engine.autocast_optim_wrapper import AutocastOptimWrapper
from custom_modules.models import binary_segmentor, losses
from custom_modules.models.precision import memory_format, resolve_dtype
from custom_modules.models.test_time_augmentation import TestTimeAugmentation
from custom_modules.models.windows import Windows
from custom_modules.prediction.network import TorchNetwork
from custom_modules.runs import environment
from custom_modules.studies import local
from tests.conftest import Command, tiny_options

CONFIG = 'configs/sample/unet_sample.py'

#: Losses that read values, and so do not run without any: they choose pixels by the target, or
#: measure distances on the CPU.
READS_VALUES = {'LovaszHingeLoss', 'BoundaryLoss'}


@pytest.fixture(autouse=True)
def _device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test leave the device as it was."""
    monkeypatch.setattr(utils, 'DEVICE', get_device())
    for name in ('PETSEG_DEVICE', 'RANK'):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ('here', 'wanted', 'used'),
    [
        ('cpu', 'auto', 'cpu'),
        ('cpu cuda', 'auto', 'cuda'),
        ('cpu mps', 'auto', 'cpu'),  # MMEngine takes it unasked
        ('cpu xpu', 'auto', 'cpu'),
        ('cpu mps', 'mps', 'mps'),
        ('cpu xpu', 'xpu', 'xpu'),
        ('cpu cuda', 'cpu', 'cpu'),
        ('cpu cuda', 'cuda:1', 'cuda'),
    ],
)
def test_one_rule(here: str, wanted: str, used: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[int] = []
    monkeypatch.setattr(devices, 'devices_here', here.split)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(torch.cuda, 'set_device', chosen.append)
    assert devices.use_device(wanted) == get_device() == used
    assert chosen == ([1] if wanted == 'cuda:1' else [])
    unused = here.split()[1:] if used == 'cpu' else []
    assert devices.devices_not_used() == (
        f' ({unused[0]} is here: --device {unused[0]})' if unused else ''
    )
    monkeypatch.setenv('PETSEG_DEVICE', 'cpu')
    assert devices.use_device(wanted) == 'cpu'


@pytest.mark.parametrize(
    ('wanted', 'rank', 'message'),
    [
        ('gpu', None, "'gpu' is not allowed; use 'auto', 'cpu', 'cuda', 'cuda:1'"),
        ('cuda:x', None, 'is not allowed'),
        ('xpu', None, 'finds none here; use --device cpu or cuda or mps, or install'),
        ('cuda:2', None, 'this machine has 2 of them; use one up to cuda:1'),
        ('cuda:1', '0', 'several processes'),
        ('mps', '0', 'several processes'),
    ],
)
def test_devices_that_cannot_be(
    wanted: str, rank: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, 'devices_here', ['cpu', 'cuda', 'mps'].copy)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    if rank:
        monkeypatch.setenv('RANK', rank)
    with pytest.raises(UserError, match=message):
        devices.use_device(wanted)


def test_a_tool_says_what_is_wrong(run_tool: Command, sample: Path) -> None:
    options = ['--cfg-options', *tiny_options(sample)]
    for name, words in (('xpu', ['--device', 'xpu', *options]), ('mps', [*options, 'device=mps'])):
        done = run_tool('train.py', CONFIG, *words)
        assert done.returncode == 2 and f"device='{name}': torch" in done.stderr, done.stderr
    done = run_tool('train.py', CONFIG, *options, 'device=gpu')
    assert done.returncode == 2 and 'use' in done.stderr and "'cuda:1'" in done.stderr


def test_a_sweep_and_python_refuse_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before an experiment starts, and before anything is read."""
    with pytest.raises(UserError, match="device='cuda:x' is not allowed"):
        api.load(CONFIG, 'lost.pth', device='cuda:x')
    monkeypatch.setenv('PETSEG_DEVICE', 'gpu')
    with pytest.raises(UserError, match="device='gpu' is not allowed"):
        local.run_jobs(1, lambda *_: None, [])


def test_the_demo_says_what_it_takes(run_tool: Command) -> None:
    done = run_tool('demo.py', '--help')
    assert done.returncode == 0 and '[MODEL ...]' in done.stdout and '--device' in done.stdout
    done = run_tool('demo.py', '--port', '8001')
    assert done.returncode == 2 and '--port is for a page, which needs a MODEL' in done.stderr


@pytest.mark.parametrize(
    ('kind', 'has_bf16', 'found'),
    [
        ('cuda', True, torch.bfloat16),
        ('cuda', False, torch.float16),
        ('xpu', True, torch.bfloat16),
        ('xpu', False, torch.float16),
        ('cpu', True, torch.bfloat16),
        ('cpu', False, torch.float32),
        ('mps', True, torch.float32),
        ('meta', True, torch.float32),
    ],
)
def test_precision_by_what_a_device_can(
    kind: str, has_bf16: bool, found: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('custom_modules.models.precision._has_bf16', lambda _: has_bf16)
    assert resolve_dtype('auto', kind) == found
    assert resolve_dtype('fp32', kind) == torch.float32
    if kind in ('cuda', 'xpu'):
        assert resolve_dtype('fp16', kind) == torch.float16
    else:
        with pytest.raises(UserError, match='needs a GPU of CUDA'):
            resolve_dtype('fp16', kind)
    assert (memory_format(kind) == torch.channels_last) == (kind != 'mps')


@pytest.mark.parametrize(('count', 'words'), [(1, '1 thread'), (2, '2 threads')])
def test_the_name_of_a_processor(count: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utils, 'DEVICE', 'cpu')
    monkeypatch.setattr(torch, 'get_num_threads', lambda: count)
    assert environment.device_name().endswith(f', {words}')


class Float32Only(TorchDispatchMode):
    """Refuses float64 on the device: Apple's has none."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for one in tree_leaves(found):
            if isinstance(one, torch.Tensor) and one.device.type == 'meta':
                assert one.dtype != torch.float64, func
        return found


def meta_model(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Any:
    """The sample's network on the meta device, which the process takes for its own."""
    monkeypatch.setattr(utils, 'DEVICE', 'meta')
    config = load_config(CONFIG, ['width=0.125', 'image_size=32']).resolved.model
    preprocessor = settings.pop('data_preprocessor', {})
    config = dict(config, **settings, data_preprocessor=config.data_preprocessor | preprocessor)
    return MODELS.build(config).to('meta')


def batch(with_truth: bool = True) -> dict:
    """Two images as a loader gives them: on the CPU."""
    samples = []
    for number in range(2):
        sample = SegDataSample(metainfo=dict(ori_shape=(32, 32), img_path=f'{number}.png'))
        if with_truth:
            truth = (torch.arange(32 * 32).view(1, 32, 32) % (3 + number) == 0).to(torch.uint8)
            sample.gt_sem_seg = PixelData(data=truth)
        samples.append(sample)
    images = [torch.full((3, 32, 32), 90 + n, dtype=torch.uint8) for n in range(2)]
    return dict(inputs=images, data_samples=samples)


@pytest.mark.parametrize('mixing', [None, 'MixUp', 'CutMix'])
def test_a_training_step_leaves_nothing_behind(
    mixing: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Preprocessor, mixing, network, losses, gradients, the optimiser.

    Clipped gradients are left out: MMEngine notes their norm as a number.
    """
    augments = [dict(type=mixing, prob=1.0)] if mixing else []
    model = meta_model(monkeypatch, data_preprocessor=dict(batch_augments=augments))
    optimizer = torch.optim.Adam(model.parameters())
    wrapper = AutocastOptimWrapper(precision='auto', optimizer=optimizer)
    with Float32Only():
        found = model.train().train_step(batch(), wrapper)
    assert found['loss'].device.type == 'meta'
    averages = [state['exp_avg'] for state in optimizer.state.values()]
    assert len(averages) == len([*model.parameters()])
    assert {average.device.type for average in averages} == {'meta'}


def test_a_tensor_that_stays_behind_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this the tests here would show nothing, and of float64 nothing either."""
    with Float32Only(), pytest.raises(AssertionError, match='aten'):
        torch.zeros(1, device='meta').double()
    model = meta_model(monkeypatch)
    model.data_preprocessor.mean = torch.zeros(3, 1, 1)
    with pytest.raises(RuntimeError, match='meta'):
        model(**model.data_preprocessor(batch()), mode='loss')


@pytest.mark.parametrize('name', losses.__all__)
def test_losses(name: str) -> None:
    loss = MODELS.build(dict(type=name))
    channels = 2 if name == 'TwoChannelCrossEntropyLoss' else 1
    logits = torch.zeros(2, channels, 16, 16, device='meta', requires_grad=True)
    target = torch.zeros(2, 16, 16, dtype=torch.uint8, device='meta')
    if name in READS_VALUES:
        with pytest.raises((NotImplementedError, RuntimeError)):
            loss(logits, target)
    else:
        with Float32Only():
            loss(logits, target).backward()
        assert logits.grad is not None and logits.grad.device.type == 'meta'


def test_validation_and_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lines of a prediction read values, and stop without any: NaN among logits, the losses."""
    model = meta_model(monkeypatch).eval()
    prepared = model.data_preprocessor(batch())
    with torch.inference_mode():
        assert model(**prepared, mode='loss')['dice'].device.type == 'meta'
        with pytest.raises(RuntimeError, match='item'):  # the losses, as numbers of a sample
            model.test_step(batch())
        with pytest.raises((NotImplementedError, RuntimeError)):  # whether one is NaN
            model.test_step(batch(with_truth=False))
        monkeypatch.setattr(binary_segmentor, 'check_logits', lambda *_: None)
        for found in model.test_step(batch(with_truth=False)):
            assert found.pred_sem_seg.data.device.type == found.seg_logits.data.device.type
            assert found.pred_sem_seg.data.device.type == 'meta'


def test_prediction_with_views_and_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    model = meta_model(monkeypatch)
    network = TorchNetwork(model)
    assert network([torch.zeros(3, 20, 33, dtype=torch.uint8)]).shape == (1, 1, 20, 33)
    views = TestTimeAugmentation(model.network, model.size_divisor, (1.0, 0.5))
    with torch.inference_mode():
        assert views(torch.zeros(1, 3, 32, 32, device='meta')).device.type == 'meta'
        picture = torch.zeros(3, 40, 70, dtype=torch.uint8)
        logits = Windows(size=32, overlap=0.25).logits(model._see, picture)
    assert (logits.device.type, logits.shape) == ('meta', (1, 40, 70))
