"""A small synthetic data set, in the layout of Oxford-IIIT Pet.

It lets every command run without a download and is hard enough that a network has to learn
something: pets of four breeds with fur, turned, scaled and cut by the frame, before clutter of the
same colours.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from ..base.picture_file import write_picture
from ..base.whole_file import whole_file
from .oxford.dataset import BACKGROUND, BORDER, PET

#: name, species (1 cat, 2 dog), fur. As in the official set, cats begin with a capital letter.
BREEDS = (
    ('Tabby', 1, 'stripes'),
    ('Calico', 1, 'patches'),
    ('pointer', 2, 'spots'),
    ('terrier', 2, 'wool'),
)
TRAINVAL, TEST, UNLISTED = 240, 80, 4
SEED = 20120616


def draw_sample(root: Path, report: Callable[[int, int], None] | None = None) -> None:
    """Write the synthetic data set below ``root``; the same files every time.

    Args:
        root: folder of the data set; its ``images`` and ``annotations`` are replaced.
        report: function that is called with the number of images drawn so far and the number of
            all; None for no report.
    """
    (root / 'sample.json').unlink(missing_ok=True)
    for folder in ('images', 'annotations'):
        shutil.rmtree(root / folder, ignore_errors=True)
    (root / 'images').mkdir(parents=True)
    (root / 'annotations' / 'trimaps').mkdir(parents=True)
    total = TRAINVAL + TEST + UNLISTED
    lines = []
    for number in range(total):
        breed, species, fur = BREEDS[number % len(BREEDS)]
        image, trimap = draw_pet(np.random.RandomState(SEED + number), species, fur)
        name = f'{breed}_{number // len(BREEDS) + 1}'
        write_picture(root / 'images' / f'{name}.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 95])
        write_picture(root / 'annotations' / 'trimaps' / f'{name}.png', trimap)
        lines.append(
            f'{name} {number % len(BREEDS) + 1} {species} {(number % len(BREEDS)) % 2 + 1}'
        )
        if report:
            report(number + 1, total)
    listed = {'trainval.txt': lines[:TRAINVAL], 'test.txt': lines[TRAINVAL : TRAINVAL + TEST]}
    header = ['#Image CLASS-ID SPECIES BREED ID', '#SPECIES: 1:Cat 2:Dog', '#drawn by PetSeg']
    _write_lines(root / 'annotations' / 'list.txt', header + lines[: TRAINVAL + TEST])
    for name, content in listed.items():
        _write_lines(root / 'annotations' / name, content)
    # Written last: its presence says that the sample is whole.
    lengths = {name: len(content) for name, content in listed.items()}
    with whole_file(root / 'sample.json') as file:
        file.write(json.dumps(dict(lengths=lengths)) + '\n')


def draw_pet(
    random: np.random.RandomState, species: int, fur: str
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one picture.

    Returns:
        The image (H, W, 3) uint8 BGR and its trimap (H, W) uint8, in which 1 is pet, 2 background
        and 3 border.
    """
    height, width = (int(side) for side in random.randint(96, 161, 2))
    mask = _silhouette(random, species, height, width)
    image = _scene(random, height, width)
    coat = _coat(random, fur, height, width)
    image = np.where(mask[..., None] > 0, coat, image)
    image = cv2.GaussianBlur(image.astype(np.float32), (0, 0), random.uniform(0.4, 0.9))
    image = image * random.uniform(0.75, 1.2) + random.normal(0, random.uniform(2, 8), image.shape)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    trimap = np.full(mask.shape, BACKGROUND, np.uint8)
    trimap[cv2.dilate(mask, kernel) > 0] = BORDER
    trimap[cv2.erode(mask, kernel, borderValue=1) > 0] = PET
    return np.clip(image, 0, 255).astype(np.uint8), trimap


def _silhouette(random: np.random.RandomState, species: int, height: int, width: int) -> np.ndarray:
    """Draw a pet on a canvas of 200x200, then turn, scale and shift it into the picture."""
    canvas = np.zeros((200, 200), np.uint8)
    body = (random.randint(38, 52), random.randint(24, 36))
    cv2.ellipse(canvas, (100, 115), tuple(map(int, body)), 0, 0, 360, 1, -1)
    head = (100 + int(body[0]), 85)
    if species == 1:
        cv2.circle(canvas, head, 24, 1, -1)
        for side in (-1, 1):
            ear = [(side * 22, -4), (side * 18, -36 - random.randint(8)), (side * 3, -20)]
            cv2.fillPoly(canvas, [np.array(ear, np.int32) + head], 1)
        tail = [(100 - body[0], 110), (60 - body[0], 90), (60 - body[0], 60), (75 - body[0], 50)]
        cv2.polylines(canvas, [np.array(tail, np.int32)], False, 1, 9)
    else:
        cv2.ellipse(canvas, head, (30, 21), 15, 0, 360, 1, -1)
        cv2.ellipse(canvas, (head[0] - 18, head[1] + 12), (9, 24), 20, 0, 360, 1, -1)
        tail = [(100 - body[0], 105), (75 - body[0], 80)]
        cv2.polylines(canvas, [np.array(tail, np.int32)], False, 1, 8)
    for leg in (-0.6, -0.3, 0.4, 0.7):
        x = int(100 + leg * body[0])
        cv2.rectangle(canvas, (x - 5, 115), (x + 5, 150 + random.randint(14)), 1, -1)
    if random.rand() < 0.5:
        canvas = canvas[:, ::-1].copy()
    scale = random.uniform(0.6, 1.1) * min(height, width) / 130
    turn = cv2.getRotationMatrix2D((100, 105), random.uniform(-35, 35), scale)
    turn[:, 2] += np.array([width, height]) * random.uniform(0.35, 0.65, 2) - (100, 105)
    return cv2.warpAffine(canvas, turn, (width, height), flags=cv2.INTER_NEAREST)


def _noise(random: np.random.RandomState, height: int, width: int, cell: float) -> np.ndarray:
    """Return smooth noise (height, width) in [-1, 1] with structures of about ``cell`` pixels."""
    size = (int(height / cell) + 2, int(width / cell) + 2)
    coarse = random.uniform(-1, 1, size).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def _fur_colour(random: np.random.RandomState) -> np.ndarray:
    """Return a BGR colour between grey, brown and orange."""
    light = random.uniform(60, 200)
    return np.array([light * random.uniform(0.4, 1), light * random.uniform(0.7, 1), light])


def _coat(random: np.random.RandomState, fur: str, height: int, width: int) -> np.ndarray:
    """Return a picture full of fur."""
    first, second = _fur_colour(random), _fur_colour(random) * random.uniform(0.35, 0.6)
    if fur == 'stripes':
        y, x = np.mgrid[:height, :width]
        angle = random.uniform(0, np.pi)
        wave = (x * np.cos(angle) + y * np.sin(angle)) * random.uniform(0.5, 0.9)
        share = np.sin(wave + 1.5 * _noise(random, height, width, 12)) > 0.2
    elif fur == 'spots':
        share = _noise(random, height, width, 4) > 0.45
    elif fur == 'patches':
        share = _noise(random, height, width, 14) > 0
    else:
        share = np.zeros((height, width), bool)
    coat = np.where(share[..., None], second, first)
    return coat + 38 * _noise(random, height, width, 1.7)[..., None]


def _scene(random: np.random.RandomState, height: int, width: int) -> np.ndarray:
    """Return a background with a gradient, large soft structures, and clutter without fur."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    angle = random.uniform(0, 2 * np.pi)
    slope = (x * np.cos(angle) + y * np.sin(angle))[..., None]
    scene = random.uniform(40, 210, 3) + slope * random.uniform(-90, 90, 3)
    scene = scene + 25 * _noise(random, height, width, 30)[..., None]
    scene = np.ascontiguousarray(scene, np.float32)
    for _ in range(random.randint(4, 10)):
        drawn = _fur_colour(random) if random.rand() < 0.3 else random.uniform(20, 235, 3)
        colour = drawn.tolist()
        centre = (random.randint(width), random.randint(height))
        size = (random.randint(5, width // 4), random.randint(5, height // 4))
        kind = random.randint(3)
        if kind == 0:
            cv2.ellipse(scene, centre, size, random.uniform(0, 180), 0, 360, colour, -1)
        elif kind == 1:
            box = (centre, size, random.uniform(0, 90))
            cv2.fillPoly(scene, [cv2.boxPoints(box).astype(np.int32)], colour)
        else:
            end = (random.randint(width), random.randint(height))
            cv2.line(scene, centre, end, colour, int(random.randint(1, 6)))
    return scene


def _write_lines(path: Path, lines: list[str]) -> None:
    with whole_file(path) as file:
        file.write('\n'.join(lines) + '\n')
