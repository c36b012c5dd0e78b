"""BatchNorm in the convolutions: the same logits for every system of the reports."""

import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

from custom_modules.config import load_config
from custom_modules.models.folding import fold_batch_norm
from tests.test_reports import PARAMETERS


@pytest.mark.parametrize('system', PARAMETERS)
def test_every_system(system: str) -> None:
    torch.manual_seed(0)
    model = MODELS.build(
        load_config(f'configs/reports/{system}.py', ['width=0.0625']).resolved.model
    ).eval()
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:  # such as a training leaves them
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.normal_(norm.bias)
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    side = 2 * model.decode_head.size_divisor
    images = torch.randn(2, 3, side, side)
    with torch.no_grad():
        expected = model(images)
        fold_batch_norm(model)
        assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
        torch.testing.assert_close(model(images), expected, rtol=1e-4, atol=1e-4)
    assert bool(norms) == (system not in ('r1_unet', 'r2_unet'))


def test_a_norm_that_follows_no_convolution_stays() -> None:
    """It is what stands right before it that counts."""
    net = nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU(), nn.BatchNorm2d(2)).eval()
    net[2].running_mean.fill_(3.0)
    image = torch.randn(1, 2, 4, 4)
    expected = net(image)
    fold_batch_norm(net)
    assert isinstance(net[2], nn.BatchNorm2d)
    assert torch.equal(net(image), expected)
