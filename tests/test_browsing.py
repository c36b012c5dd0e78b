"""What is shown of the data is what the network sees, and the statistics are those of the files."""

import re
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from custom_modules.base.errors import UserError
from custom_modules.commands.browse_dataset import browse
from custom_modules.commands.train import train
from custom_modules.config import load_config
from custom_modules.datasets import BinaryMaskDataset
from custom_modules.datasets.image_io import read_image, read_orientation
from custom_modules.datasets.statistics import Survey, survey
from custom_modules.engine.seen_images import seen_by_network
from custom_modules.models import BinarySegmentor, CutMix, MixUp
from custom_modules.visualization.dataset_sheet import Sample, save_dataset_sheet
from tests.chromium import cut_without_a_sign, launched
from tests.conftest import TINY

CONFIG = 'configs/sample/unet_sample.py'
NARROW = [
    *TINY,
    'model.backbone.channels=[4,8]',
    'model.decode_head.in_channels=[4,8]',
    'model.decode_head.channels=[4]',
]


def test_a_survey_by_hand(tmp_path: Path) -> None:
    for folder in ('images', 'masks'):
        (tmp_path / folder).mkdir()
    for name, (height, width), foreground, ignored in (
        *(('a', (10, 20), 50, 0), ('b', (20, 20), 0, 0)),
        *(('c', (10, 30), 90, 120), ('d', (40, 10), 400, 0)),
    ):
        mask = np.zeros(height * width, np.uint8)
        mask[:foreground] = 1
        mask[foreground : foreground + ignored] = 255
        cv2.imwrite(str(tmp_path / 'masks' / f'{name}.png'), mask.reshape(height, width))
        cv2.imwrite(str(tmp_path / 'images' / f'{name}.png'), np.zeros((height, width, 3)))
    dataset = BinaryMaskDataset(str(tmp_path), 'all', ignore_value=255, n_aug=2, pipeline=[])
    data = survey(dataset, 'train')
    assert data.heights.tolist() == [10, 20, 10, 40]
    assert data.widths.tolist() == [20, 20, 30, 10]
    assert data.foreground.tolist() == [0.25, 0.0, 0.5, 1.0]  # c: 90 of 180 that count
    assert data.ignored.tolist() == [0.0, 0.0, 0.4, 0.0]
    first, second = data.lines()
    assert first == (
        'all: 4 images (12 with copies), 10 to 30 (median 20) wide, 10 to 40 (median 15) high'
    )
    # The shares in ascending order are 0, 1/4, 1/2, 1; the 5th percentile lies 0.15 steps up.
    assert second == (
        '    foreground 43.8% of the pixels, 10.0% ignored; of an image 37.5% (median), '
        '3.8% to 92.5% in nine of ten; 1 images without, 1 with nothing else'
    )


@pytest.mark.parametrize('orientation', [1, 6])
def test_the_size_in_the_header_is_that_of_the_image(tmp_path: Path, orientation: int) -> None:
    picture = Image.new('RGB', (30, 20))
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(tmp_path / 'a.jpg', exif=exif)
    assert read_orientation(tmp_path / 'a.jpg').size == read_image(tmp_path / 'a.jpg').shape[:2]


def test_what_is_shown_is_what_a_training_sees(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    targets: list[torch.Tensor] = []
    original = BinarySegmentor._loss_terms

    def network(self: BinarySegmentor, inputs: torch.Tensor) -> torch.Tensor:
        if self.training:
            preprocessor = self.data_preprocessor
            seen.append(inputs * preprocessor.std + preprocessor.mean)
        return self.decode_head(self.backbone(inputs))

    def loss_terms(self: BinarySegmentor, logits: torch.Tensor, target: torch.Tensor) -> dict:
        if self.training:
            targets.append(target)
        return original(self, logits, target)

    monkeypatch.setattr(BinarySegmentor, '_network', network)
    monkeypatch.setattr(BinarySegmentor, '_loss_terms', loss_terms)
    config = load_config(CONFIG, [*NARROW, f'data_root={sample}', 'border=ignore'])
    config.resolved.experiment_name = 'browsing'
    train(config, str(tmp_path))
    pixels, masks = torch.cat(seen).permute(0, 2, 3, 1), torch.cat(targets)
    shown = [*seen_by_network(config.resolved, epoch=1), *seen_by_network(config.resolved, epoch=2)]
    assert len(shown) == len(pixels) == 32
    for sample_shown, image, mask in zip(shown, pixels, masks, strict=True):
        assert np.abs(sample_shown.image - image.numpy()).max() < 1e-3
        assert np.array_equal(sample_shown.mask, mask.numpy())
    assert any((mask == 255).any() for mask in masks)


def test_mixing_is_shown_and_repeats(sample: Path) -> None:
    options = [*NARROW, f'data_root={sample}', 'preprocessor.per_image=True']
    config = load_config(CONFIG, options).resolved
    config.model['data_preprocessor']['batch_augments'] = [dict(type='CutMix', prob=1.0)]
    once, again = (list(seen_by_network(config)) for _ in range(2))
    assert all(item.name.endswith(', CutMix') for item in once)
    for one, other in zip(once, again, strict=True):
        assert np.array_equal(one.image, other.image) and np.array_equal(one.mask, other.mask)
    assert not any(item.name.endswith(', CutMix') for item in seen_by_network(config, 'val'))
    other_epoch = next(seen_by_network(config, epoch=2))
    assert not np.array_equal(once[0].image, other_epoch.image)


@pytest.mark.parametrize(('kind', 'share'), [('MixUp', 0.2), ('MixUp', 0.8), ('CutMix', 0.3)])
def test_a_mixed_picture_names_both_images_and_their_shares(
    sample: Path, kind: str, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MixUp, 'draw', lambda _, size: (share, torch.arange(size).flip(0)))
    monkeypatch.setattr(CutMix, 'draw', MixUp.draw)
    config = load_config(CONFIG, [*NARROW, f'data_root={sample}', 'batch_size=3']).resolved
    plain = list(islice(seen_by_network(config), 3))
    config.model['data_preprocessor']['batch_augments'] = [dict(type=kind, prob=1.0)]
    shown = list(islice(seen_by_network(config), 3))
    pixels = {item.name: item.image.astype(float) for item in plain}
    for item, own, partner in zip(shown, plain, reversed(plain), strict=True):
        if own is partner:  # the one in the middle is its own partner
            assert item.name == f'{own.name}, {kind}'
            continue
        found = re.findall(r'(\S+) (\d+)%', item.name.removesuffix(f', {kind}'))
        shares = {name: int(percent) / 100 for name, percent in found}
        assert list(shares) == sorted([own.name, partner.name], key=lambda name: -shares[name])
        assert sum(shares.values()) == pytest.approx(1)
        if kind == 'MixUp':
            assert shares[own.name] == share
            mixture = sum(part * pixels[name] for name, part in shares.items())
            assert np.abs(item.image - mixture).max() <= 1
        else:  # pixels of the one or the other; where both are equal either may be meant
            kept = (item.image == pixels[own.name]).all(-1)
            taken = (item.image == pixels[partner.name]).all(-1)
            assert (kept | taken).all()
            assert (~taken).mean() - 0.005 <= shares[own.name] <= kept.mean() + 0.005


def test_what_mixes_without_telling_is_named(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MixUp, 'mixture', property(lambda _: None, lambda *_: None), raising=False)
    config = load_config(CONFIG, [*NARROW, f'data_root={sample}']).resolved
    config.model['data_preprocessor']['batch_augments'] = [dict(type='MixUp', prob=1.0)]
    assert re.fullmatch(r'\w+, MixUp', next(seen_by_network(config)).name)


def test_a_long_name_has_two_lines(tmp_path: Path) -> None:
    image, mask = np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20), np.uint8)
    one = np.ones(1)
    surveys = [Survey('train', one, one, one, one, 1)]
    heights = []
    for name in ('short', 'american_pit_bull_terrier_123 54% + staffordshire_bull_terrier_7 46%'):
        save_dataset_sheet([Sample(name, image, mask)], surveys, tmp_path / 'a.png', 'title')
        heights.append(cv2.imread(str(tmp_path / 'a.png')).shape[0])
    assert heights[1] - heights[0] == round(0.12 * 120)


def test_a_sample_by_hand() -> None:
    image = np.full((9, 9, 3), 200, np.uint8)
    mask = np.zeros((9, 9), np.uint8)
    mask[2:7, 2:7] = 1
    mask[8] = 255
    marked = Sample('a', image, mask).masked()
    assert marked[4, 4].tolist() == [200] * 3
    assert marked[0, 0].tolist() == [70] * 3  # dark
    assert marked[2, 4].tolist() == [240, 228, 66]  # the outline
    # 35 % of the dark 70 and 65 % of purple.
    assert marked[8, 0].tolist() == [round(24.5 + 0.65 * c) for c in (204, 121, 167)]


def test_sheet_and_page(sample: Path, tmp_path: Path) -> None:
    config = load_config(CONFIG, [*NARROW, f'data_root={sample}'])
    surveys = browse(config, tmp_path / 'made' / 'sheet.png', number=5)
    assert [(data.split, len(data.heights)) for data in surveys] == [
        *(('train', 16), ('val', 6), ('test', 6))
    ]
    # Eight pictures of 1.5 inches a row; two rows of samples below 3.2 inches of statistics.
    height, width = cv2.imread(str(tmp_path / 'made' / 'sheet.png')).shape[:2]
    assert (width, height) == (int(120 * 12.6), int(120 * (3.2 + 2 * 1.72)))
    pages = []
    for name in ('a.html', 'b.html'):
        browse(config, tmp_path / name, split='test', number=5)
        pages.append((tmp_path / name).read_text(encoding='utf-8'))
    assert pages[0] == pages[1]
    assert pages[0].count('<figure>') == 5
    # Everything is inside: no address is fetched.
    assert set(re.findall(r'(?:src|href)="([a-z]+:|#)', pages[0])) == {'data:', '#'}
    assert 'url(http' not in pages[0] and '<script' not in pages[0]
    assert re.findall(r'width="(\d+)" height="(\d+)"', pages[0])[-1] == ('64', '32')
    for wrong in (dict(number=0), dict(epoch=0)):
        with pytest.raises(UserError, match='use 1 or more'):
            browse(config, tmp_path / 'c.png', **wrong)
    with pytest.raises(UserError, match=r'c\.gif: the name must end in one of'):
        browse(config, tmp_path / 'c.gif', number=1)


def test_nothing_of_the_page_is_cut_without_a_sign(sample: Path, tmp_path: Path) -> None:
    config = load_config(CONFIG, [*NARROW, f'data_root={sample}'])
    browse(config, tmp_path / 'a.html', number=3)
    with launched() as browser:
        assert cut_without_a_sign(browser, tmp_path / 'a.html') == []
