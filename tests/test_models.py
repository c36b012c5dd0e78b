"""Architectures: exact sizes, shapes inside, and parity with an independent ResNet-34."""

import re

import pytest
import torch
from mmengine.registry import MODELS

from custom_modules.base.errors import UserError
from custom_modules.config import load_config
from custom_modules.models import ResNetEncoder, ThinUNetHead, UNetEncoder, UNetHead

BN = dict(type='BN')


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def build(config: str, *options: str) -> torch.nn.Module:
    return MODELS.build(load_config(config, options).resolved.model)


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


def unet_parameters(channels: list[int]) -> int:
    """Count a UNet's parameters layer by layer: convolutions with bias, BatchNorm of two each."""
    first, *_ = channels
    levels = list(zip([3, *channels], channels, strict=False))
    convolutions = [pair for before, after in levels for pair in ((before, after), (after, after))]
    ups = list(zip(channels[:0:-1], channels[-2::-1], strict=True))
    for _, narrow in ups:
        convolutions += [(2 * narrow, narrow), (narrow, narrow)]
    doubled = sum(4 * wide * narrow + narrow for wide, narrow in ups)
    return doubled + sum(9 * a * b + 3 * b for a, b in convolutions) + first + 1


def test_width_is_a_factor_of_all_channels() -> None:
    assert unet_parameters([64, 128, 256, 512, 1024]) == 31_043_521
    narrow = count(build('configs/unet_pet.py', 'width=0.25'))
    assert narrow == unet_parameters([16, 32, 64, 128, 256])
    encoder = ResNetEncoder(width=0.5)
    assert encoder.out_channels == [32, 64, 128, 256, 512]
    head = ThinUNetHead(encoder.out_channels[:4], widened={2: 512}, width=0.5)
    assert (head.bridge[0].out_channels, head.widen['2'].out_channels) == (128, 256)
    assert (head.logits.in_channels, head.logits.out_channels) == (16, 1)


def test_resnet34_trunk_is_torchvisions() -> None:
    encoder = ResNetEncoder(bottleneck=None)
    assert count(encoder) == 21_284_672
    names = set(encoder.state_dict())
    assert {
        'conv1.weight',
        'bn1.running_var',
        'layer1.2.conv2.weight',
        'layer2.0.downsample.0.weight',
        'layer4.0.downsample.1.bias',
    } <= names


def test_resnet18_is_a_matter_of_blocks() -> None:
    """11,176,512 parameters without the classifier, the published number."""
    assert count(ResNetEncoder(blocks=(2, 2, 2, 2), bottleneck=None)) == 11_176_512
    narrow = ResNetEncoder(channels=(8, 16, 24, 32), bottleneck=None)
    shapes = [tuple(f.shape[1:]) for f in narrow.eval()(torch.zeros(1, 3, 64, 96))]
    assert shapes == [(8, 16, 24), (16, 8, 12), (24, 4, 6), (32, 2, 3)]
    with pytest.raises(UserError, match=r'blocks=\(2, 2\) .* four numbers each'):
        ResNetEncoder(blocks=(2, 2))


def test_resnet34_computes_what_mmsegmentations_computes() -> None:
    torch.manual_seed(0)
    ours = ResNetEncoder(bottleneck=None).eval()
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
        (ResNetEncoder(), (4, 8, 16, 32, 64)),
        (ResNetEncoder(bottleneck=None), (4, 8, 16, 32)),
        (ResNetEncoder(bottleneck=None, bias=True, stem_feature=True), (2, 4, 8, 16, 32)),
        (ResNetEncoder(bottleneck='double_conv', bottleneck_dropout=0.1), (4, 8, 16, 32, 64)),
    ):
        shapes = [tuple(f.shape[1:]) for f in encoder.eval()(image)]
        wanted = [
            (c, size[0] // s, size[1] // s)
            for c, s in zip(encoder.out_channels, strides, strict=True)
        ]
        assert shapes == wanted


def shapes_inside(module: torch.nn.Module, *inputs: object) -> list[tuple[int, ...]]:
    """Return the output shapes of the module's children in the order in which they run."""
    shapes: list[tuple[int, ...]] = []
    for part in [*module.up_blocks, *(c for n, c in module.named_children() if n != 'up_blocks')]:
        part.register_forward_hook(lambda _m, _i, out: shapes.append(tuple(out.shape[1:])))
    with torch.no_grad():
        module.eval()(*inputs)
    return shapes


@pytest.mark.parametrize(('height', 'width'), [(64, 64), (64, 128)])
def test_shapes_at_every_level_of_the_decoders(height: int, width: int) -> None:
    def at(channels: int, stride: float) -> tuple[int, int, int]:
        return channels, int(height / stride), int(width / stride)

    def features(*levels: tuple[int, int]) -> list[torch.Tensor]:
        return [torch.zeros(1, *at(channels, stride)) for channels, stride in levels]

    trunk = [(64, 4), (128, 8), (256, 16), (512, 32)]
    decoder_a = UNetHead([64, 128, 256, 512, 1024], extra_upsamples=2, norm_cfg=BN)
    assert shapes_inside(decoder_a, features(*trunk, (1024, 64))) == [
        *(at(512, 32), at(256, 16), at(128, 8), at(64, 4)),
        *(at(64, 1), at(1, 1)),
    ]
    decoder_b = UNetHead([64, 64, 128, 256, 512], channels=(256, 128, 64, 64), logit_upsamples=1)
    assert shapes_inside(decoder_b, features((64, 2), *trunk)) == [
        *(at(256, 16), at(128, 8), at(64, 4), at(64, 2)),
        *(at(64, 2), at(1, 2)),  # the logits, which are upsampled last
    ]
    decoder_c = ThinUNetHead([64, 128, 256, 512], widened={2: 512}, norm_cfg=BN)
    assert shapes_inside(decoder_c, features(*trunk)) == [
        at(256, 32),
        *(at(32, 16), at(32, 8), at(32, 4), at(32, 2)),
        *(at(32, 1), at(1, 1), at(1, 1)),
    ]
    assert decoder_c.widen['2'](torch.zeros(1, *at(256, 16))).shape[1:] == at(512, 16)
    for head, levels in ((decoder_b, [(64, 2), *trunk]), (decoder_c, trunk)):
        assert head(features(*levels)).shape == (1, 1, height, width)


def test_the_stem_feature_is_the_pooled_stem_upsampled() -> None:
    encoder = ResNetEncoder(bottleneck=None, stem_feature=True).eval()
    seen: list[torch.Tensor] = []
    encoder.maxpool.register_forward_hook(lambda _m, _i, out: seen.append(out))
    with torch.no_grad():
        first = encoder(torch.randn(1, 3, 64, 96))[0]
    pooled = seen[0]
    # Bilinear at twice the size: a quarter of the way from one old pixel to the next.
    torch.testing.assert_close(
        first[:, :, 2, 0], 0.75 * pooled[:, :, 1, 0] + 0.25 * pooled[:, :, 0, 0]
    )


def test_decoder_c_concatenates_before_it_doubles() -> None:
    block = ThinUNetHead([64, 128, 256, 512], widened={2: 512}, norm_cfg=BN).up_blocks[1]
    x, skip = torch.randn(1, 32, 4, 6), torch.randn(1, 512, 4, 6)
    assert block(x, skip).shape == (1, 32, 8, 12)
    with pytest.raises(RuntimeError):
        block(x, torch.randn(1, 512, 8, 12))


def test_what_follows_what_in_decoder_c() -> None:
    head = ThinUNetHead([4, 8], 6, 3, norm_cfg=dict(type='BN'), output_norm_relu=True)
    assert head.size_divisor == 8  # strides 4 and 8
    assert head.out_channels == 1
    kinds = [type(layer).__name__ for layer in (*head.bridge, *head.output)]
    assert kinds == ['Conv2d', 'BatchNorm2d', 'ReLU', 'BatchNorm2d', 'ReLU']
    assert head.bridge[0].kernel_size == (1, 1)
    assert len(ThinUNetHead([4, 8], 6, 3).output) == 0
    plain = UNetHead([4, 8], [4], extra_upsamples=1)
    assert [type(layer).__name__ for layer in plain.extra_upsamples[0]] == [
        'ConvTranspose2d',
        'ReLU',
    ]


def test_logits_may_be_upsampled_more_than_twice() -> None:
    head = UNetHead([4, 8], [4], extra_upsamples=1, logit_upsamples=3, out_channels=2)
    assert (head.size_divisor, head.logit_scale, head.out_channels) == (32, 8, 2)
    features = [torch.randn(1, 4, 4, 4), torch.randn(1, 8, 2, 2)]
    assert head(features).shape == (1, 2, 64, 64)


@pytest.mark.parametrize('kind', [UNetHead, ThinUNetHead])
def test_heads_take_an_initialisation(kind: type[torch.nn.Module]) -> None:
    init = dict(type='Constant', layer='Conv2d', val=0.25)
    head = kind(in_channels=[4, 8], channels=[4] if kind is UNetHead else 3, init_cfg=init)
    head.init_weights()
    assert (head.logits.weight == 0.25).all()


def test_an_output_relu_has_no_negative_logits_and_the_plain_output_has() -> None:
    torch.manual_seed(0)
    levels = [torch.randn(2, c, 64 // s, 64 // s) for c, s in ((64, 4), (128, 8), (256, 16))]
    levels.append(torch.randn(2, 512, 2, 2))
    for output_norm_relu in (True, False):
        head = ThinUNetHead([64, 128, 256, 512], norm_cfg=BN, output_norm_relu=output_norm_relu)
        assert (head(levels) < 0).any() != output_norm_relu


def test_two_channels_are_one_log_odds() -> None:
    torch.manual_seed(0)
    options = ['model.backbone.channels=[4,8]', 'model.decode_head.in_channels=[4,8]']
    options += ['model.decode_head.channels=[4]']
    model = build('configs/reports/r2_unet.py', *options).eval()
    image = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        two = model.decode_head(model.backbone(image))
        probability = model(image).sigmoid()
    assert two.shape == (2, 2, 16, 16)
    torch.testing.assert_close(probability[:, 0], two.softmax(1)[:, 1])


@pytest.mark.parametrize('mode', ['fan_out', 'fan_in'])
def test_initialisation_of_r3(mode: str) -> None:
    """He (kaiming, fan-out, ReLU) and the U-Net paper's Gaussian of std sqrt(2 / fan-in)."""
    torch.manual_seed(0)
    model = build('configs/reports/r3_unet.py', f'weight_init.mode={mode}')
    model.init_weights()
    for name, layer in model.named_modules():
        if isinstance(layer, torch.nn.Conv2d):
            out_channels, in_channels, height, width = layer.weight.shape
            fan = (in_channels if mode == 'fan_in' else out_channels) * height * width
            wanted = (2 / fan) ** 0.5
            spread = 4 * wanted / (2 * layer.weight.numel()) ** 0.5  # four standard errors
            assert layer.weight.std().item() == pytest.approx(wanted, abs=spread), name
            assert not layer.bias.any()
    assert build('configs/reports/r0_unet.py').init_cfg is None


@pytest.mark.parametrize('kind', [UNetEncoder, ResNetEncoder])
def test_the_dropout_is_in_the_bottleneck_and_nowhere_else(kind: type[torch.nn.Module]) -> None:
    options = {} if kind is UNetEncoder else dict(bottleneck='double_conv', bottleneck_channels=8)
    channels = [4, 4, 4, 8] if kind is UNetEncoder else [4] * 4
    torch.manual_seed(0)
    encoder = kind(channels=channels, bottleneck_dropout=0.25, **options).train()
    drops = [layer.p for layer in encoder.modules() if isinstance(layer, torch.nn.Dropout)]
    assert drops == [0.25]
    image = torch.randn(2, 3, 64, 64)
    (*finer, first), (*again, second) = encoder(image), encoder(image)
    assert all(torch.equal(a, b) for a, b in zip(finer, again, strict=True))
    assert not torch.equal(first, second)
    plain = kind(channels=channels, **options)
    assert not [layer for layer in plain.modules() if isinstance(layer, torch.nn.Dropout)]


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(UserError, match=r"bottleneck_dropout=0\.1 needs bottleneck='double_conv'"):
        ResNetEncoder(bottleneck_dropout=0.1)
    with pytest.raises(UserError, match=r'widened names the level 4; .* levels 0 to 3'):
        ThinUNetHead([64, 128, 256, 512], widened={4: 512})
    with pytest.raises(UserError, match="bottleneck='x'"):
        ResNetEncoder(bottleneck='x')
    with pytest.raises(UserError, match='need 2 decoder widths'):
        UNetHead([4, 8, 16], channels=[8])
    with pytest.raises(UserError, match="'originale' is not allowed"):
        build('configs/unet_pet.py', 'resolution=originale')


@pytest.mark.parametrize(
    ('encoder', 'parts'),
    [
        (dict(type='ResNetEncoder', width=0.0625), ['conv1|bn1', 'layer1', 'layer2', 'layer3']),
        (dict(type='UNetEncoder', channels=[2, 4, 4], norm_cfg=dict(type='BN')), ['levels.0']),
    ],
)
def test_frozen_stages_do_not_learn(encoder: dict, parts: list[str]) -> None:
    for last in range(-1, len(parts)):
        torch.manual_seed(0)
        model = MODELS.build(encoder | dict(frozen_stages=last)).train()
        frozen = '|'.join(parts[: last + 1]) or 'none'
        before = {name: value.clone() for name, value in model.state_dict().items()}
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0, weight_decay=0.1)
        sum(feature.sum() for feature in model(torch.randn(2, 3, 64, 64))).backward()
        optimizer.step()
        for name, value in model.state_dict().items():
            same = torch.equal(value, before[name])
            assert same or not re.match(f'({frozen})\\b', name), (last, name)
            if name.endswith('weight') and value.ndim == 4 and not re.match(frozen, name):
                assert not same, (last, name)
    for wrong in (-2, 9):
        with pytest.raises(UserError, match=r'frozen_stages=.* use -1 for none, or the last'):
            MODELS.build(encoder | dict(frozen_stages=wrong))
