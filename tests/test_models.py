"""Architectures: exact sizes, shapes, gradients, and parity with an independent ResNet-34."""

import pytest
import torch
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from custom_modules.config import load_config
from custom_modules.errors import UserError
from custom_modules.models import ResNet34Encoder, UNetEncoder, UNetHead

BN = dict(type='BN')


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def build(config: str, *options: str) -> torch.nn.Module:
    return MODELS.build(load_config(config, options).model)


def samples(target: torch.Tensor) -> list[SegDataSample]:
    result = []
    for mask in target:
        sample = SegDataSample(metainfo=dict(sample_id='x', ori_shape=(50, 70)))
        sample.gt_sem_seg = PixelData(data=mask[None])
        result.append(sample)
    return result


@pytest.mark.parametrize(
    ('config', 'parameters'),
    [('configs/unet_pet.py', 31_043_521), ('configs/resnet34_unet_pet.py', 48_196_417)],
)
def test_parameter_counts_of_the_reports(config: str, parameters: int) -> None:
    assert count(build(config)) == parameters


@pytest.mark.parametrize(
    ('norm_cfg', 'outputs', 'parameters'), [(None, 1, 31_031_745), (None, 2, 31_031_810)]
)
def test_unet_without_normalisation(norm_cfg: None, outputs: int, parameters: int) -> None:
    encoder = UNetEncoder(norm_cfg=norm_cfg)
    head = UNetHead(encoder.out_channels, norm_cfg=norm_cfg, out_channels=outputs)
    assert count(encoder) + count(head) == parameters


def test_resnet34_trunk_is_torchvisions() -> None:
    encoder = ResNet34Encoder(bottleneck=None)
    assert count(encoder) == 21_284_672
    names = set(encoder.state_dict())
    assert {
        'conv1.weight',
        'bn1.running_var',
        'layer1.2.conv2.weight',
        'layer2.0.downsample.0.weight',
        'layer4.0.downsample.1.bias',
    } <= names


def test_resnet34_computes_what_mmsegmentations_computes() -> None:
    torch.manual_seed(0)
    ours = ResNet34Encoder(bottleneck=None).eval()
    theirs = MODELS.build(dict(type='mmseg.ResNet', depth=34))
    theirs.eval()
    theirs.load_state_dict(ours.state_dict())
    image = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        for a, b in zip(ours(image), theirs(image), strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize('size', [(128, 128), (64, 192)])
def test_features_are_finest_first(size: tuple[int, int]) -> None:
    image = torch.zeros(1, 3, *size)
    for encoder, strides in (
        (UNetEncoder(channels=(4, 8, 16, 32, 64)), (1, 2, 4, 8, 16)),
        (ResNet34Encoder(), (4, 8, 16, 32, 64)),
    ):
        shapes = [tuple(f.shape[1:]) for f in encoder.eval()(image)]
        wanted = [
            (c, size[0] // s, size[1] // s)
            for c, s in zip(encoder.out_channels, strides, strict=True)
        ]
        assert shapes == wanted


SMALL_HEAD = dict(type='UNetHead', norm_cfg=BN)
PAIRS = {
    'unet': (
        dict(type='UNetEncoder', channels=[4, 8, 16], norm_cfg=BN),
        SMALL_HEAD | dict(in_channels=[4, 8, 16], channels=[8, 4]),
    ),
    'unet without norm': (
        dict(type='UNetEncoder', channels=[4, 8, 16], bottleneck_dropout=0.1),
        dict(type='UNetHead', in_channels=[4, 8, 16], channels=[8, 4]),
    ),
    'resnet34': (
        dict(type='ResNet34Encoder', bottleneck_channels=64),
        SMALL_HEAD
        | dict(in_channels=[64, 128, 256, 512, 64], channels=[32, 16, 8, 8], extra_upsamples=2),
    ),
    'resnet34 without bottleneck': (
        dict(type='ResNet34Encoder', bottleneck=None),
        SMALL_HEAD | dict(in_channels=[64, 128, 256, 512], channels=[32, 16, 8], extra_upsamples=2),
    ),
    'a backbone of mmsegmentation': (
        dict(type='mmseg.ResNetV1c', depth=18, norm_cfg=BN, base_channels=8, stem_channels=8),
        SMALL_HEAD | dict(in_channels=[8, 16, 32, 64], channels=[16, 8, 8], extra_upsamples=2),
    ),
}


@pytest.mark.parametrize('pair', PAIRS)
def test_contract_of_every_encoder_and_head(pair: str) -> None:
    """Logits of the image's size, finite losses, a gradient for every parameter, valid masks."""
    torch.manual_seed(1)
    backbone, head = PAIRS[pair]
    losses = [dict(type='BinaryCrossEntropyLoss'), dict(type='BinaryDiceLoss')]
    model = MODELS.build(
        dict(type='BinarySegmentor', backbone=backbone, decode_head=head, losses=losses)
    )
    image = torch.randn(4, 3, 64, 128)
    target = torch.randint(0, 2, (4, 64, 128), dtype=torch.uint8)
    assert model(image).shape == (4, 1, 64, 128)
    # One forward pass can have a dead ReLU in so narrow a net; over a few none is left out.
    for _ in range(3):
        terms = model(torch.randn_like(image), samples(target), mode='loss')
        assert 0 <= terms.pop('dice') <= 1  # shown, not trained
        assert set(terms) == {'loss_bce', 'loss_dice'}
        sum(terms.values()).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []
    model.eval()
    with torch.no_grad():
        results = model(image, samples(target), mode='predict')
    assert {int(v) for r in results for v in r.pred_sem_seg.data.unique()} <= {0, 1}
    assert results[0].pred_sem_seg.data.shape == (1, 64, 128)
    assert results[0].losses.keys() == terms.keys()


def test_a_size_that_does_not_fit_names_one_that_does() -> None:
    model = build('configs/resnet34_unet_pet.py').eval()
    with pytest.raises(UserError, match=r'multiples of 64; use image_size = \(256, 128\)'):
        model(torch.zeros(1, 3, 100, 250))


def test_a_prediction_can_be_scored_at_the_original_resolution() -> None:
    model = build('configs/sample/unet_sample.py', 'resolution=original').eval()
    target = torch.zeros(1, 50, 70, dtype=torch.uint8)
    with torch.no_grad():
        (result,) = model(torch.randn(1, 3, 32, 32), samples(target), mode='predict')
    assert result.pred_sem_seg.data.shape == (1, 50, 70)
    assert result.losses.keys() == {'loss_bce', 'loss_dice'}


def test_threshold_moves_the_mask() -> None:
    model = build('configs/sample/unet_sample.py').eval()
    image, target = torch.randn(1, 3, 32, 32), torch.zeros(1, 32, 32, dtype=torch.uint8)
    with torch.no_grad():
        probability = model(image).sigmoid()
        for threshold in (0.4, 0.5, 0.6):
            model.threshold = threshold
            (result,) = model(image, samples(target), mode='predict')
            wanted = (probability[0] > threshold).to(torch.uint8)
            assert torch.equal(result.pred_sem_seg.data, wanted)


def test_preprocessor_normalises_rgb() -> None:
    preprocessor = build('configs/unet_pet.py').data_preprocessor
    blue = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    blue[:, 0] = 255  # BGR
    out = preprocessor(dict(inputs=blue, data_samples=None))['inputs'][0, :, 0, 0]
    wanted = [(0 - 123.675) / 58.395, (0 - 116.28) / 57.12, (255 - 103.53) / 57.375]
    torch.testing.assert_close(out, torch.tensor(wanted))
    with pytest.raises(UserError, match='different sizes'):
        preprocessor(dict(inputs=[torch.zeros(3, 2, 2), torch.zeros(3, 2, 3)]))


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(UserError, match="bottleneck='x'"):
        ResNet34Encoder(bottleneck='x')
    with pytest.raises(UserError, match='need 2 decoder widths'):
        UNetHead([4, 8, 16], channels=[8])
    with pytest.raises(UserError, match="'originale' is not allowed"):
        build('configs/unet_pet.py', 'resolution=originale')
