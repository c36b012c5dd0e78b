"""The trimap's border beside the ground truth, so that one pass serves every border policy."""

from mmcv.transforms import BaseTransform
from mmengine.registry import DATASETS, TRANSFORMS

from ..oxford.dataset import BACKGROUND, BORDER, BORDER_POLICIES, PET, OxfordPetDataset
from ..size_changes import box_of_picture


@TRANSFORMS.register_module()
class CountBorder(BaseTransform):
    """``gt_seg_map`` with the border ignored -> ``gt_regions``; ``gt_seg_map`` as ``border`` says.

    ``gt_regions`` is (H, W) uint8: 0 background, 1 pet, 255 border.

    Args:
        border: meaning of the trimap's border in ``gt_seg_map``: 'foreground', 'background',
            'ignore' or 'only', see OxfordPetDataset.
    """

    def __init__(self, border: str) -> None:
        policy = BORDER_POLICIES[border]
        self.labels = {0: policy[BACKGROUND], 1: policy[PET], 255: policy[BORDER]}

    def transform(self, results: dict) -> dict:
        regions = results['gt_seg_map']
        results['gt_regions'] = regions
        mask = results['gt_seg_map'] = regions.copy()
        for region, label in self.labels.items():
            mask[regions == region] = label
        changes = results.get('size_changes', ())
        if any(kind == 'pad' for kind, *_ in changes) and mask.shape == results['img'].shape[:2]:
            rows, columns = box_of_picture(changes, results['ori_shape'])
            mask[rows.stop :] = mask[:, columns.stop :] = 255  # is no border, though it looks so
        return results


def with_regions(dataset: dict) -> dict | None:
    """Return the config of a data set with ``gt_regions`` in its samples and all else as it was.

    None if it has no border, if only the border counts, or if its pipeline packs samples in a way
    of its own.
    """
    border = dataset.get('border', 'foreground')
    kinds = [step.get('type') for step in dataset.get('pipeline') or ()]
    if (
        DATASETS.get(dataset['type']) is not OxfordPetDataset
        or border not in ('foreground', 'background', 'ignore')
        or 'PackBinarySegInputs' not in kinds
    ):
        return None
    at = kinds.index('PackBinarySegInputs')
    steps = list(dataset['pipeline'])
    steps.insert(at, dict(type='CountBorder', border=border))
    return dict(dataset) | dict(border='ignore', pipeline=steps)
