"""A segmentor of encoder and head: the contract of all pairs, their widths, auxiliary heads."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS, DefaultScope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from custom_modules.base.errors import UserError
from custom_modules.models import UNetEncoder
from custom_modules.models.encoder_and_head import build_head

BN = dict(type='BN')

MMSEG_RESNET = dict(
    type='mmseg.ResNetV1c', depth=18, norm_cfg=dict(type='BN'), base_channels=8, stem_channels=8
)
SMALL_HEAD = dict(type='UNetHead', norm_cfg=BN)
PAIRS = {
    'unet': (
        dict(type='UNetEncoder', channels=[4, 8, 16], norm_cfg=BN),
        SMALL_HEAD | dict(channels=[8, 4]),
    ),
    'unet without norm': (
        dict(type='UNetEncoder', channels=[4, 8, 16], bottleneck_dropout=0.1),
        dict(type='UNetHead', channels=[8, 4]),
    ),
    'resnet34': (
        dict(type='ResNetEncoder', bottleneck_channels=64),
        SMALL_HEAD | dict(channels=[32, 16, 8, 8], extra_upsamples=2),
    ),
    'resnet34 without bottleneck': (
        dict(type='ResNetEncoder', bottleneck=None),
        SMALL_HEAD | dict(channels=[32, 16, 8], extra_upsamples=2),
    ),
    'decoder B': (
        dict(type='ResNetEncoder', bottleneck=None, bias=True, stem_feature=True),
        dict(
            type='UNetHead',
            channels=[32, 16, 8, 8],
            logit_upsamples=1,
        ),
    ),
    'decoder C': (
        dict(type='ResNetEncoder', bottleneck=None),
        dict(type='ThinUNetHead', widened={2: 64}, bridge_channels=32, channels=8, norm_cfg=BN),
    ),
    'decoder D': (
        dict(
            type='ResNetEncoder',
            bottleneck='double_conv',
            bottleneck_channels=64,
            bottleneck_dropout=0.1,
        ),
        SMALL_HEAD | dict(channels=[32, 16, 8, 8], extra_upsamples=2),
    ),
    'two output channels': (
        dict(type='UNetEncoder', channels=[4, 8, 16]),
        dict(type='UNetHead', channels=[8, 4], out_channels=2),
    ),
    'a backbone of mmsegmentation': (
        MMSEG_RESNET,
        SMALL_HEAD | dict(channels=[16, 8, 8], extra_upsamples=2),
    ),
    'a head of mmsegmentation': (
        dict(type='ResNetEncoder', width=0.125),
        dict(type='mmseg.FCNHead', channels=8, norm_cfg=BN, dropout_ratio=0),
    ),
    'a head of mmsegmentation with two channels': (
        MMSEG_RESNET,
        dict(type='mmseg.PSPHead', channels=8, num_classes=2, norm_cfg=BN, dropout_ratio=0),
    ),
    'a head of mmsegmentation on all features': (
        MMSEG_RESNET,
        dict(type='mmseg.UPerHead', channels=8, norm_cfg=BN, align_corners=True, dropout_ratio=0),
    ),
    'a transformer of mmsegmentation': (
        dict(
            type='mmseg.MixVisionTransformer',
            embed_dims=8,
            num_heads=[1, 2, 2, 2],
            num_layers=[1, 1, 1, 1],
            drop_path_rate=0,
        ),
        dict(type='mmseg.SegformerHead', channels=8, norm_cfg=BN, dropout_ratio=0),
    ),
    'a whole network': (dict(type='WholeNetwork'), None),
}


def samples(target: torch.Tensor) -> list[SegDataSample]:
    result = []
    for mask in target:
        sample = SegDataSample(metainfo=dict(sample_id='x', ori_shape=(50, 70)))
        sample.gt_sem_seg = PixelData(data=mask[None])
        result.append(sample)
    return result


@MODELS.register_module(force=True)
class WholeNetwork(torch.nn.Module):
    """Logits at half of the size, as torchvision's models give them."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 1, 3, stride=2, padding=1)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return dict(out=self.convolution(images))


class NarrowEncoder(torch.nn.Module):
    """An encoder that tells nothing of its features, and cannot be asked without an image."""

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        assert images.sum().item() >= 0
        return [images, images[..., ::2, ::2]]


@pytest.mark.parametrize(
    ('encoder', 'head', 'widths'),
    [
        (dict(), dict(), [4, 8]),
        (dict(width=2.0), dict(), [8, 16]),
        (dict(width=2.0), dict(width=2.0), [8, 16]),
        (dict(width=2.0), dict(width=2.0, in_channels=[4, 8]), [8, 16]),
        (dict(width=2.0), dict(in_channels=[8, 16]), [8, 16]),
    ],
)
def test_a_head_takes_the_widths_of_its_encoder(
    encoder: dict, head: dict, widths: list[int]
) -> None:
    built = build_head(
        dict(type='UNetHead', channels=[4]) | head, UNetEncoder(channels=[4, 8], **encoder)
    )
    narrow = 4 * int(head.get('width', 1))
    assert built.up_blocks[0].up.weight.shape[:2] == (widths[1], narrow)
    assert built.up_blocks[0].conv[0].weight.shape[:2] == (narrow, widths[0] + narrow)


def test_a_head_whose_widths_are_not_known_is_refused() -> None:
    encoder = UNetEncoder(channels=[4, 8])
    head = dict(type='UNetHead', channels=[4])
    with pytest.raises(UserError, match=r'features of \[4, 8\] .* told \[4, 4\]'):
        build_head(head | dict(in_channels=[4, 4]), encoder)
    with pytest.raises(UserError, match=r'NarrowEncoder and UNetHead: .* attribute out_channels'):
        build_head(head, NarrowEncoder())
    assert build_head(head | dict(in_channels=[3, 3]), NarrowEncoder()).size_divisor == 2


@pytest.mark.parametrize('pair', PAIRS)
def test_contract_of_every_encoder_and_head(pair: str) -> None:
    """Logits of the image's size, finite losses, a gradient for every parameter, valid masks."""
    torch.manual_seed(1)
    backbone, head = PAIRS[pair]
    DefaultScope.get_instance('contract', scope_name='mmengine')  # as a runner leaves it
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


def test_auxiliary_heads_are_trained_and_change_no_mask() -> None:
    torch.manual_seed(2)
    config = dict(
        type='BinarySegmentor',
        backbone=dict(type='UNetEncoder', channels=[4, 8, 16]),
        neck=dict(type='mmseg.FPN', in_channels=[4, 8, 16], out_channels=6, num_outs=3),
        decode_head=dict(type='UNetHead', in_channels=[6, 6, 6], channels=[6, 6]),
        losses=[dict(type='BinaryCrossEntropyLoss')],
    )
    heads = [dict(type='mmseg.FCNHead', channels=4, in_index=index) for index in (0, 2)]
    model = MODELS.build(config | dict(auxiliary_head=heads, auxiliary_weight=0.25))
    model.eval()
    image, target = torch.randn(2, 3, 16, 16), torch.randint(0, 2, (2, 16, 16)).byte()
    terms = model(image, samples(target), mode='loss')
    assert set(terms) == {'loss_bce', 'aux_0_loss_bce', 'aux_1_loss_bce', 'dice'}
    features = model.neck(model.backbone(image))
    for number, head in enumerate(model.auxiliary_head):
        logits = F.interpolate(head(features), (16, 16), mode='bilinear')
        expected = F.binary_cross_entropy_with_logits(logits[:, 0], target.float())
        torch.testing.assert_close(terms[f'aux_{number}_loss_bce'], 0.25 * expected)
    sum(terms.values()).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []
    alone = MODELS.build(config)
    alone.load_state_dict(model.state_dict(), strict=False)
    assert torch.equal(alone.eval()(image), model(image))


@pytest.mark.parametrize(
    ('head', 'message'),
    [
        (dict(type='mmseg.FCNHead', channels=4, num_classes=19), 'of 19 classes is none of a'),
        (dict(type='mmseg.OCRHead', channels=4, ocr_channels=2), 'needs prev_output beside'),
        (dict(type='mmseg.FCNHead', channels=4, threshold=0.3), 'write it as threshold of the'),
        (dict(type='mmseg.FCNHead'), "missing 1 required positional argument: 'channels'"),
        (dict(type='mmseg.FCNHead', channels=4, in_index=9), 'in_index=9'),
    ],
)
def test_heads_that_do_not_fit_a_mask_are_refused(head: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_head(head, UNetEncoder(channels=[4, 8]))


def test_a_network_without_logits_is_refused() -> None:
    model = MODELS.build(
        dict(
            type='BinarySegmentor',
            backbone=dict(type='UNetEncoder', channels=[4, 8]),
            decode_head=None,
            losses=[dict(type='BinaryCrossEntropyLoss')],
        )
    )
    with pytest.raises(UserError, match=r'UNetEncoder: gives a (list|tuple) and not logits'):
        model(torch.zeros(1, 3, 8, 8))
