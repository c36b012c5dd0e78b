"""The weights that come with the project, on a photograph that they were not trained on."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np

import petseg
from custom_modules.config import load_config
from custom_modules.runs.checkpoint_io import load_checkpoint
from tests.conftest import ROOT

FOLDER = ROOT / 'pretrained' / 'pets'
PHOTOGRAPH = ROOT / 'docs' / 'images' / 'cat.jpg'
#: Egyptian_Mau_61 of the test split: the pet of its trimap, with its border.
TRUTH = Path(__file__).parent / 'photograph' / 'cat.png'


def test_the_mask_of_a_photograph_is_that_of_the_test() -> None:
    model = petseg.load('pretrained/pets', options=['precision=fp32'])
    mask = model(PHOTOGRAPH).mask
    truth = cv2.imread(str(TRUTH), cv2.IMREAD_UNCHANGED) > 0
    assert mask.shape == truth.shape
    tested = ROOT / 'results' / 'pretrained_pet_256_original' / 'per_image.csv'
    with tested.open(encoding='utf-8') as lines:
        row = next(row for row in csv.DictReader(lines) if row['id'] == 'Egyptian_Mau_61')
    found = {'tp': mask & truth, 'fp': mask & ~truth, 'fn': ~(mask > 0) & truth}
    for name, pixels in found.items():  # the test was in bf16, the weights are rounded
        assert abs(np.count_nonzero(pixels) - int(row[name])) <= 0.002 * mask.size, name
    dice = 2 * np.count_nonzero(mask & truth) / (mask.sum() + truth.sum())
    assert dice > 0.95


def test_what_the_folder_says_of_itself() -> None:
    weights = load_checkpoint(FOLDER)['state_dict']
    assert sum(weight.numel() for weight in weights.values()) < 10_000_000
    assert (FOLDER / 'model.safetensors').stat().st_size < 15e6
    recipe = load_config('configs/laptop/pretrained_pet_256.py').resolved
    published = load_config(FOLDER).resolved
    assert published.model.backbone == recipe.model.backbone
    card = (FOLDER / 'README.md').read_text(encoding='utf-8')
    for resolution, name in (('256', 'metrics'), ('256_original', 'metrics_original')):
        metrics = json.loads((FOLDER / f'{name}.json').read_text(encoding='utf-8'))
        own = ROOT / 'results' / f'pretrained_pet_{resolution}' / 'metrics.json'
        assert metrics == json.loads(own.read_text(encoding='utf-8'))
        assert f'{metrics["Dice"]:.4f}' in card and metrics['num_images'] == 3669
