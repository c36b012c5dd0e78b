"""Cross-validation from the command to one published model, interrupted on the way."""

import csv
import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from custom_modules.api import load
from custom_modules.base.errors import UserError
from custom_modules.commands.cross_validation import FoldSweep, _compared, build_fold_sweep
from custom_modules.commands.publish_ensemble import publish_ensemble
from custom_modules.config import load_config
from custom_modules.datasets.image_io import read_image
from custom_modules.runs.per_image_csv import read_rows
from custom_modules.runs.scored_run import find_scored
from custom_modules.studies.out_of_fold import pooled, watching
from custom_modules.studies.running import DONE, Progress
from tests.conftest import ROOT, Command

CONFIG = """
_base_ = [
    '{root}/configs/_base_/models/unet.py',
    '{root}/configs/_base_/datasets/binary_masks.py',
    '{root}/configs/_base_/schedules/adam.py',
    '{root}/configs/_base_/default_runtime.py',
]
data_root = '{data}'
fractions = (0.7, 0.1, 0.2)
image_size = 32
batch_size = 2
max_epochs = 1
num_workers = 0
picture_interval = 0
model = dict(backbone=dict(channels=[4, 8]), decode_head=dict(channels=[4]))
"""


def draw(folder: Path, number: int) -> None:
    """Write photographs of a bright square before noise, of the size that the network sees."""
    random = np.random.default_rng(0)
    for kind in ('images', 'masks'):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for index in range(number):
        mask = np.zeros((32, 32), np.uint8)
        top, left = random.integers(0, 16, 2)
        mask[top : top + 14, left : left + 14] = 255
        image = random.integers(0, 90, (32, 32, 3), np.uint8) + mask[..., None] // 2
        cv2.imwrite(str(folder / 'images' / f'p{index:02}.png'), image)
        cv2.imwrite(str(folder / 'masks' / f'p{index:02}.png'), mask)


@pytest.fixture(scope='module')
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A config of own data: ten photographs, eight of them to train and validate."""
    folder = tmp_path_factory.mktemp('project')
    draw(folder / 'data', 10)
    (folder / 'mine.py').write_text(CONFIG.format(root=ROOT, data=folder / 'data'))
    return folder


def sweep_of(project: Path, folds: int = 2, **arguments: object) -> FoldSweep:
    return build_fold_sweep(
        [str(project / 'mine.py')],
        folds,
        work_dir=str(project / 'runs'),
        **arguments,  # type: ignore[arg-type]
    )


@pytest.fixture(scope='module')
def done(project: Path) -> Path:
    """A cross-validation in two folds, stopped after the first and gone on with."""
    sweep = sweep_of(project)
    assert sweep.run_only(0) == 0
    folder = sweep.validations[0].folder
    assert not (folder / 'out_of_fold').exists()
    first = {path: path.stat().st_mtime_ns for path in folder.glob('folds/0/*/*.pth')}
    assert len(first) >= 2
    progress = [Progress(sweep.experiments[0], DONE), Progress(sweep.experiments[1])]
    assert '1 of 2 folds done; the same command goes on' in sweep.summary(progress)
    assert sweep.run() == 0
    assert first == {path: path.stat().st_mtime_ns for path in folder.glob('folds/0/*/*.pth')}
    return folder


def test_every_image_is_judged_by_the_net_that_did_not_see_it(done: Path) -> None:
    with open(done / 'folds.csv', newline='') as file:
        division = {row['id']: row for row in csv.DictReader(file)}
    rows = {row['id']: row for row in read_rows(done / 'out_of_fold' / 'per_image.csv')}
    assert rows.keys() == division.keys() and len(rows) == 8
    metrics = json.loads((done / 'out_of_fold' / 'metrics.json').read_text())
    for name, row in rows.items():
        fold = row['groups']['fold']
        assert fold == division[name]['fold'] and division[name]['group'] == name
        run = done / 'folds' / fold / 'latest'
        own = {one['id']: one for one in read_rows(run / 'test' / 'per_image.csv')}
        assert own[name]['dice'] == row['dice']
        for kind in ('masks', 'probabilities'):
            picture = cv2.imread(str(done / 'out_of_fold' / kind / f'{name}.png'), 0)
            assert (picture == cv2.imread(str(run / 'test' / kind / f'{name}.png'), 0)).all()
        # That of the last epoch of the fold's training, on the file itself.
        model = load(run / 'config.py', run / 'last.pth')
        image = read_image(done.parents[3] / 'data' / 'images' / f'{name}.png')
        probability = model(np.ascontiguousarray(image[..., ::-1])).probability
        assert np.abs(255 * probability - picture).max() < 0.51
        assert row['tp'] + row['fp'] == (probability > 0.5).sum()
    assert metrics['Dice'] == pytest.approx(np.mean([row['dice'] for row in rows.values()]))
    assert (metrics['split'], metrics['folds'], metrics['num_images']) == ('out of 2 folds', 2, 8)
    low, high = metrics['intervals']['Dice']
    assert low <= metrics['Dice'] <= high
    assert set(metrics['breakdowns']['fold']) == {'0', '1'}
    curve = metrics['validation']['curve']
    assert curve['Dice'][49] == pytest.approx(metrics['Dice'], abs=1e-6)


def test_its_networks_are_one_model(done: Path, project: Path) -> None:
    """Its probability is the mean of the two, on an image of the size that it sees."""
    for package in ('onnx', 'onnxruntime', 'onnxscript', 'safetensors'):
        pytest.importorskip(package)
    config = load_config(done / 'config.py')
    folder = project / 'published'
    publish_ensemble(config, done, folder, images=2)
    runs = [done / 'folds' / fold / 'latest' for fold in '01']
    for path in sorted((project / 'data' / 'images').iterdir())[:3]:
        members = [load(run / 'config.py', run / 'last.pth')(path).probability for run in runs]
        found = load(folder)(path).probability
        assert np.abs(found - np.mean(members, axis=0)).max() < 1e-4
    card = (folder / 'README.md').read_text()
    assert 'The mean probability of 2 networks' in card
    assert '8 images of the split `out of 2 folds`' in card


def test_reports_and_comparisons_take_it(
    done: Path, run_tool_here: Command, tmp_path: Path
) -> None:
    said = run_tool_here('compare.py', f'a={done}', f'b={done / "out_of_fold"}').stdout
    assert 'better on 0 images, worse on 0, equal on 8' in said
    page = tmp_path / 'page.html'
    assert run_tool_here('report.py', done, '--out', page).returncode == 0
    text = page.read_text()
    assert 'Fold: Dice of each group' in text
    assert '--folds 2' in text
    assert text.count('src="data:image/jpeg;base64,') == 4 * 8  # each image once, in four pictures


def test_the_images_must_be_those_of_before(done: Path, project: Path) -> None:
    """Another number of folds is another cross-validation, beside the first."""
    three = sweep_of(project, 3)
    three.check()
    assert three.validations[0].folder != done
    draw(project / 'data', 11)
    try:
        with pytest.raises(UserError, match=r'its folds are of other images than there are now'):
            sweep_of(project).check()
    finally:
        for kind in ('images', 'masks'):
            (project / 'data' / kind / 'p10.png').unlink()
    sweep_of(project).check()


def test_points_of_a_grid_each_have_their_folds(project: Path) -> None:
    sweep = sweep_of(project, 4, grid=['learning_rate=1e-3,1e-4'], seeds='0,1')
    assert len(sweep.experiments) == 4 * 4 and len(sweep.validations) == 4
    assert sweep.experiments[0].folder.parts[-3:] == (
        'mine,learning_rate=1e-3,seed=0,folds=4',
        'folds',
        '0',
    )
    assert sweep.validations[0].division == sweep.validations[3].division
    assert 'to do' in sweep.describe()


def test_two_are_compared(done: Path) -> None:
    first, second = find_scored([f'a={done}', f'b={done}'])
    for row in second.rows.values():
        row |= dict(tp=row['tp'] + row['fn'], fn=0, tn=row['tn'] + row['fp'], fp=0, dice=1.0)
    line, needed = _compared(first, second)
    assert 'better, against a' in line and 'images are' in needed
    summary = (done / 'out_of_fold' / 'summary.txt').read_text()
    assert 'on 8 images, each by the network that did not train on it' in summary
    assert 'the 2 networks as one: python tools/publish.py' in summary


@pytest.mark.parametrize(
    ('more', 'message'),
    [
        (['--folds', '1'], '--folds 1: use 2 or more'),
        (['--folds', '5', '--search', 'learning_rate=1e-4,1e-3'], '--folds does not go with --sea'),
        (['--folds', '5', '--results', 'kept'], '--folds does not go with --results'),
    ],
)
def test_what_folds_do_not_go_with(
    more: list[str], message: str, project: Path, run_tool_here: Command
) -> None:
    done = run_tool_here('sweep.py', project / 'mine.py', *more)
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr


def test_images_that_steer_a_training_are_said() -> None:
    plain = load_config('configs/unet_pet.py').resolved
    assert watching(plain) == []
    r1 = load_config('configs/reports/r1_unet.py').resolved
    assert watching(r1) == ['ReduceOnPlateauLR']
    r2 = load_config('configs/reports/r2_unet.py').resolved
    assert 'EarlyStopping' in watching(r2)


def test_folds_are_pooled_by_hand() -> None:
    """Three images and one: means over images, losses by their numbers, one group in two folds."""

    def row(name: str, fold: int, tp: int, fn: int, **more: float) -> dict:
        groups = dict(fold=str(fold), group=name[0])
        counts = dict(tp=tp, fp=0, fn=fn, tn=10 - tp - fn)
        return dict(id=name, groups=groups, **counts, dice=2 * tp / (2 * tp + fn)) | more

    rows = [row('a1', 0, 4, 0, gap=1.0), row('a2', 0, 2, 2, gap=2.0), row('b', 0, 1, 3, gap=3.0)]
    rows += [row('c', 1, 4, 2, gap=math.nan)]
    own = dict(gap=dict(column='gap', better='less'), lost=dict(column='lost'), alone={})
    tests = [
        dict(num_images=number, loss=loss, gap=1.0, alone=1.0, own_metrics=own, split='val')
        | dict(validation=dict(num_images=number, curve=dict(thresholds=[0.4, 0.5], Dice=curve)))
        for number, loss, curve in ((3, 0.2, [0.5, 0.7]), (1, 0.6, [0.9, 0.2]))
    ]
    found = pooled(tests, rows)
    assert found['Dice'] == pytest.approx((1 + 2 / 3 + 0.4 + 0.8) / 4)
    assert found['recall'] == pytest.approx(11 / 18)
    assert found['loss'] == pytest.approx((3 * 0.2 + 0.6) / 4)
    assert found['gap'] == pytest.approx(2.0) and found['own_metrics'].keys() == {'gap'}
    assert (found['split'], found['num_images'], found['num_empty']) == ('out of 2 folds', 4, 0)
    assert 'over the 3 groups of images' in found['interval_method']
    assert set(found['breakdowns']) == {'fold', 'size'}
    curve = found['validation']
    assert curve['curve']['Dice'] == pytest.approx([0.6, 0.575])
    assert (curve['best_threshold'], curve['num_images']) == (0.4, 4)
