"""A network that learns from a teacher: its losses, who sees what, and what a run keeps of it."""

import copy
import math
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from custom_modules.base.errors import UserError
from custom_modules.commands.train import train
from custom_modules.config import LoadedConfig, load_config
from custom_modules.models.distillation import (
    Distillation,
    Teacher,
    pairs_of_a_size,
    scaled,
    similarity_loss,
    soft_cross_entropy,
)
from custom_modules.runs.teacher import read_teacher
from custom_modules.runs.trained_with import image_size
from tests.conftest import ROOT, TINY
from tests.same_training import assert_same_training, final_state, power_cut
from tests.teachers import leave_teacher

HEAD = 'model.decode_head.channels=[2,2,2]'
NARROW = ['model.backbone.channels=[4,6,8]', 'model.decode_head.channels=[6,4]']


def test_losses_by_hand() -> None:
    own, wanted, truth = [2.0, -1.0, 0.5, 4.0], [1.0, 0.0, -3.0, 9.0], [0, 1, 255, 0]
    parts = []
    for z, t, y in zip(own, wanted, truth, strict=True):
        p, q = 1 / (1 + math.exp(-t / 2)), 1 / (1 + math.exp(-z / 2))
        parts += [-p * math.log(q) - (1 - p) * math.log(1 - q)] if y != 255 else []
    logits, teacher = (torch.tensor(one).view(1, 1, 2, 2) for one in (own, wanted))
    target = torch.tensor(truth).view(1, 2, 2)
    expected = pytest.approx(4 * sum(parts) / 3)
    assert soft_cross_entropy(logits, teacher, target, 2.0).item() == expected
    two = torch.cat([torch.full_like(logits, 7.0), logits + 7], 1)  # of a softmax
    assert soft_cross_entropy(two, teacher, target, 2.0).item() == expected
    assert soft_cross_entropy(logits, teacher, torch.full_like(target, 255), 2.0) == 0

    # Two places, two channels: without their mean (1.5, -1.5) and (2, -2) are alike, cosine 1.
    features = torch.tensor([[[[3.0, 0.0]], [[0.0, -4.0]]]])
    # Three channels: (2, -1, -1) and (-1, 2, -1), cosine -1/2; so two of four pairs differ by 3/2.
    others = torch.tensor([[[[3.0, 0.0]], [[0.0, 3.0]], [[0.0, 0.0]]]])
    assert similarity_loss(features, others).item() == pytest.approx(2 / 4 * 1.5**2)
    assert similarity_loss(features, 3 * features).item() == pytest.approx(0, abs=1e-6)
    large = torch.randn(2, 3, 32, 64)
    small = large.view(2, 3, 16, 2, 16, 4).mean((3, 5))
    assert similarity_loss(large, small).item() == pytest.approx(0, abs=1e-6)
    own_maps = [torch.zeros(1, 2, side, side) for side in (8, 4, 2)]
    there = [torch.zeros(1, 5, side, side) for side in (4, 2, 2, 1)]
    found = pairs_of_a_size(own_maps, there)
    assert [(id(a), id(b)) for a, b in found] == [
        (id(own_maps[1]), id(there[0])),
        (id(own_maps[2]), id(there[2])),
    ]


def segmentor(channels: list[int], **more: object) -> torch.nn.Module:
    return MODELS.build(
        dict(
            type='BinarySegmentor',
            data_preprocessor=more.pop('preprocessor', dict(type='BinarySegPreprocessor')),
            backbone=dict(type='UNetEncoder', channels=channels, norm_cfg=dict(type='BN')),
            decode_head=dict(type='UNetHead', channels=channels[-2::-1]),
            losses=[dict(type='BinaryCrossEntropyLoss')],
            **more,
        )
    )


@pytest.mark.parametrize('mixing', ['MixUp', 'CutMix'])
@pytest.mark.parametrize('per_image', ['teacher', 'model', 'neither'])
def test_both_see_one_batch_and_one_learns(mixing: str, per_image: str) -> None:
    """The teacher's half is what its own preprocessor makes of the batch by the same numbers."""
    mixed = dict(batch_augments=[dict(type=mixing, prob=1.0)])
    own, other = (
        dict(
            type='BinarySegPreprocessor', mean=mean, std=std, per_image=per_image == whose, **mixed
        )
        for whose, mean, std in (('model', [9, 5, 1], [2, 3, 4]), ('teacher', [0] * 3, [255] * 3))
    )
    torch.manual_seed(1)
    model = segmentor([4, 6], preprocessor=own, distillation=dict(type='Distillation', teacher='t'))
    teacher = Teacher('t', segmentor([3, 5], preprocessor=other), 'digest')
    before = copy.deepcopy(teacher.model.state_dict())
    names = [*model.state_dict()]
    images = torch.randint(256, (2, 3, 8, 8), dtype=torch.uint8)
    masks = torch.randint(2, (2, 1, 8, 8), dtype=torch.uint8)

    def prepare(preprocessor: torch.nn.Module) -> dict:
        torch.manual_seed(7)
        samples = [SegDataSample(gt_sem_seg=PixelData(data=mask)) for mask in masks]
        return preprocessor(dict(inputs=images, data_samples=samples), True)

    alone, expected = prepare(model.data_preprocessor), prepare(teacher.model.data_preprocessor)
    with pytest.raises(UserError, match=r'the teacher t is not loaded; train with tools/train\.py'):
        model(**alone, mode='loss')
    model.distillation.teacher = model.data_preprocessor.teacher = teacher
    batch = prepare(model.data_preprocessor)
    assert torch.equal(batch['inputs'], alone['inputs'])
    assert torch.equal(batch['teacher_inputs'], expected['inputs'])
    assert 'teacher_inputs' not in model.data_preprocessor(dict(inputs=images))

    losses = model.train()(**batch, mode='loss')
    target = torch.cat([sample.gt_sem_seg.data for sample in batch['data_samples']])
    seen = teacher.model(expected['inputs'])
    features = teacher.model.backbone(expected['inputs'])
    torch.testing.assert_close(
        losses['distill_loss_logits'],
        soft_cross_entropy(_logits(model, batch['inputs']), seen, target, 2.0),
    )
    own_features = model.backbone(batch['inputs'])
    mean = 5 * sum(map(similarity_loss, own_features, features)) / 2
    torch.testing.assert_close(losses['distill_loss_features'], mean)
    sum(losses[name] for name in losses if name.startswith('distill')).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []
    assert [n for n, p in teacher.model.named_parameters() if p.grad is not None] == []
    assert all(torch.equal(before[n], w) for n, w in teacher.model.state_dict().items())
    assert [*model.state_dict()] == names == [*segmentor([4, 6]).state_dict()]
    assert copy.deepcopy(model).distillation.teacher is teacher


def _logits(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    return model.decode_head(model.backbone(images))


def recipe(sample: Path, *more: str) -> LoadedConfig:
    small = [*TINY, *NARROW, f'data_root={sample}', 'precision=fp32']
    return load_config(f'{ROOT}/configs/sample/unet_sample.py', [*small, *more])


def make_teacher(folder: Path, sample: Path, seed: int = 0, *more: str) -> Path:
    """Leave a network in a folder as a run does; wider than the one that learns."""
    config = recipe(sample, 'model.backbone.channels=[6,8,10]', *more)
    return leave_teacher(folder, config, seed)


def test_a_run_keeps_nothing_of_its_teacher_but_who_it_was(
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Cut off, it goes on to the last bit, though the teacher has moved; not with another."""
    teacher = make_teacher(tmp_path / 'teacher', sample)
    more = ['preprocessor.batch_augments=[dict(type="MixUp",prob=0.5)]']
    more += ["custom_hooks=[dict(type='EMAHook',momentum=0.1)]"]

    def config(named: Path | None) -> LoadedConfig:
        return recipe(sample, *more, f'teacher={named}')

    whole = train(config(teacher), str(tmp_path / 'whole'))
    assert f'teacher: {teacher}, ' in capsys.readouterr().out
    state = final_state(whole)
    plain = MODELS.build(recipe(sample).resolved.model).state_dict()
    assert [*state['state_dict']] == [*plain]
    assert {n.removeprefix('module.') for n in state['ema_state_dict']} - {'steps'} == {*plain}
    noted = state['meta']['teacher']
    assert noted['name'] == str(teacher)
    shown = f'{tmp_path.name}/teacher ({noted["digest"][:12]})'  # no folder of this machine
    assert state['meta']['training']['teacher'] == shown
    assert state['meta']['start']['images'] == ['mark']  # on which no test is honest
    assert state['meta']['training'].get('init') is None
    weights = [one.numel() for one in plain.values()]
    assert (whole / 'best.pth').stat().st_size < 4 * sum(weights) + 200_000

    with power_cut(monkeypatch):
        train(config(teacher), str(tmp_path / 'parts'))
    other = make_teacher(tmp_path / 'other', sample, 1)
    for named, message in (
        (other, rf'the teacher was {teacher} \(.*, is {other} '),
        (None, 'none'),
    ):
        with pytest.raises(UserError, match=message):
            train(config(named), str(tmp_path / 'parts'), resume='')
    moved = shutil.move(teacher, tmp_path / 'moved')
    parts = train(config(moved), str(tmp_path / 'parts'), resume='')
    assert_same_training(whole, parts)


@pytest.mark.parametrize(
    ('own', 'other', 'message'),
    [
        (['image_size=28', 'model.distillation.teacher_scale=1'],
         ['model.backbone.channels=[2,2,2,2]', HEAD],
         r'teacher .*: an image of 28x28 does not fit this network: .* multiples of 8'),
        ([], ['in_channels=1', 'preprocessor.mean=[0]', 'preprocessor.std=[255]'],
         'is for images of 1 channels, and this training has 3'),
        ([], ['image_reading.limits=[[0,99],[0,99],[0,99]]'], 'give both the same image_reading'),
        (['model.distillation.logit_weight=0', 'model.distillation.feature_weight=0'], [],
         'nothing would be learned from the teacher'),
    ],
)  # fmt: skip
def test_a_teacher_that_does_not_fit_is_refused(
    own: list[str], other: list[str], message: str, sample: Path, tmp_path: Path
) -> None:
    teacher = make_teacher(tmp_path / 'teacher', sample, 0, *other)
    with pytest.raises(UserError, match=message):
        train(recipe(sample, f'teacher={teacher}', *own), str(tmp_path / 'runs'))


def test_what_is_no_teacher_is_refused(sample: Path, tmp_path: Path) -> None:
    teacher = make_teacher(tmp_path / 'teacher', sample)
    found = read_teacher(str(teacher / 'best.pth')).teacher
    weights = torch.load(teacher / 'best.pth', weights_only=True)['state_dict']
    kept = found.model.state_dict()
    assert all(torch.equal(kept[name], weight) for name, weight in weights.items())
    assert not found.model.training
    with pytest.raises(UserError, match=r'teacher nothing: there is no .*nothing; name the folder'):
        read_teacher('nothing')
    with pytest.raises(UserError, match='only checkpoints on this machine are loaded'):
        read_teacher('https://example.org/best.pth')
    text = (teacher / 'merged_config.json').read_text()
    for change, message in (
        (('"BinarySegmentor"', '"UNetHead"'), "its model is 'UNetHead', and a teacher is a Binary"),
        (('"UNetEncoder"', '"ResNetEncoder"'), r'teacher .*: ResNetEncoder: blocks='),
        (('"UNetEncoder"', '"Mine"'), r"backbone\.type='Mine' is not registered"),
    ):
        (teacher / 'merged_config.json').write_text(text.replace(*change))
        with pytest.raises(UserError, match=message):
            read_teacher(str(teacher))
    for name in ('merged_config.json', 'config.py'):
        (teacher / name).unlink()
    with pytest.raises(UserError, match=r'there is no config beside .*best\.pth'):
        read_teacher(str(teacher))


def test_a_teacher_of_larger_images_sees_them_enlarged(
    sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = scaled(torch.tensor([[[[1.0, 2.0]]]]), 2)
    assert row[0, 0].tolist() == [[1.0, 1.25, 1.75, 2.0]] * 2
    # Back: the weights of three pixels are 3/4, 3/4 and 1/4, each over 7/4.
    first = (0.75 * 1 + 0.75 * 1.25 + 0.25 * 1.75) / 1.75
    assert scaled(row, 0.5)[0, 0, 0].tolist() == pytest.approx([first, 3 - first])

    teacher, images = Teacher('t', segmentor([3, 5]), '', 2.0), torch.randn(1, 3, 8, 8)
    logits, features = teacher.see(images)
    large = scaled(images, 2)
    assert torch.equal(logits, scaled(teacher.model(large), 0.5))
    expected = [scaled(one, 0.5) for one in teacher.model.backbone(large)]
    assert all(torch.equal(one, other) for one, other in zip(features, expected, strict=True))

    named = make_teacher(tmp_path / 'teacher', sample)
    for more, said in (
        ((), ', shown 2 times as large'),
        (['model.distillation.teacher_scale=1'], ''),
    ):
        train(recipe(sample, f'teacher={named}', 'image_size=16', *more), str(tmp_path / 'runs'))
        out = capsys.readouterr().out
        assert f'it learned from images of 32x32 and sees 16x16 here{said}\n' in out
    # The scale of an augmentation is no size.
    patches = [dict(type='RandomCrop', size=16), dict(type='RandomAffine', scale=(0.8, 1.25))]
    assert image_size(dict(pipeline=patches)) == ''
    assert image_size(dict(pipeline=[*patches, dict(type='Resize', scale=[32, 24])])) == [32, 24]


def test_maps_of_no_common_size_and_a_net_without_a_head() -> None:
    part = Distillation('t')
    part.teacher = Teacher('t', segmentor([3, 5]), '')
    images, target = torch.randn(1, 3, 8, 8), torch.zeros(1, 8, 8, dtype=torch.uint8)
    logits = torch.zeros(1, 1, 8, 8)
    with pytest.raises(UserError, match=r'\(2x2 here, 8x8, 4x4 there\); write feature_weight=0'):
        part(logits, [torch.randn(1, 2, 2, 2)], target, images)
    part.feature_weight = 0
    assert [*part(logits, [], target, images)] == ['distill_loss_logits']
