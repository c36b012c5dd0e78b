"""From an image to a mask: the preprocessor, the logits' size, the threshold."""

import pytest
import torch
from mmengine.registry import MODELS

from custom_modules.base.errors import UserError
from custom_modules.config import load_config
from custom_modules.models.foreground_logits import upsample_logits
from tests.test_encoder_and_head import samples
from tests.test_models import build


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


def test_logits_are_upsampled_bilinearly_about_their_centres() -> None:
    upsampled = upsample_logits(torch.tensor([[[0.0, 4.0]]]), (2, 4))
    assert upsampled.tolist() == [[[0, 1, 3, 4], [0, 1, 3, 4]]]


@pytest.mark.parametrize(
    ('threshold', 'mask'), [(0.5, [0, 0, 1]), (0.4999, [0, 1, 1]), (0.999, [0, 0, 1])]
)
def test_a_pixel_is_foreground_above_the_threshold_and_not_at_it(
    threshold: float, mask: list[int]
) -> None:
    model = build('configs/sample/unet_sample.py', f'model.threshold={threshold}')
    model.network = lambda _: torch.tensor([-50.0, 0.0, 50.0]).view(1, 1, 1, 3).repeat(1, 1, 8, 8)
    target = torch.ones(1, 8, 24, dtype=torch.uint8)
    image = torch.zeros(1, 3, 8, 24)
    (result,) = model(image, samples(target), mode='predict')
    assert result.pred_sem_seg.data[0, 0, :3].tolist() == mask
    terms = model(image, samples(target), mode='loss')
    share = sum(mask) / 3
    assert terms['dice'].item() == pytest.approx(2 * share / (share + 1))


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
    preprocessor = MODELS.build(
        load_config('configs/unet_pet.py').resolved.model['data_preprocessor']
    )
    blue = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    blue[:, 0] = 255  # BGR
    out = preprocessor(dict(inputs=blue, data_samples=None))['inputs'][0, :, 0, 0]
    wanted = [(0 - 123.675) / 58.395, (0 - 116.28) / 57.12, (255 - 103.53) / 57.375]
    torch.testing.assert_close(out, torch.tensor(wanted))
    with pytest.raises(UserError, match='different sizes'):
        preprocessor(dict(inputs=[torch.zeros(3, 2, 2), torch.zeros(3, 2, 3)]))


def test_preprocessor_normalises_each_image_by_itself() -> None:
    preprocessor = MODELS.build(dict(type='BinarySegPreprocessor', per_image=True))
    dark = torch.tensor([0, 10, 20, 30, 40, 50], dtype=torch.uint8).repeat(2).view(3, 2, 2)
    uniform = torch.full((3, 2, 2), 7, dtype=torch.uint8)
    out = preprocessor(dict(inputs=torch.stack([dark, dark + 100, uniform])))['inputs']
    # mean 25 and variance (25^2 + 15^2 + 5^2) / 3 of all twelve values
    wanted = (dark.float()[[2, 1, 0]] - 25) / (875 / 3) ** 0.5
    torch.testing.assert_close(out[0], wanted)
    torch.testing.assert_close(out[1], wanted)
    assert not out[2].any()
