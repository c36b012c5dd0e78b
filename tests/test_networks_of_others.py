"""Networks of timm and segmentation_models.pytorch: what they compute, and what is refused.

Most run only where ``requirements-zoo.txt`` is installed: both packages need torchvision, whose
build has to be that of torch, and the requirements of the tests leave the choice of torch's build
to whoever installs them. That a package is missing is tested everywhere.
"""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from mmengine.registry import MODELS

from custom_modules.base.errors import UserError
from custom_modules.commands.publish import publish
from custom_modules.commands.test import test as score
from custom_modules.commands.train import train
from custom_modules.config import load_config
from custom_modules.config.model_size import check_model_size
from custom_modules.models.binary_segmentor import BinarySegmentor
from custom_modules.models.packages import zoo_package
from custom_modules.runs.checkpoint_io import load_checkpoint
from custom_modules.runs.initial_weights import start_from
from custom_modules.runs.safetensors_io import save_safetensors
from petseg import load
from tests import test_encoder_and_head
from tests.conftest import ROOT, TINY

LOSSES = [dict(type='BinaryCrossEntropyLoss')]
BN = dict(type='BN')


@pytest.fixture
def timm() -> ModuleType:
    return _installed('timm')


@pytest.fixture
def smp() -> ModuleType:
    return _installed('segmentation_models_pytorch')


def _installed(name: str) -> ModuleType:
    try:
        return zoo_package(name, 'this test')
    except UserError as error:
        pytest.skip(str(error))


def segmentor(backbone: dict, head: dict | None = None) -> Any:
    return MODELS.build(
        dict(type='BinarySegmentor', backbone=backbone, decode_head=head, losses=LOSSES)
    )


@pytest.mark.parametrize(
    ('config', 'package'),
    [
        (dict(type='TimmEncoder', name='resnet18'), 'timm'),
        (dict(type='SmpNetwork'), 'segmentation_models_pytorch'),
    ],
)
def test_a_missing_package_is_named(
    config: dict, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError) as error:
        segmentor(config, dict(type='UNetHead', channels=[8] * 4) if package == 'timm' else None)
    assert str(error.value) == (
        f'{config["type"]} needs the package {package}, which is missing: '
        'pip install -r requirements-zoo.txt'
    )


def test_a_package_that_does_not_fit_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As torchvision of another build than torch."""
    (tmp_path / 'timm.py').write_text('raise RuntimeError("operator nms does not exist")')
    monkeypatch.delitem(sys.modules, 'timm', raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=r'timm, which cannot be imported \(operator nms does not'):
        MODELS.build(dict(type='TimmEncoder', name='resnet18'))


#: Small networks: ResNet, channels last with one size of images, features of a list of blocks.
NETWORKS = {
    'resnet10t': {},
    'convnext_atto': {},
    'mobilenetv3_small_050': {},
    'swin_tiny_patch4_window7_224': dict(image_size=64),
}


@pytest.mark.parametrize('name', NETWORKS)
def test_an_encoder_gives_the_features_of_timm(name: str, timm: ModuleType, tmp_path: Path) -> None:
    """From the file that timm publishes, by their names, and at the sizes that are told."""
    torch.manual_seed(0)
    options = dict(img_size=64) if NETWORKS[name] else {}
    theirs = timm.create_model(name, features_only=True, **options).eval()
    published = timm.create_model(name, num_classes=2, **options)
    path = tmp_path / 'weights.safetensors'
    save_safetensors(dict(state_dict=published.state_dict()), path)
    ours = MODELS.build(
        dict(type='TimmEncoder', name=name, checkpoint=str(path), **NETWORKS[name])
    ).eval()
    ours.init_weights()
    flat = _flat(published)
    theirs.load_state_dict({key: flat[key.replace('.', '_')] for key in theirs.state_dict()})
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        found, wanted = ours(image), theirs(image)
        if name.startswith('swin'):
            wanted = [one.movedim(-1, 1) for one in wanted]
    assert [one.shape[1] for one in found] == ours.out_channels
    assert [64 // one.shape[-1] for one in found] == ours.strides
    for a, b in zip(found, wanted, strict=True):
        assert torch.equal(a, b)


def _flat(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {key.replace('.', '_'): value for key, value in network.state_dict().items()}


@pytest.mark.usefixtures('timm')
@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(name='resnet81'), 'has no network .*; did you mean resnet'),
        (dict(name='hf-hub:timm/resnet18'), 'has no network'),
        (dict(name='resnet18.nothing'), 'builds no encoder of resnet18.nothing'),
        (dict(name='vit_tiny_patch16_224'), r'strides \[16, 16, 16\], and each must be half'),
        (dict(name='resnet18', out_indices=[1, 3]), r'strides \[4, 16\].*\[2, 4, 8, 16, 32\]'),
        (dict(name='resnet18', out_indices=[9]), 'with out_indices='),
        (dict(name='resnet18', frozen_stages=5), 'the last of the stages 0 to 4'),
        (dict(name='hrnet_w18_small', frozen_stages=0), 'not one after the other; write optim_'),
        (dict(name='resnet18', checkpoint='a.pth', init_cfg=dict()), 'both given'),
    ],
)
def test_encoders_that_cannot_be_are_refused(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        MODELS.build(dict(type='TimmEncoder', **options))


@pytest.mark.usefixtures('timm')
def test_an_image_of_another_size_than_the_only_one_is_refused() -> None:
    options = dict(type='TimmEncoder', name='swin_tiny_patch4_window7_224')
    message = r'takes 96x64 alone; write model\.backbone\.image_size='
    encoder = MODELS.build(options | dict(image_size=(96, 64)))  # width and height
    with pytest.raises(UserError, match=message):
        encoder(torch.zeros(1, 3, 96, 64))
    assert encoder(torch.zeros(1, 3, 64, 96))[0].shape == (1, 96, 16, 24)


@pytest.mark.usefixtures('timm')
@pytest.mark.parametrize(
    ('name', 'parts'),
    [
        ('resnet10t', ['conv1|bn1', 'layer1', 'layer2']),
        ('convnext_atto', ['stem_|stages_0', 'stages_1']),
        ('mobilenetv3_small_050', ['conv_stem|bn1', r'blocks\.0', r'blocks\.1']),
    ],
)
def test_frozen_stages_of_timm(name: str, parts: list[str]) -> None:
    last = len(parts) - 1
    encoder = MODELS.build(dict(type='TimmEncoder', name=name, frozen_stages=last)).train()
    frozen = {key for key, one in encoder.network.named_parameters() if not one.requires_grad}
    wanted = {
        key
        for key, _ in encoder.network.named_parameters()
        if re.match(rf'({"|".join(parts)})(\b|(?<=_))', key)
    }
    assert frozen == wanted and frozen
    assert not any(m.training for m in encoder._frozen)


#: Arguments that make each architecture small, by its name.
ARCHITECTURES = {
    'Unet': dict(encoder_depth=3, decoder_channels=[16, 8, 8]),
    'UnetPlusPlus': dict(encoder_depth=3, decoder_channels=[16, 8, 8]),
    'MAnet': dict(encoder_depth=3, decoder_channels=[16, 8, 8], decoder_pab_channels=8),
    'Linknet': {},
    'FPN': dict(decoder_pyramid_channels=16, decoder_segmentation_channels=32),
    'PSPNet': dict(psp_out_channels=16),
    'DeepLabV3': dict(decoder_channels=8),
    'DeepLabV3Plus': dict(decoder_channels=8),
    'PAN': dict(decoder_channels=8),
    'UPerNet': dict(decoder_channels=16),
    'Segformer': dict(decoder_segmentation_channels=8),
}


@pytest.mark.parametrize('architecture', ARCHITECTURES)
def test_a_network_gives_the_logits_of_the_package(architecture: str, smp: ModuleType) -> None:
    torch.manual_seed(0)
    options = ARCHITECTURES[architecture]
    encoder = 'tu-convnext_atto' if architecture == 'UPerNet' else 'resnet18'
    theirs = getattr(smp, architecture)(encoder, encoder_weights=None, in_channels=4, **options)
    network = dict(type='SmpNetwork', architecture=architecture, encoder=encoder, in_channels=4)
    model = MODELS.build(network | dict(options=options)).eval()
    model.network.load_state_dict(theirs.state_dict())
    image = torch.randn(1, 4, 128, 256)
    with torch.no_grad():
        found = model(image)
        assert torch.equal(found, theirs.eval()(image))
    assert found.shape == (1, 1, *image.shape[-2:])


@pytest.mark.usefixtures('smp')
def test_a_size_that_does_not_fit_names_one_that_does() -> None:
    model = segmentor(dict(type='SmpNetwork', encoder='resnet18'))
    with pytest.raises(UserError, match=r'multiples of 32; use image_size = \(64, 96\)'):
        model(torch.zeros(1, 3, 100, 60))


@pytest.mark.usefixtures('smp')
@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(architecture='UNet'), "no architecture 'UNet'; did you mean Unet"),
        (dict(encoder='resnet35'), "no encoder 'resnet35'; did you mean .*resnet34"),
        (dict(encoder='tu-hf-hub:timm/resnet18'), 'no encoder'),
        (dict(encoder_weights='imagenet'), 'would be fetched'),
        (dict(options=dict(encoder_dept=3)), 'options.encoder_dept is no .* mean encoder_depth'),
        (dict(options=dict(activation='sigmoid')), 'options.activation is no argument of Unet'),
        (dict(options=dict(encoder_depth=9)), 'Unet over resnet34 cannot be built'),
    ],
)
def test_networks_that_cannot_be_are_refused(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        MODELS.build(dict(type='SmpNetwork', **options))


@pytest.mark.parametrize('whole', [True, False])
@pytest.mark.parametrize('encoder', ['resnet18', 'tu-convnext_atto'])
def test_weights_of_an_encoder_or_of_the_whole(
    whole: bool, encoder: str, smp: ModuleType, timm: ModuleType, tmp_path: Path
) -> None:
    if whole or encoder == 'resnet18':
        published = smp.Unet(encoder, encoder_weights=None)
        published = published if whole else published.encoder
    else:
        published = timm.create_model(encoder.removeprefix('tu-'))
    torch.save(published.state_dict(), tmp_path / 'weights.pth')
    network = dict(
        type='SmpNetwork', encoder=encoder, encoder_weights=str(tmp_path / 'weights.pth')
    )
    model = segmentor(network)
    model.backbone.init_weights()
    by_init = segmentor(dict(type='SmpNetwork', encoder=encoder))
    start_from(by_init, tmp_path / 'weights.pth')
    for one in (model, by_init):
        part = one.backbone.network if whole else one.backbone.network.encoder
        mine, theirs = _flat(part), _flat(published)
        for name, value in mine.items():
            assert torch.equal(value, theirs[name.removeprefix('model_')]), name


ENCODERS = {
    'timm': (
        dict(type='TimmEncoder', name='convnext_atto'),
        dict(type='UNetHead', norm_cfg=BN, channels=[8, 8, 8], extra_upsamples=2),
    ),
    'timm under a head of mmsegmentation': (
        dict(type='TimmEncoder', name='mobilenetv3_small_050', out_indices=[1, 2, 3, 4]),
        dict(type='mmseg.FCNHead', channels=8, norm_cfg=BN, dropout_ratio=0),
    ),
    'smp': (
        dict(
            type='SmpNetwork',
            encoder='resnet18',
            options=dict(decoder_channels=[16, 8, 8, 8, 8]),
        ),
        None,
    ),
}


@pytest.mark.usefixtures('timm', 'smp')
@pytest.mark.parametrize('pair', ENCODERS)
def test_contract(pair: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(test_encoder_and_head.PAIRS, pair, ENCODERS[pair])
    test_encoder_and_head.test_contract_of_every_encoder_and_head(pair)


@pytest.mark.usefixtures('timm', 'smp')
@pytest.mark.parametrize('pair', ENCODERS)
def test_published_ones_are_looked_at_without_memory(pair: str) -> None:
    backbone, head = ENCODERS[pair]
    model = dict(type=BinarySegmentor, backbone=backbone, decode_head=head, losses=LOSSES)
    dataset = dict(pipeline=[dict(type='Resize', scale=[64, 64])])
    check_model_size(dict(model=model, test_dataloader=dict(dataset=dataset)), 'a config')


@pytest.mark.parametrize(
    ('name', 'encoder'),
    [
        ('resnet34', dict(type='ResNetEncoder', bottleneck=None)),
        ('resnet18', dict(type='mmseg.ResNet', depth=18)),
        ('resnet18d', dict(type='mmseg.ResNetV1d', depth=18, norm_cfg=BN)),
    ],
)
def test_a_resnet_of_timm_starts_the_encoders_here(
    name: str, encoder: dict, timm: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three convolutions in the place of the first have other names in MMSegmentation."""
    torch.manual_seed(0)
    published = timm.create_model(name, zero_init_last=False).eval()
    torch.save(published.state_dict(), tmp_path / 'resnet.pth')
    model = segmentor(encoder, dict(type='mmseg.FCNHead', channels=8, norm_cfg=BN)).eval()
    start_from(model, tmp_path / 'resnet.pth')
    assert 'not used: backbone.fc.weight, backbone.fc.bias' in capsys.readouterr().out
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        wanted = published.forward_intermediates(image, intermediates_only=True)[1:]
        for a, b in zip(model.backbone(image), wanted, strict=True):
            torch.testing.assert_close(a, b)


#: Lines of a config of one's own.
CONFIGS = {
    'timm': """
model = dict(
    backbone=dict(
        _delete_=True, type='TimmEncoder', name='mobilenetv3_small_050', checkpoint='$weights'
    ),
    decode_head=dict(
        _delete_=True, type='UNetHead', channels=[8, 8, 8, 8], logit_upsamples=1
    ),
)
""",
}


@pytest.mark.parametrize('kind', CONFIGS)
def test_from_a_file_of_weights_to_a_published_network(
    kind: str, timm: ModuleType, sample: Path, tmp_path: Path
) -> None:
    """Trained from timm's file, tested, exported, published and loaded without that file."""
    weights = tmp_path / 'mobilenetv3_small_050.safetensors'
    save_safetensors(
        dict(state_dict=timm.create_model('mobilenetv3_small_050').state_dict()), weights
    )
    text = f"_base_ = '{ROOT}/configs/sample/unet_sample.py'\nweights = '{weights}'\n"
    (tmp_path / 'mine.py').write_text(text + CONFIGS[kind])
    options = [*TINY, f'data_root={sample}', 'image_size=64', 'precision=fp32', 'max_epochs=1']
    config = load_config(tmp_path / 'mine.py', [*options, 'learning_rate=1e-9'])
    run = train(config, str(tmp_path / 'runs'))
    assert weights.name in str(load_checkpoint(run / 'best.pth')['meta']['start'])
    assert score(config, str(run / 'best.pth'), str(run / 'test')) is not None
    weights.unlink()
    metrics = [run / 'test' / 'metrics.json']
    publish(config, str(run / 'best.pth'), tmp_path / 'published', metrics=metrics, images=6)
    picture = next((sample / 'images').glob('*.jpg'))
    mask = load(tmp_path / 'published')(picture).mask
    assert (mask == load(run / 'config.py', run / 'best.pth')(picture).mask).mean() > 0.99
