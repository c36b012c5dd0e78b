"""The outline of the mask as a second task."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

import custom_modules.models  # noqa: F401
from custom_modules.base.errors import UserError


@pytest.mark.parametrize(
    'head',
    [
        dict(type='UNetHead', channels=[6]),
        dict(type='mmseg.FCNHead', in_index=-1, channels=4, align_corners=True),
    ],
)
def test_edges_are_a_second_task_that_changes_no_mask(head: dict) -> None:
    torch.manual_seed(2)
    config = dict(
        type='BinarySegmentor',
        backbone=dict(type='UNetEncoder', channels=[4, 8]),
        decode_head=head,
        losses=[dict(type='BinaryCrossEntropyLoss')],
    )
    task = dict(type='EdgeTask', losses=[dict(type='BinaryCrossEntropyLoss')], weight=0.5)
    model = MODELS.build(config | dict(edge_task=task)).eval()
    image = torch.randn(1, 3, 16, 16)
    target = torch.zeros(1, 16, 16, dtype=torch.uint8)
    target[:, 4:9, 3:12] = 1
    target[:, 12:, 14:] = 255
    terms = model(image, [SegDataSample(gt_sem_seg=PixelData(data=target))], mode='loss')
    assert set(terms) == {'loss_bce', 'edge_loss_bce', 'dice'}
    seen = []
    last = model.decode_head.logits if head['type'] == 'UNetHead' else model.decode_head.conv_seg
    with last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
        expected = model(image)
    align = head.get('align_corners', False)
    logits = model.edge_task.logits(seen[0])
    logits = F.interpolate(logits, (16, 16), mode='bilinear', align_corners=align)
    # Pixel by pixel: an edge has both values in the square around it.
    losses = []
    for row, column in np.ndindex(16, 16):
        around = target[0, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        edge = bool((around == 0).any() and (around == 1).any())
        if target[0, row, column] != 255 and (edge or not (around == 255).any()):
            z = logits[0, 0, row, column]
            losses.append(F.softplus(-z if edge else z))
    torch.testing.assert_close(terms['edge_loss_bce'], 0.5 * torch.stack(losses).mean())
    sum(terms.values()).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []
    alone = MODELS.build(config)
    alone.load_state_dict(model.state_dict(), strict=False)
    assert torch.equal(alone.eval()(image), expected)


def test_edges_need_a_head_that_shows_its_last_convolution() -> None:
    task = dict(type='EdgeTask', losses=[])
    with pytest.raises(UserError, match='edge_task: a model without decode_head does not show'):
        MODELS.build(
            dict(
                type='BinarySegmentor',
                backbone=dict(type='UNetEncoder', channels=[4, 8]),
                decode_head=None,
                losses=[],
                edge_task=task,
            )
        )
