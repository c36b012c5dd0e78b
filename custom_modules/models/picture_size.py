"""Masks and logits at the size that the network sees, and at the picture's own."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from ..base.errors import UserError
from ..datasets.size_changes import box_of_picture, leads_back, redo_size_changes, undo_size_changes
from .foreground_logits import upsample_logits


def as_input(
    mask: torch.Tensor, sample: SegDataSample, size: Sequence[int], outside: int = 255
) -> torch.Tensor:
    """Return a mask of a sample, (1, H, W), as the network's input of ``size`` lies.

    It is of that size already or of the file's. Each pixel is the one at its centre, as
    ``resize_mask`` does it; 'nearest' would shift it.

    Args:
        mask: ground truth or predicted mask of the sample, (1, H, W).
        sample: sample that the mask belongs to.
        size: height and width of the network's input.
        outside: value of what was padded around the picture; 255 is ignored by losses and metrics.

    Raises:
        UserError: the mask has neither the network's size nor that of the file.
    """
    size, found = torch.Size(size), mask.shape[-2:]
    if found == size:
        return mask
    if found != torch.Size(sample.get('ori_shape', ())[:2]):
        raise UserError(
            f'{sample.get("img_path", "an image")}: the network sees {size[1]}x{size[0]} pixels, '
            f'its mask has {found[1]}x{found[0]}: a step of the pipeline moves images and no '
            "masks (it has to change 'gt_seg_map' too)"
        )
    mask = redo_size_changes(mask, sample.get('size_changes', ()), outside)
    if mask.shape[-2:] != size:
        mask = F.interpolate(mask[None], size, mode='nearest-exact')[0]
    return mask


def without_padding(values: torch.Tensor, sample: SegDataSample) -> torch.Tensor:
    """Return what lies in the picture; masks of the sample that are padded are cut to it as well.

    Padding is neither right nor wrong, whatever it is filled with.

    Args:
        values: logits or pixels of the network's input, (C, h, w).
        sample: sample of that input; its masks may change.
    """
    changes, original = sample.get('size_changes', ()), tuple(sample.get('ori_shape', ())[:2])
    size = values.shape[-2:]
    if not any(kind == 'pad' for kind, *_ in changes) or not leads_back(changes, original, size):
        return values
    rows, columns = box_of_picture(changes, original)
    for name in ('gt_sem_seg', 'gt_regions'):
        if name in sample and sample.get(name).data.shape[-2:] == size:
            sample.set_data({name: PixelData(data=sample.get(name).data[..., rows, columns])})
    return values[..., rows, columns].contiguous()


def leave_truth_at_original_size(sample: SegDataSample) -> None:
    """Take off a ground truth what was padded; one that was resized cannot be scored there."""
    height, width = sample.ori_shape[:2]
    for name in ('gt_sem_seg', 'gt_regions'):
        truth = sample.get(name)
        if truth is None or truth.data.shape[-2:] == (height, width):
            continue
        if any(kind == 'resize' for kind, *_ in sample.get('size_changes', [('resize',)])):
            raise UserError(
                "resolution = 'original', but the pipeline resizes the masks: use "
                "ResizeForScoring, with resolution='original', in the place of Resize"
            )
        sample.set_data({name: PixelData(data=truth.data[..., :height, :width])})


def at_original_size(logits: torch.Tensor, sample: SegDataSample) -> torch.Tensor:
    """Return the logits of a sample, (1, h, w), at the size of its file, where the picture lies.

    Raises:
        UserError: the sample does not tell the size of its file, or a step of the pipeline is not
            known to lead back.
    """
    if 'ori_shape' not in sample:
        raise UserError(
            f'{sample.get("img_path", "an image")}: its pipeline does not say how large its file '
            "is (ori_shape); score with resolution = 'input'"
        )
    original = tuple(sample.ori_shape[:2])
    if 'size_changes' not in sample:  # packed by another library: taken as stretched
        return upsample_logits(logits, original)
    return undo_size_changes(logits, sample.size_changes, original)
