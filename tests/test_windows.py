"""Scores by windows are those of whole pictures, at each picture's own size."""

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.registry import MODELS
from mmseg.structures import SegDataSample

from custom_modules.evaluation.metrics import DiceMetric, LossMetric
from custom_modules.models import BinarySegmentor
from custom_modules.models.windows import Windows, merge
from custom_modules.prediction.network import TorchNetwork
from custom_modules.prediction.predictor import Predictor

PACK = dict(type='PackBinarySegInputs')
SIDE = 16


def segmentor(reach: int, **settings: Any) -> BinarySegmentor:
    """Return a network without strides in which a pixel sees ``reach`` pixels around it."""
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='BinarySegmentor',
            backbone=dict(type='UNetEncoder', channels=[4, 4], norm_cfg=dict(type='BN')),
            decode_head=dict(type='UNetHead', channels=[4], norm_cfg=dict(type='BN')),
            losses=[dict(type='BinaryCrossEntropyLoss'), dict(type='BinaryDiceLoss')],
            data_preprocessor=dict(type='BinarySegPreprocessor', mean=[127] * 3, std=[64] * 3),
            resolution='original',
        )
        | settings
    ).eval()
    model.decode_head.size_divisor = 1
    width = 2 * reach + 1
    convolution = torch.nn.Conv2d(3, 1, width, padding=reach)
    convolution.weight.data = torch.randn_like(convolution.weight) * 3 / width
    norm = torch.nn.BatchNorm2d(1).eval()
    norm.running_mean += 0.3
    norm.running_var *= 2
    model.network = lambda inputs: norm(convolution(inputs))
    return model


def picture(height: int, width: int) -> dict:
    rng = np.random.default_rng(height)
    image = cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3), np.uint8), (0, 0), 2)
    mask = (image[..., 1] > 127).astype(np.uint8)
    mask[:3, :5] = 255
    shape = (height, width)
    return dict(
        img=image, gt_seg_map=mask, seg_fields=['gt_seg_map'], img_shape=shape, ori_shape=shape
    ) | dict(sample_id=str(height), size_changes=[])


def scored(model: BinarySegmentor, height: int, width: int, *steps: dict) -> SegDataSample:
    packed = Compose([*steps, PACK])(picture(height, width))
    batch = dict(inputs=packed['inputs'][None], data_samples=[packed['data_samples']])
    with torch.inference_mode():
        return model.test_step(batch)[0]


def sliding(overlap: float, batch_size: int = 3) -> dict:
    return dict(type='SlidingWindow', size=SIDE, overlap=overlap, batch_size=batch_size)


def metrics(sample: SegDataSample) -> dict[str, float]:
    found: dict[str, float] = {}
    for metric in (DiceMetric(), LossMetric()):
        metric.process({}, [sample.to_dict()])
        found |= metric.compute_metrics(metric.results)
    return found


def test_where_no_window_is_cut_metrics_are_those_of_the_whole_picture() -> None:
    """A network of single pixels, whose windows overlap by a quarter, in three pictures."""
    model = segmentor(reach=0)
    for size in ((40, 64), (SIDE, SIDE), (7, 50)):
        whole, windows = scored(model, *size), scored(model, *size, sliding(0.25))
        assert windows.pred_sem_seg.data.shape == (1, *size)
        assert torch.equal(whole.pred_sem_seg.data, windows.pred_sem_seg.data)
        assert metrics(windows) == pytest.approx(metrics(whole), abs=1e-6)
        assert 0.05 < whole.pred_sem_seg.data.float().mean() < 0.95


def test_only_what_a_pixel_sees_beyond_a_window_makes_a_difference() -> None:
    """Two windows of 16 columns over 28 share 4; a pixel sees 3 to each side."""
    model = segmentor(reach=3)
    size = (SIDE, 28)
    whole, windows = scored(model, *size), scored(model, *size, sliding(0.25))
    difference = (whole.seg_logits.data - windows.seg_logits.data)[0].abs().amax(0)
    # The windows end at columns 16 and 12: 3 columns before the one and after the other see less.
    cut = torch.zeros(28, dtype=torch.bool)
    cut[12:16] = True  # columns of both windows, of which one is cut within 3 pixels
    assert (difference[~cut] < 1e-5).all()
    assert (difference[cut] > 1e-3).all()
    assert metrics(windows)['Dice'] == pytest.approx(metrics(whole)['Dice'], abs=0.03)


def test_weights_by_hand() -> None:
    """Two windows of 4 over 6 columns: 1 3 3 1 and 1 3 3 1, from column 0 and from column 2."""
    parts = [
        ((slice(0, 1), slice(0, 4)), torch.full((1, 1, 4), 2.0)),
        ((slice(0, 1), slice(2, 6)), torch.full((1, 1, 4), 6.0)),
    ]
    merged = merge(iter(parts), (1, 6))
    assert torch.allclose(
        merged, torch.tensor([[[2.0, 2, (3 * 2 + 6) / 4, (2 + 3 * 6) / 4, 6, 6]]])
    )
    parts[0][1][:] = -torch.inf
    parts[1][1][:] = torch.inf
    assert not merge(iter(parts), (1, 6)).isnan().any()


def test_windows_come_some_at_a_time_and_all_of_one_size() -> None:
    seen: list[tuple[int, ...]] = []

    def network(pictures: list[torch.Tensor]) -> torch.Tensor:
        seen.append((len(pictures), *pictures[0].shape))
        return torch.stack(pictures)[:, :1].float()

    for size, batches in (((40, 30), [(4, 3, 16, 16), (2, 3, 16, 16)]), ((5, 9), [(1, 3, 16, 16)])):
        image = torch.randint(0, 255, (3, *size), dtype=torch.uint8)
        logits = Windows(16, 0.0, batch_size=4).logits(network, image)
        assert torch.allclose(logits, image[:1].float(), atol=1e-4)
        assert seen == batches
        seen.clear()


@pytest.mark.parametrize(
    'settings',
    [
        dict(data_preprocessor=dict(type='BinarySegPreprocessor', per_image=True)),
        dict(
            losses=[dict(type='TwoChannelCrossEntropyLoss')],
            decode_head=dict(type='UNetHead', channels=[4], out_channels=2),
        ),
    ],
    ids=['normalised by window', 'two channels'],
)
def test_a_window_is_an_image_of_its_own(settings: dict) -> None:
    model = segmentor(0, **settings)
    channels = model.decode_head.out_channels
    model.network = lambda inputs: inputs[:, :channels]
    found = scored(model, 40, 30, sliding(0.0))
    alone = model.data_preprocessor(
        dict(inputs=[torch.from_numpy(picture(40, 30)['img'][:16, :16].transpose(2, 0, 1))])
    )['inputs'][0]
    expected = alone[:1] if channels == 1 else alone[1:2] - alone[:1]
    assert torch.allclose(found.seg_logits.data[:, :12, :14], expected[:, :12, :14], atol=1e-5)


@pytest.mark.parametrize('size', [(40, 64), (7, 50), (5, 6)])
def test_a_prediction_sees_what_a_test_sees(size: tuple[int, int]) -> None:
    model = segmentor(reach=2)
    tested = scored(model, *size, sliding(0.5))
    network = TorchNetwork(model)
    network.model.forward = lambda inputs: model.network(inputs)  # type: ignore[method-assign]
    image = picture(*size)['img'][..., ::-1]
    predictor = Predictor(network, [sliding(0.5), PACK])
    assert np.array_equal(predictor(image).mask, tested.pred_sem_seg.data[0].numpy())
    assert predictor.seen == 'windows of 16x16'
    larger = Predictor(network, [sliding(0.5), PACK], window=48, overlap=0.0, batch_size=2)
    assert larger.seen == 'windows of 48x48'
    other = scored(model, *size, dict(type='SlidingWindow', size=48, overlap=0.0))
    assert np.array_equal(larger(image).mask, other.pred_sem_seg.data[0].numpy())
