"""The judge of the audit: what it makes wrong, and how it counts what is found."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.corrupted_labels import CORRUPTIONS, corrupt, write_corrupted
from benchmarks.label_audit import area_under_curve, corrupted_result, judge_of, overlap, softmin
from custom_modules.audit.faults import KINDS
from custom_modules.base.errors import UserError
from custom_modules.datasets import OxfordPetDataset
from docs.generate.audit_table import audit_tables
from tests.audited_run import disc

SIDE = 100
MASK, OTHER = disc(40, 50, 20, SIDE), disc(10, 10, 5, 20)


def made(kind: str, seed: int = 0) -> np.ndarray:
    return corrupt(kind, MASK, OTHER, np.random.default_rng(seed))


def test_labels_are_made_wrong_as_said() -> None:
    assert set(CORRUPTIONS.values()) <= set(KINDS)
    assert (made('inverted') == 1 - MASK).all() and not made('empty').any()
    right, down = (np.mean(np.nonzero(made('shifted')), 1) - np.mean(np.nonzero(MASK), 1))[::-1]
    assert 7.5 < np.hypot(right, down) < 15.5
    grown = made('dilated')
    assert (grown >= MASK).all() and 24 <= (grown.sum() / np.pi) ** 0.5 <= 29
    assert made('other').sum() == pytest.approx(25 * OTHER.sum(), rel=0.01)
    ragged = made('ragged')
    changed = np.abs(cv2.distanceTransform(MASK | (1 - ragged), cv2.DIST_L2, 5)).max()
    assert 0 < (ragged != MASK).mean() < 0.15 and changed > 0
    for kind in CORRUPTIONS:
        assert (made(kind) == made(kind)).all()
    assert (made('shifted', 1) != made('shifted')).any()


def test_a_data_set_with_wrong_labels(sample: Path, tmp_path: Path) -> None:
    kinds = write_corrupted(sample, tmp_path / 'data', 0.1, seed=0)
    before, after = (
        OxfordPetDataset(str(root), 'trainval', pipeline=[]) for root in (sample, tmp_path / 'data')
    )
    assert len(kinds) == round(0.1 * len(before)) and len(after) == len(before)
    assert set(kinds.values()) == set(CORRUPTIONS)
    for index in range(len(before)):
        entry = after.get_data_info(index)
        path = Path(entry['seg_map_path'])
        assert path.is_symlink() == (entry['sample_id'] not in kinds)
        if kinds.get(entry['sample_id']) == 'empty':
            assert set(np.unique(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))) == {2}
    assert write_corrupted(sample, tmp_path / 'data', 0.5, seed=1) == kinds  # it is there already
    assert write_corrupted(sample, tmp_path / 'again', 0.1, seed=0) == kinds


def test_counts_by_hand() -> None:
    scores, wrong = np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, False, True, False])
    # Of the four pairs three are in order, and one is a tie.
    assert area_under_curve(scores, wrong) == pytest.approx(3.5 / 4)
    kinds = np.array(['inverted', *[''] * 18, 'empty'])
    found = judge_of(np.array([9.0, *range(18), 0.5]), kinds)
    assert found['precision'] == 0.0 and found['gross_first'] == 0.0  # one of twenty is first: 17
    assert found['kinds']['inverted']['auc'] == pytest.approx(9.5 / 18, abs=1e-4)  # type: ignore[index]


def test_scores_by_hand() -> None:
    label = np.array([[1, 0], [1, 255]], np.uint8)
    probability = np.array([[0.9, 0.2], [0.1, 0.0]], np.float32)
    confidence = np.array([0.9, 0.8, 0.1])
    weights = np.exp((1 - confidence) / 0.1)
    expected = 1 - (confidence * weights).sum() / weights.sum()
    assert softmin(probability, label) == pytest.approx(expected, rel=1e-5)
    assert overlap(probability, label) == pytest.approx(1 - 2 / 3)


def test_the_result_and_its_tables(tmp_path: Path) -> None:
    labels = np.stack([MASK] * 12 + [made(kind) for kind in CORRUPTIONS])
    names = np.array([f'p{n}' for n in range(len(labels))])
    wrong = {f'p{12 + n}': kind for n, kind in enumerate(CORRUPTIONS)}
    probabilities = np.stack([np.where(MASK, 0.9, 0.1)] * len(labels))
    said = dict(names=names, labels=labels, probabilities=probabilities)
    result = corrupted_result(said, wrong)
    assert (result['labels'], result['wrong'], result['dice_of_the_nets']) == (18, 6, 1.0)
    assert result['scores']['audit']['auc'] == 1.0
    assert result['named']['inverted'] == dict(inverted=1)
    whole = dict(result, protocol='P', device='D', commit='C', published=[])
    (tmp_path / 'a.json').write_text(json.dumps(whole))
    text = audit_tables(tmp_path / 'a.json')
    assert (
        '| **all kinds** | **1.000** | **1.000** |' in text and '| inverted | inverted 1 |' in text
    )
    (tmp_path / 'a.json').write_text(json.dumps(whole | dict(scores={})))
    with pytest.raises(UserError, match=r"is of no audit, it lacks 'scores\.audit'"):
        audit_tables(tmp_path / 'a.json')
