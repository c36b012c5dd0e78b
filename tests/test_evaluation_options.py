"""What a test of a network measures beside its scores, and a threshold that is tuned."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from custom_modules.base.errors import UserError
from custom_modules.commands.test import test as run_test
from custom_modules.config import load_config
from custom_modules.datasets import OxfordPetDataset
from custom_modules.runs.tuned_threshold import find_threshold
from tests.conftest import tiny_options as options
from tests.test_boundary import plain_boundary

CONFIG = 'configs/sample/unet_sample.py'


def test_all_metrics_from_the_saved_masks(sample: Path, checkpoint: Path, tmp_path: Path) -> None:
    config = load_config(CONFIG, options(sample))
    result = run_test(config, str(checkpoint), str(tmp_path))
    assert json.loads((tmp_path / 'metrics.json').read_text()) == result
    dataset = OxfordPetDataset(str(sample), split='test', pipeline=[], indices=6)
    masks, trimaps, infos = [], [], [dataset.get_data_info(i) for i in range(6)]
    for info in infos:
        name = f'{info["sample_id"]}.png'
        masks.append(cv2.imread(str(tmp_path / 'masks' / name), cv2.IMREAD_UNCHANGED) > 0)
        trimap = cv2.imread(info['seg_map_path'], cv2.IMREAD_UNCHANGED)
        trimaps.append(cv2.resize(trimap, (32, 32), interpolation=cv2.INTER_NEAREST_EXACT))
    assert 0.05 < np.mean(masks) < 0.95

    def scores(way: str) -> list[float]:
        values = []
        for mask, trimap in zip(masks, trimaps, strict=True):
            truth = (trimap == 1) | ((trimap == 3) & (way == 'foreground'))
            counted = (trimap != 3) | (way != 'ignore')
            size = (mask & counted).sum() + truth.sum()
            values.append(2 * (mask & truth & counted).sum() / size if size else 1.0)
        return values

    for way in ('foreground', 'background', 'ignore'):
        assert result['borders'][way]['Dice'] == pytest.approx(np.mean(scores(way)), abs=1e-6)
    assert result['Dice'] == result['borders']['foreground']['Dice']
    # 2 % and 1 % of the diagonal of 32x32 are less than a pixel: one it is.
    pairs = [
        plain_boundary(mask, trimap != 2, 1, 1) for mask, trimap in zip(masks, trimaps, strict=True)
    ]
    band, surface = np.mean(pairs, axis=0)
    assert result['IoU_boundary'] == pytest.approx(band, abs=1e-6)
    assert result['Dice_surface'] == pytest.approx(surface, abs=1e-6)
    dice = scores('foreground')
    for species in ('cat', 'dog'):
        own = [d for d, info in zip(dice, infos, strict=True) if info['species'] == species]
        found = result['breakdowns']['species'][species]
        assert (found['Dice'], found['num_images']) == (pytest.approx(np.mean(own)), len(own))
    low, high = result['intervals']['Dice']
    assert min(dice) <= low < result['Dice'] < high <= max(dice)
    assert result['validation']['split'] == 'val'
    assert result['validation']['num_images'] == 6
    assert (tmp_path / 'config.py').is_file()

    # Left out what costs: the same metrics, none of the others.
    quick = run_test(config, str(checkpoint), str(tmp_path / 'quick'), quick=True)
    for name in ('Dice', 'Dice_global', 'IoU', 'precision', 'loss', 'size_limits'):
        assert quick[name] == result[name], name
    assert quick['intervals']['Dice'] == result['intervals']['Dice']
    assert not {'boundary', 'borders', 'calibration', 'validation', 'IoU_boundary'} & set(quick)


def test_a_threshold_is_tuned_on_validation_and_found_again(
    sample: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    config = load_config(CONFIG, options(sample))
    copy = tmp_path / 'best.pth'
    copy.write_bytes(checkpoint.read_bytes())
    tuned = run_test(config, str(copy), tune=True)
    kept = json.loads((tmp_path / 'best.threshold.json').read_text())
    curve = tuned['validation']['curve']
    best = int(np.argmax(curve['Dice']))
    assert kept['Dice'] == max(curve['Dice']) == curve['Dice'][best]
    assert curve['Dice'][curve['thresholds'].index(kept['threshold'])] == kept['Dice']
    assert tuned['threshold'] == kept['threshold'] != 0.5
    assert tuned['threshold_source'] == 'best.threshold.json'
    assert 'tuned on the validation images' in capsys.readouterr().out

    later = run_test(config, str(copy), quick=True)
    assert (later['threshold'], later['Dice']) == (tuned['threshold'], tuned['Dice'])
    said = capsys.readouterr().out
    assert f'threshold {kept["threshold"]:g} of best.threshold.json, tuned on 6 images' in said
    own = run_test(config, str(copy), quick=True, use_tuned=False)
    assert (own['threshold'], own['threshold_source']) == (0.5, 'config')

    border = load_config(CONFIG, options(sample, 'border=background'))
    assert run_test(border, str(copy), quick=True)['threshold'] == 0.5
    assert 'not used: it was tuned with border = foreground' in capsys.readouterr().out
    both = run_test(config, str(copy), quick=True, tta=[1.0])
    assert both['tta'] == dict(mirrored=True, scales=[1.0])
    assert 'tuned with tta = None' in capsys.readouterr().out

    (tmp_path / 'best.threshold.json').write_text('{"threshold": 7}')
    with pytest.raises(UserError, match=r'holds no threshold .* test with --tune-threshold'):
        find_threshold(copy, {})


def test_without_validation_images(
    sample: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    config = load_config(CONFIG, options(sample, 'val_dataloader.dataset.data_root=/nowhere'))
    result = run_test(config, str(checkpoint), str(tmp_path))
    assert 'validation' not in result
    assert 'no threshold curve: the validation images cannot be used' in capsys.readouterr().out
    with pytest.raises(UserError, match='nowhere'):
        run_test(config, str(checkpoint), str(tmp_path), tune=True)
