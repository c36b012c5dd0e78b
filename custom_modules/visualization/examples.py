"""The best, the median and the worst images of a test."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.dataset import BaseDataset

from ..datasets.channels import swap_red_and_blue, viewable
from ..datasets.image_io import read_mask
from ..models.picture_size import at_original_size, without_padding
from .contact_sheet import Example, fitted, save_contact_sheet

#: Name of the sheet in the folder of a test.
SHEET = 'examples.png'


def choose(scores: Sequence[float], each: int = 2) -> list[tuple[str, int]]:
    """Return (name, index) of the ``each`` worst, median and best scores, no index twice."""
    order = sorted(range(len(scores)), key=lambda i: scores[i])
    middle = max(0, (len(order) - each) // 2)
    groups = {
        'worst': order[:each],
        'median': order[middle : middle + each],
        'best': order[-each:][::-1],
    }
    chosen: dict[int, str] = {}
    for name, indices in groups.items():
        for index in indices:
            chosen.setdefault(index, name)
    return [(name, index) for index, name in chosen.items()]


def image_and_truth(dataset: BaseDataset, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Return image (H, W, 3) uint8 RGB and ground truth (H, W) at the resolution that is scored."""
    packed = dataset[index]
    sample = packed['data_samples']
    pixels = packed['inputs']
    if pixels.shape[1:] == sample.gt_sem_seg.data.shape[1:]:
        pixels = without_padding(pixels, sample)
    else:  # the truth is at the size of the file
        pixels = at_original_size(pixels.float(), sample).round().byte()
    truth = sample.gt_sem_seg.data[0].numpy()
    return viewable(swap_red_and_blue(pixels.numpy().transpose(1, 2, 0))), truth


def save_examples(
    dataset: BaseDataset, rows: Sequence[dict], masks: Path, path: Path, title: str
) -> None:
    """Write a contact sheet of a test.

    Images whose ground truth is empty are left out: their Dice is 0 or 1 and shows nothing.

    Args:
        dataset: data set of the test, in the order of ``rows``.
        rows: rows of ``per_image.csv``, one per image.
        masks: folder with the predicted ``<id>.png``.
        path: path of the PNG to write.
        title: title above the sheet.
    """
    examples = []
    shown = [i for i, row in enumerate(rows) if row['tp'] + row['fn']] or list(range(len(rows)))
    for name, position in choose([rows[i]['dice'] for i in shown]):
        index = shown[position]
        row = rows[index]
        image, truth = image_and_truth(dataset, index)
        prediction = read_mask(masks / f'{row["id"]}.png') // 255
        label = f'{name}\n{row["id"]}\nDice {row["dice"]:.3f}'
        examples.append(fitted(Example(label, image, truth, prediction)))
    save_contact_sheet(examples, path, title)
