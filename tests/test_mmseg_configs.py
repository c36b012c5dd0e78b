"""Configs that MMSegmentation ships for two classes, with three lines of theirs changed."""

from pathlib import Path

import pytest
import torch
from mmengine.registry import MODELS, DefaultScope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

import custom_modules.models  # noqa: F401
from custom_modules.base.errors import UserError
from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.commands.print_config import annotated
from custom_modules.config import load_config

#: unet-s5-d16_fcn_4xb4-ce-1.0-dice-3.0-40k_drive-64x64.py with the file that it inherits.
SHIPPED = """
_base_ = [
    '../_base_/models/fcn_unet_s5-d16.py', '../_base_/datasets/drive.py',
    '../_base_/default_runtime.py', '../_base_/schedules/schedule_40k.py'
]
crop_size = (64, 64)
data_preprocessor = dict(size=crop_size)
model = dict(
    data_preprocessor=data_preprocessor,
    test_cfg=dict(crop_size=(64, 64), stride=(42, 42)),
    decode_head=dict(loss_decode=[
        dict(type='CrossEntropyLoss', loss_name='loss_ce', loss_weight=1.0),
        dict(type='DiceLoss', loss_name='loss_dice', loss_weight=3.0)
    ]))
"""
CHANGED = {
    '../_base_/models/': 'mmseg::_base_/models/',
    '../_base_/datasets/drive.py': f'{PROJECT_ROOT}/configs/_base_/datasets/binary_masks.py',
    '../_base_/default_runtime.py': f'{PROJECT_ROOT}/configs/_base_/default_runtime.py',
    '../_base_/schedules/schedule_40k.py': f'{PROJECT_ROOT}/configs/_base_/schedules/adam.py',
}
TINY = [
    'model.backbone.base_channels=2',
    'model.decode_head.in_channels=2',
    'model.auxiliary_head.in_channels=4',
    'model.decode_head.channels=2',
    'model.auxiliary_head.channels=2',
]


def _shipped(folder: Path, more: str = '') -> Path:
    text = SHIPPED
    for old, new in CHANGED.items():
        text = text.replace(old, new)
    path = folder / 'drive.py'
    path.write_text(text + more, encoding='utf-8')
    return path


def test_a_shipped_model_gives_what_it_gives_there(tmp_path: Path) -> None:
    path = _shipped(tmp_path)
    config = load_config(path, TINY)
    ours = MODELS.build(config.resolved.model).train()
    there = load_config(path, TINY).layers[-2]  # of the options; the last one is the translation
    assert there.source == '--cfg-options'
    as_it_is = dict(config.resolved.model)
    for key in ('losses', 'auxiliary_losses', 'auxiliary_weight', 'threshold'):
        as_it_is.pop(key)
    as_it_is |= dict(
        type='mmseg.EncoderDecoder',
        data_preprocessor=None,
        decode_head=as_it_is['decode_head']
        | dict(loss_decode=dict(type='CrossEntropyLoss', loss_name='loss_ce', avg_non_ignore=True)),
        auxiliary_head=as_it_is['auxiliary_head']
        | dict(loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4, avg_non_ignore=True)),
    )
    with DefaultScope.overwrite_default_scope('mmseg'):
        theirs = MODELS.build(as_it_is).train()
    renamed = {
        name.replace('auxiliary_head.0.', 'auxiliary_head.'): value
        for name, value in ours.state_dict().items()
    }
    theirs.load_state_dict(renamed)
    for head in (ours.decode_head, ours.auxiliary_head[0], theirs.decode_head):
        head.dropout = None  # which would draw other numbers
    theirs.auxiliary_head.dropout = None

    random = torch.Generator().manual_seed(0)
    images = torch.randn(2, 3, 32, 32, generator=random)
    masks = torch.randint(0, 2, (2, 1, 32, 32), generator=random, dtype=torch.uint8)
    masks[0, :, :5] = 255
    own, other = (
        [SegDataSample(gt_sem_seg=PixelData(data=mask.to(kind))) for mask in masks]
        for kind in (torch.uint8, torch.int64)
    )
    found, expected = ours(images, own, 'loss'), theirs(images, other, 'loss')
    torch.testing.assert_close(found['loss_ce'], expected['decode.loss_ce'])
    torch.testing.assert_close(found['aux_0_loss_ce'], expected['aux.loss_ce'])
    logits = theirs.eval()(images, mode='tensor')
    logits = torch.nn.functional.interpolate(logits, (32, 32), mode='bilinear')
    torch.testing.assert_close(ours.eval()(images), logits[:, 1:] - logits[:, :1])
    # The Dice loss is ours, with their weight: one minus the Dice of all pixels that count.
    probability = ours(images).sigmoid()[:, 0].double()
    counted, pet = masks[:, 0] != 255, masks[:, 0] == 1
    dice = 2 * (probability * pet * counted).sum() / ((probability + pet.double()) * counted).sum()
    terms = ours(images, own, 'loss')
    assert terms['loss_dice'].item() == pytest.approx(3 * (1 - dice.item()), rel=1e-5)


def test_a_translated_config_says_so_and_loads_again(tmp_path: Path) -> None:
    config = load_config(_shipped(tmp_path, 'threshold = 0.4\n'), TINY)
    assert config.resolved.model.threshold == 0.4
    assert config.resolved.model.data_preprocessor.mean == [123.675, 116.28, 103.53]
    text = annotated(config)
    assert "MMSegmentation's EncoderDecoder, translated" in text
    again = tmp_path / 'config.py'
    again.write_text(config.text, encoding='utf-8')
    assert load_config(again).resolved.to_dict() == config.resolved.to_dict()
    path = _shipped(tmp_path, "model['decode_head']['threshold'] = 0.3\n")
    told = load_config(path, TINY).resolved.model
    assert told.threshold == 0.3 and 'threshold' not in told.decode_head
    with pytest.raises(UserError, match="nothing uses the key 'crop'"):
        load_config(_shipped(tmp_path, 'crop = 1\n'))
    with pytest.raises(UserError, match="nothing uses the key 'norm_cfg'"):
        load_config(_shipped(tmp_path, "norm_cfg = dict(type='GN', num_groups=2)\n"))


def test_losses_of_the_recipe_take_the_place_of_the_heads(tmp_path: Path) -> None:
    path = _shipped(tmp_path, "losses = [dict(type='BinaryDiceLoss')]\n")
    assert load_config(path).resolved.model.losses == [dict(type='BinaryDiceLoss')]
    child = tmp_path / 'child.py'
    child.write_text("_base_ = './drive.py'\nmax_epochs = 3\n", encoding='utf-8')
    assert load_config(child).resolved.model.losses == [dict(type='BinaryDiceLoss')]


@pytest.mark.parametrize(
    ('lines', 'said'),
    [
        ("model['pretrained'] = 'open-mmlab://resnet50_v1c'", 'nothing is fetched'),
        ("model['train_cfg'] = dict(work_dir='x')", r'model\.train_cfg'),
        ("model['test_cfg'] = dict(mode='crop')", "use 'whole' or 'slide'"),
        ("model['type'] = 'CascadeEncoderDecoder'", 'masks of others'),
        ("data_preprocessor['bgr_to_rgb'] = False", 'bgr_to_rgb=True'),
        ("data_preprocessor['hsv'] = True", 'hsv is not known'),
        (
            "model['auxiliary_head'] = [dict(_delete_=True, type='FCNHead', loss_decode=one) "
            "for one in (dict(type='CrossEntropyLoss'), dict(type='LovaszLoss'))]",
            'same losses',
        ),
        ("_base_ = 'mmseg::unet/unet-s5-d16_fcn.py'", 'no such config'),
        ("_base_ = 'nowhere::a.py'", 'no package nowhere'),
    ],
)
def test_what_has_no_meaning_here_is_refused(tmp_path: Path, lines: str, said: str) -> None:
    path = _shipped(tmp_path)
    if lines.startswith('_base_'):
        path.write_text(lines, encoding='utf-8')
    else:
        path.write_text(f'{path.read_text(encoding="utf-8")}{lines}\n', encoding='utf-8')
    with pytest.raises(UserError, match=said):
        load_config(path)
