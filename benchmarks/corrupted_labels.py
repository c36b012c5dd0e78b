"""Labels of Oxford-IIIT Pet, a few of them made wrong in six ways, as a data set of their own."""

import json
from pathlib import Path

import cv2
import numpy as np

from custom_modules.datasets.image_io import read_mask
from custom_modules.datasets.oxford.dataset import BACKGROUND, PET, read_list_file

#: Kind of the corruption -> kind that an audit should call it.
CORRUPTIONS = {
    'inverted': 'inverted',
    'empty': 'empty',
    'shifted': 'shifted',
    'dilated': 'too large',
    'other': 'another object',
    'ragged': 'ragged outline',
}


def corrupt(
    kind: str, mask: np.ndarray, other: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Return a wrong label.

    Lengths are shares of the image's side, the root of its area: a shift is 8 to 15 % in any
    direction, a dilation 4 to 8 %, a ragged outline up to 5 to 8 % off, in waves of 6 %.

    Args:
        kind: one of ``CORRUPTIONS``.
        mask: right label, (H, W) uint8, 0 and 1.
        other: label of another image, of any size, whose object is to take the place.
        random: source of random numbers.
    """
    height, width = mask.shape
    side = (height * width) ** 0.5
    if kind == 'inverted':
        return 1 - mask
    if kind == 'empty':
        return np.zeros_like(mask)
    if kind == 'shifted':
        far, angle = random.uniform(0.08, 0.15) * side, random.uniform(0, 2 * np.pi)
        move = np.array([[1, 0, far * np.cos(angle)], [0, 1, far * np.sin(angle)]], np.float32)
        return cv2.warpAffine(mask, move, (width, height), flags=cv2.INTER_NEAREST)
    if kind == 'dilated':
        radius = round(random.uniform(0.04, 0.08) * side)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
        return cv2.dilate(mask, kernel)
    if kind == 'other':
        return cv2.resize(other, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    inside, outside = (
        cv2.distanceTransform(one, cv2.DIST_L2, cv2.DIST_MASK_5) for one in (mask, 1 - mask)
    )
    waves = random.uniform(-1, 1, [int(n / (0.06 * side)) + 2 for n in (height, width)])
    noise = cv2.resize(waves, (width, height), interpolation=cv2.INTER_CUBIC)
    reach = random.uniform(0.05, 0.08) * side
    return (inside - outside + reach * noise / abs(noise).max() > 0).astype(np.uint8)


def write_corrupted(source: Path, folder: Path, share: float, seed: int) -> dict[str, str]:
    """Write a data set with links to the files of another one, and wrong labels among trainval.

    Args:
        source: folder of Oxford-IIIT Pet, prepared.
        folder: folder to make; where it is whole already, it is read.
        share: share of the labels of trainval that are made wrong, an equal number of each kind.
        seed: seed of the choice and of the corruptions.

    Returns:
        Id of an image with a wrong label -> kind of its corruption.
    """
    done = folder / 'corrupted.json'
    if done.is_file():
        found: dict[str, str] = json.loads(done.read_text(encoding='utf-8'))
        return found
    trimaps = source / 'annotations' / 'trimaps'
    made = folder / 'annotations' / 'trimaps'
    made.mkdir(parents=True)
    (folder / 'images').symlink_to(source / 'images')
    for name in ('trainval.txt', 'test.txt'):
        (folder / 'annotations' / name).symlink_to(source / 'annotations' / name)
    for path in trimaps.glob('[!.]*.png'):
        (made / path.name).symlink_to(path)
    ids = [entry.sample_id for entry in read_list_file(source / 'annotations' / 'trainval.txt')]
    random = np.random.default_rng(seed)
    chosen = [ids[i] for i in random.permutation(len(ids))[: round(share * len(ids))]]
    kinds: dict[str, str] = {}
    for number, name in enumerate(chosen):
        kinds[name] = [*CORRUPTIONS][number % len(CORRUPTIONS)]
        partner = next(one for one in random.permutation(ids) if one != name)
        mask, other = (_foreground(trimaps / f'{one}.png') for one in (name, partner))
        wrong = corrupt(kinds[name], mask, other, random)
        (made / f'{name}.png').unlink()
        cv2.imwrite(str(made / f'{name}.png'), np.where(wrong == 1, PET, BACKGROUND))
    done.write_text(json.dumps(kinds, indent=1) + '\n', encoding='utf-8')
    return kinds


def _foreground(path: Path) -> np.ndarray:
    """Return the pet with its border, (H, W) uint8, 0 and 1."""
    return (read_mask(path) != BACKGROUND).astype(np.uint8)
