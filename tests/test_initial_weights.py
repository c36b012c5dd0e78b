"""What a training starts from: what fits is taken, what does not is said, nothing is refused."""

from pathlib import Path

import pytest
import torch
from mmengine.registry import MODELS

from custom_modules.base.errors import UserError
from custom_modules.commands.test import test as score
from custom_modules.commands.train import train
from custom_modules.config import load_config
from custom_modules.engine.runner import PetSegRunner
from custom_modules.runs.checkpoint_io import load_checkpoint
from custom_modules.runs.initial_weights import Start, start_from, start_of, starts_of
from custom_modules.runs.safetensors_io import save_safetensors
from tests.conftest import TINY

ENCODER = dict(type='ResNetEncoder', width=0.0625)


def segmentor(channels: int = 1, width: float = 0.0625) -> torch.nn.Module:
    widths = MODELS.build(ENCODER | dict(width=width)).out_channels
    return MODELS.build(
        dict(
            type='BinarySegmentor',
            backbone=ENCODER | dict(width=width),
            decode_head=dict(
                type='UNetHead',
                in_channels=widths,
                channels=[4] * (len(widths) - 1),
                out_channels=channels,
                extra_upsamples=1,
            ),
            losses=[dict(type='BinaryCrossEntropyLoss')],
        )
    )


def test_a_head_of_another_shape_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, model = segmentor(), segmentor(channels=2)
    (tmp_path / 'run').mkdir()
    torch.save(dict(state_dict=source.state_dict()), tmp_path / 'run' / 'best.pth')
    before = model.decode_head.logits.weight.clone()
    start_from(model, tmp_path / 'run')  # the folder of a run is its best.pth
    assert torch.equal(model.decode_head.logits.weight, before)
    for name, weight in source.state_dict().items():
        if 'decode_head.logits' not in name:
            assert torch.equal(model.state_dict()[name], weight), name
    total = len(source.state_dict())
    assert capsys.readouterr().out.endswith(
        f'BinarySegmentor starts from {tmp_path / "run" / "best.pth"}: {total - 2:,} of {total:,} '
        'weights taken\n  of another shape: decode_head.logits.weight 1x4x1x1 there, 2x4x1x1 here, '
        'decode_head.logits.bias 1 there, 2 here\n'
    )


@pytest.mark.parametrize('wrapper', ['', 'module.'])
@pytest.mark.parametrize('key', [None, 'state_dict', 'model'])
def test_an_encoder_of_others_is_taken(
    wrapper: str, key: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As torchvision and timm publish a ResNet: names without a prefix, and a classifier."""
    encoder, model = MODELS.build(ENCODER), segmentor()
    weights = {f'{wrapper}{name}': weight for name, weight in encoder.state_dict().items()}
    weights[f'{wrapper}fc.weight'] = torch.zeros(10, 3)
    path = tmp_path / 'resnet34.pth'
    torch.save(weights if key is None else {key: weights}, path)
    start_from(model, path)
    assert torch.equal(model.backbone.conv1.weight, encoder.conv1.weight)
    assert 'not used: backbone.fc.weight' in capsys.readouterr().out


RESNET = dict(depth=18, base_channels=4, stem_channels=4, norm_cfg=dict(type='BN'))
BRANCH = dict(num_modules=1, num_branches=1, block='BASIC', num_blocks=(1,), num_channels=(4,))

#: The encoders of configs/zoo, and MobileNetV3, with few channels.
OF_MMSEG = {
    'ResNetV1c': RESNET,
    'ResNetV1d': RESNET,
    'MixVisionTransformer': dict(embed_dims=4, num_layers=[1] * 4, num_heads=[1] * 4),
    'SwinTransformer': dict(
        embed_dims=12, depths=[1, 1], num_heads=[1, 1], strides=(4, 2), out_indices=(0, 1)
    ),
    'HRNet': dict(
        extra=dict(
            stage1=BRANCH | dict(block='BOTTLENECK'),
            **{
                f'stage{n}': BRANCH
                | dict(num_branches=n, num_blocks=(1,) * n, num_channels=(4, 8, 16, 32)[:n])
                for n in (2, 3, 4)
            },
        )
    ),
    'MobileNetV2': dict(widen_factor=0.25),
    'MobileNetV3': dict(arch='small'),
}


@pytest.mark.parametrize('prefix', ['backbone.', ''])
@pytest.mark.parametrize('name', OF_MMSEG)
def test_the_encoders_of_mmsegmentation_start_from_files_of_its_family(
    name: str, prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As MMSegmentation and MMPretrain keep them, beside a head of another network, or alone."""
    config = dict(type=f'mmseg.{name}', **OF_MMSEG[name])
    published = MODELS.build(config)
    with torch.no_grad():
        for weight in published.state_dict().values():
            weight.add_(1)  # also what is 0 or 1 from the beginning
    weights = {f'{prefix}{key}': value for key, value in published.state_dict().items()}
    weights[f'{"head." if prefix else ""}fc.weight'] = torch.zeros(10, 3)
    save_safetensors(dict(state_dict=weights), tmp_path / 'backbone.safetensors')
    head = dict(type='mmseg.FCNHead', in_channels=8, channels=4, norm_cfg=dict(type='BN'))
    model = MODELS.build(
        dict(
            type='BinarySegmentor',
            backbone=config,
            decode_head=head,
            losses=[dict(type='BinaryCrossEntropyLoss')],
        )
    )
    start_from(model, tmp_path / 'backbone.safetensors')
    for key, value in model.backbone.state_dict().items():
        assert torch.equal(value, published.state_dict()[key]), key
    table = capsys.readouterr().out
    assert f'{len(weights) - 1:,} of {len(model.state_dict()):,} weights taken' in table
    assert 'not there: decode_head.' in table and 'fc.weight' in table.split('not used: ')[1]


@pytest.mark.parametrize(
    ('prefix', 'width', 'message'),
    [
        (None, 0.0625, r"0 of \d+ weights taken; .*, but prefix='backbone.' fits"),
        ('encoder', 0.0625, r'0 of \d+ weights taken; not there'),
        ('backbone.', 0.125, r'of another shape: .*; nothing to start from'),
    ],
)
def test_pretrained_that_loads_nothing_is_refused(
    prefix: str | None, width: float, message: str, tmp_path: Path
) -> None:
    path = tmp_path / 'whole.pth'
    torch.save(dict(state_dict=segmentor().state_dict()), path)
    start = dict(type='Pretrained', checkpoint=str(path), prefix=prefix)
    encoder = MODELS.build(ENCODER | dict(width=width, init_cfg=start))
    with pytest.raises(UserError, match=message):
        encoder.init_weights()


def test_a_training_starts_from_what_fits(
    sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow = ['model.backbone.channels=[4,8]', 'model.decode_head.in_channels=[4,8]']
    options = [*TINY, *narrow, f'data_root={sample}', 'precision=fp32', 'max_epochs=1']

    def run(*more: str) -> dict[str, torch.Tensor]:
        config = load_config('configs/sample/unet_sample.py', [*options, *more])
        config.resolved.experiment_name = 'start'
        best = train(config, str(tmp_path / 'runs')) / 'best.pth'
        return torch.load(best, weights_only=True)['state_dict']

    first = run('model.decode_head.channels=[4]')
    torch.save(dict(state_dict=first), tmp_path / 'first.pth')
    capsys.readouterr()
    start = [f'init={tmp_path / "first.pth"}', 'learning_rate=1e-12']
    second = run('model.decode_head.channels=[6]', *start)
    assert 'of another shape: decode_head.' in capsys.readouterr().out
    assert torch.allclose(first['backbone.levels.1.0.weight'], second['backbone.levels.1.0.weight'])
    with pytest.raises(UserError, match='there is no such checkpoint'):
        run('model.decode_head.channels=[4]', 'init=nothing.pth')


def test_what_the_first_training_saw_is_not_forgotten(
    sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever way the weights go, a test of the last net warns of images of the first."""
    options = [*TINY, f'data_root={sample}', 'precision=fp32', 'max_epochs=1']

    def run(name: str, split: str, *more: str, resume: str | None = None) -> Path:
        splits = [f'train_dataloader.dataset.split={split}', 'val_dataloader.dataset.split=train']
        config = load_config('configs/sample/unet_sample.py', [*options, *splits, *more])
        config.resolved.experiment_name = name
        return train(config, str(tmp_path / name), resume=resume)

    first = load_checkpoint(run('first', 'train') / 'best.pth')
    save_safetensors(first, tmp_path / 'model.safetensors')
    capsys.readouterr()
    start = f'init={tmp_path}'  # the folder of a published model
    run('second', 'val', start)
    assert 'of the validation images are training images' in capsys.readouterr().out
    best = run('second', 'val', start, 'max_epochs=2', resume='') / 'best.pth'
    meta = load_checkpoint(best)['meta']
    seen = first['meta']['train_images']
    assert seen and not set(seen) & set(meta['train_images'])
    source = str(tmp_path / 'model.safetensors')
    minutes = first['meta']['training']['minutes']
    assert meta['start'] == dict(weights=[source], minutes=minutes, images=seen)
    training = meta['training']
    assert (training['init'], training['minutes_before']) == (source, minutes)
    tested = [*options, 'test_dataloader.dataset.split=train']
    result = score(
        load_config('configs/sample/unet_sample.py', tested), str(best), str(tmp_path), quick=True
    )
    assert result is not None and result['num_trained_on'] == result['num_images'] == 6


@pytest.mark.parametrize(
    'meta',
    [
        dict(training=dict(minutes=float('nan')), train_images=['a', 3, None]),
        dict(training=dict(minutes=-1), train_images=['a', b'b']),
        dict(training=3, train_images=['a']),
    ],
)
def test_what_strangers_say_of_a_training_is_taken_as_far_as_it_makes_sense(
    meta: dict, tmp_path: Path
) -> None:
    source, model = segmentor(), segmentor()
    torch.save(dict(state_dict=source.state_dict(), meta=meta), tmp_path / 'best.pth')
    start_from(model, tmp_path / 'best.pth')
    assert starts_of(model) == Start([str(tmp_path / 'best.pth')], 0, ['a'])
    assert starts_of(source) is None


@pytest.mark.parametrize('start', [None, 3, dict(weights=['a']), dict(weights=3, minutes='x')])
def test_a_start_of_another_program_is_none(start: object) -> None:
    assert start_of(dict(start=start)) is None


@pytest.mark.parametrize(
    ('paramwise', 'rates', 'message'),
    [
        ('dict(custom_keys=dict(backbone=dict(lr_mult=0.1)))', {0.1, 1.0}, ''),
        ('dict(custom_keys=dict(bacbone=dict(lr_mult=0.1)))', set(), 'did you mean backbone'),
        ('dict(custom_key=dict(backbone=dict(lr_mult=0.1)))', set(), 'did you mean custom_keys'),
    ],
)
def test_rates_of_parts(
    paramwise: str, rates: set[float], message: str, sample: Path, tmp_path: Path
) -> None:
    """MMEngine passes over a key that it does not know, or that is in no name."""
    option = f'optim_wrapper.paramwise_cfg={paramwise}'
    options = [*TINY, f'data_root={sample}', 'learning_rate=1', option]
    if message:
        with pytest.raises(UserError, match=message):
            _optimizer(options, tmp_path)
    else:
        assert {group['lr'] for group in _optimizer(options, tmp_path).param_groups} == rates


def _optimizer(options: list[str], folder: Path) -> torch.optim.Optimizer:
    config = load_config('configs/sample/unet_sample.py', options).resolved
    config.work_dir, config.experiment_name = str(folder), 'rates'
    runner = PetSegRunner.from_cfg(config)
    return runner.build_optim_wrapper(runner.optim_wrapper).optimizer
