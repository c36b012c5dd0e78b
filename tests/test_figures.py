"""The reports' figures: what is read, which images are chosen, and that a picture is written."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from custom_modules.base.errors import UserError
from custom_modules.config import load_config
from custom_modules.datasets import OxfordPetDataset
from custom_modules.runs.scalars import read_epochs
from custom_modules.runs.scored_run import write_results
from custom_modules.visualization.comparison_figure import (
    choose_by_quantile,
    choose_images,
    compare_masks,
    find_systems,
)
from custom_modules.visualization.curves import Run, find_runs, save_curves
from tests.conftest import Command

SIZE = 32
CONFIG = 'configs/sample/unet_sample.py'


def epoch(number: int, dice: float = 0.5, loss: float = 1.0) -> str:
    metrics = {'train/loss': loss, 'train/bce': loss, 'valid/loss': loss, 'valid/dice': dice}
    return json.dumps(metrics | dict(epoch=number, step=number))


def step(number: int) -> str:
    return json.dumps({'step/loss': 9.0, 'iter': number, 'step': number})


def make_run(folder: Path, *lines: str) -> Path:
    (folder / 'vis_data').mkdir(parents=True)
    (folder / 'vis_data' / 'scalars.json').write_text('\n'.join(lines))
    return folder


def dice_of(run: Path) -> dict[int, float]:
    return {number: row['valid/dice'] for number, row in read_epochs(run).items()}


def test_epochs_are_told_from_steps(tmp_path: Path) -> None:
    run = make_run(tmp_path / 'run', step(1), step(2), epoch(1, 0.4), step(3), epoch(2, 0.6), '')
    assert dice_of(run) == {1: 0.4, 2: 0.6}


def test_what_a_resumed_run_wrote_again_counts(tmp_path: Path) -> None:
    before = [epoch(1, 0.1), epoch(2, 0.2), epoch(3, 0.3), epoch(4, 0.4)]
    run = make_run(tmp_path / 'run', *before, epoch(2, 0.25), epoch(3, 0.35))
    assert dice_of(run) == {1: 0.1, 2: 0.25, 3: 0.35}


def test_torn_lines(tmp_path: Path) -> None:
    torn = epoch(2, 0.2)[:30]
    assert dice_of(make_run(tmp_path / 'last', epoch(1, 0.1), torn)) == {1: 0.1}
    # The run went on behind what it left.
    glued = make_run(tmp_path / 'glued', epoch(1, 0.1), torn + epoch(2, 0.3), epoch(3, 0.4))
    assert dice_of(glued) == {1: 0.1, 2: 0.3, 3: 0.4}
    damaged = make_run(tmp_path / 'damaged', epoch(1, 0.1), 'hello', epoch(2, 0.2))
    with pytest.raises(UserError, match=r"scalars\.json, line 2: 'hello' is not a record"):
        read_epochs(damaged)


def test_the_best_epoch_is_the_first_of_the_highest() -> None:
    rows = {n: {'valid/dice': d} for n, d in enumerate((0.5, 0.8, float('nan'), 0.8, 0.7), 1)}
    assert Run('a', rows).best_epoch() == 2
    assert Run('a', {1: {'train/loss': 1.0}}).best_epoch() is None


def test_runs_are_named_by_their_configs(tmp_path: Path) -> None:
    for name in ('unet/one', 'unet/two', 'resnet/one'):
        make_run(tmp_path / name, epoch(1))
    (tmp_path / 'unet' / 'latest').symlink_to('two')
    unet, resnet = tmp_path / 'unet', tmp_path / 'resnet' / 'one'

    def labels(*arguments: object) -> list[str]:
        return [run.label for run in find_runs([str(x) for x in arguments])]

    assert labels(unet, resnet) == ['unet', 'resnet']
    assert labels(unet / 'one', unet) == ['unet/one', 'unet/two']
    assert labels(f'With BatchNorm={unet}', unet / 'one') == ['With BatchNorm', 'unet']
    with pytest.raises(UserError, match="two runs are called 'a'; name them with LABEL=RUN"):
        labels(f'a={unet}', f'a={resnet}')
    with pytest.raises(UserError, match='8 runs: at most 7'):
        labels(*[unet] * 8)


def test_runs_without_curves(tmp_path: Path) -> None:
    make_run(tmp_path / 'config' / 'young', step(10))
    # LoggerHook's names, of a run made before.
    make_run(tmp_path / 'config' / 'old', '{"loss": 0.7, "epoch": 1, "iter": 10, "step": 10}')
    (tmp_path / 'config' / 'empty').mkdir()
    for name, message in (
        ('yung', r'yung: there is no such folder; did you mean young'),
        ('young', r'scalars\.json: has no whole epoch yet; wait for the first one'),
        ('old', 'has no whole epoch yet; .* made before ScalarsHook'),
        ('empty', r"has no vis_data/scalars\.json; give a run's folder"),
    ):
        with pytest.raises(UserError, match=message):
            find_runs([str(tmp_path / 'config' / name)])


def test_curves_are_a_picture(tmp_path: Path) -> None:
    make_run(tmp_path / 'unet' / 'run', *[epoch(n, 0.1 * n, 1 / n) for n in range(1, 6)])
    make_run(tmp_path / 'young' / 'run', epoch(1))
    path = tmp_path / 'made' / 'curves.png'
    save_curves(find_runs([str(tmp_path / 'unet/run'), str(tmp_path / 'young/run')]), path)
    # 9.6 inches of 120 dots; loss, Dice and one term are a row of three, with three lines below.
    height, width = cv2.imread(str(path)).shape[:2]
    assert (width, height) == (1152, int(120 * (3.0 + 3 * 0.21 + 0.15)))
    with pytest.raises(UserError, match=r'--out a\.gif: the name must end in one of \.png'):
        save_curves(find_runs([str(tmp_path / 'unet/run')]), Path('a.gif'))


def test_choice_by_quantiles_by_hand() -> None:
    scores = [0.9, 0.1, 0.5, 0.3, 0.7, 0.2, 0.8]  # ranked: 0.1 0.2 0.3 0.5 0.7 0.8 0.9
    for number, chosen in (
        (1, [0.5]),
        (2, [0.1, 0.9]),
        (3, [0.1, 0.5, 0.9]),
        (4, [0.1, 0.3, 0.7, 0.9]),
        (7, sorted(scores)),
    ):
        assert [scores[i] for i in choose_by_quantile(scores, number)] == chosen
    for number in (0, 8, -1):
        with pytest.raises(UserError, match=f'--number {number}: choose from 1 to 7 images'):
            choose_by_quantile(scores, number)


@pytest.mark.parametrize('total', [10, 367])
def test_every_choice_is_of_different_images(total: int) -> None:
    scores = list(np.random.default_rng(0).random(total))
    for number in range(1, total + 1):
        chosen = choose_by_quantile(scores, number)
        assert len(set(chosen)) == number
        assert [scores[i] for i in chosen] == sorted(scores[i] for i in chosen)


@pytest.fixture(scope='module')
def tests(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders ``left`` and ``all`` as a test writes them: masks of the left half, and of ones."""
    root = tmp_path_factory.mktemp('tests')
    dataset = OxfordPetDataset(str(sample), split='test', pipeline=[], indices=5)
    halves = np.zeros((SIZE, SIZE), np.uint8)
    halves[:, : SIZE // 2] = 1
    for name, mask in (('left', halves), ('all', np.ones_like(halves))):
        (root / name / 'masks').mkdir(parents=True)
        rows = []
        for i in range(5):
            info = dataset.get_data_info(i)
            trimap = cv2.imread(info['seg_map_path'], cv2.IMREAD_UNCHANGED)
            truth = cv2.resize(trimap, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST_EXACT) != 2
            tp, fp = int((truth & (mask == 1)).sum()), int((~truth & (mask == 1)).sum())
            fn = int(truth.sum()) - tp
            row = dict(id=info['sample_id'], groups=dict(species='cat'), tp=tp, fp=fp, fn=fn, tn=0)
            rows.append(row | dict(dice=2 * tp / (2 * tp + fp + fn)))
            cv2.imwrite(str(root / name / 'masks' / f'{info["sample_id"]}.png'), mask * 255)
        write_results(root / name, {}, rows)
    return root


def test_images_are_ranked_by_the_mean_of_the_systems(tests: Path) -> None:
    systems = find_systems([f'Left={tests / "left"}', f'All={tests / "all"}'])
    ids = list(systems[0].scores)
    for system, scores in zip(
        systems, ([0.9, 0.5, 0.1, 0.4, 0.0], [0.1, 0.9, 0.1, 0.2, 0.0]), strict=True
    ):
        for name, dice in zip(ids, scores, strict=True):
            empty = name == ids[4]
            system.scores[name] = type(system.scores[name])(0 if empty else 9, dice)
    # Means 0.5, 0.7, 0.1, 0.3; the last image has an empty ground truth.
    assert choose_images(systems, 4) == [ids[2], ids[3], ids[0], ids[1]]
    assert choose_images(systems, 2) == [ids[2], ids[1]]
    with pytest.raises(UserError, match='choose from 1 to 4'):
        choose_images(systems, 5)


def test_a_comparison_is_a_picture(tests: Path, sample: Path, tmp_path: Path) -> None:
    config = load_config(CONFIG, [f'data_root={sample}', f'image_size={SIZE}']).resolved
    systems = find_systems([f'Left={tests / "left"}', f'All={tests / "all"}'])
    path = tmp_path / 'figure.png'
    assert compare_masks(config, systems, path, number=3) == choose_images(systems, 3)
    # 1.6 inches a column and 1.8 a row, beside the margins, of 120 dots.
    height, width = cv2.imread(str(path)).shape[:2]
    assert (width, height) == (int(120 * (3 * 1.6 + 0.5)), int(120 * (4 * 1.8 + 0.7)))
    asked = list(systems[0].scores)[1::-1]
    assert compare_masks(config, systems, path, ids=asked) == asked
    with pytest.raises(UserError, match=rf'--ids {asked[0]}x: not among .*did you mean {asked[0]}'):
        compare_masks(config, systems, path, ids=[f'{asked[0]}x'])
    for option in ('image_size=64', 'border=background'):
        other = load_config(CONFIG, [f'data_root={sample}', f'image_size={SIZE}', option]).resolved
        with pytest.raises(UserError, match=r'scored on another ground truth.*--cfg-options'):
            compare_masks(other, systems, path, number=1)
    train = load_config(
        CONFIG, [f'data_root={sample}', 'test_dataloader.dataset.split=train']
    ).resolved
    with pytest.raises(UserError, match='is not in its test split; give the config'):
        compare_masks(train, systems, path, number=1)


def test_folders_that_cannot_be_compared(tests: Path, tmp_path: Path) -> None:
    left = tests / 'left'
    lines = (left / 'per_image.csv').read_text().splitlines(keepends=True)
    for name, text in (('other', lines[:-1]), ('foreign', ['a,b\n', '1,2\n']), ('none', lines[:1])):
        (tmp_path / name / 'masks').mkdir(parents=True)
        (tmp_path / name / 'per_image.csv').write_text(''.join(text))
    (tmp_path / 'maskless').mkdir()
    (tmp_path / 'maskless' / 'per_image.csv').write_text(''.join(lines))
    for arguments, message in (
        ([str(left)], 'write NAME=FOLDER'),
        ([f'={left}'], 'write NAME=FOLDER'),
        ([f'a={left}', f'a={left}'], "another system is called 'a'"),
        ([f'a={tmp_path}'], r'has no per_image\.csv; make it with python tools/test\.py'),
        ([f'a={tmp_path}/maskless'], 'has no masks; make it with'),
        ([f'a={tmp_path}/foreign'], r"no table of tools/test\.py \(the column 'id' is missing\)"),
        ([f'a={tmp_path}/none'], 'has no images in it'),
        ([f'a={left}', f'b={tmp_path}/other'], r'a and b were tested on different images \(1 in'),
    ):
        with pytest.raises(UserError, match=message):
            find_systems(arguments)


def test_a_missing_mask_is_named(tests: Path, sample: Path, tmp_path: Path) -> None:
    (tmp_path / 'masks').mkdir()
    (tmp_path / 'per_image.csv').write_bytes((tests / 'left' / 'per_image.csv').read_bytes())
    config = load_config(CONFIG, [f'data_root={sample}', f'image_size={SIZE}']).resolved
    with pytest.raises(UserError, match=r'masks/\w+\.png: the mask is missing; run tools/test\.py'):
        compare_masks(config, find_systems([f'a={tmp_path}']), tmp_path / 'a.png', number=1)


def test_the_tools_draw_or_say_what_is_wrong(
    tests: Path,
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_tool_here: Command,
) -> None:
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / 'unet' / 'run', epoch(1))
    done = run_tool_here('plot_curves.py', 'UNet=unet/run', '--out', 'curves.png')
    assert done.stdout == 'curves: curves.png\n'
    options = ['--cfg-options', f'data_root={sample}', f'image_size={SIZE}']
    out = ['--number', 1, '--out', 'figure.png', *options]
    done = run_tool_here('compare_masks.py', CONFIG, f'Left={tests / "left"}', *out)
    assert done.stdout.startswith('figure: figure.png (')
    assert (tmp_path / 'curves.png').is_file()
    assert (tmp_path / 'figure.png').is_file()

    for words, message in (
        (['plot_curves.py', 'none', '--out', 'x.png'], 'none: there is no such folder'),
        (['compare_masks.py', CONFIG, 'Left', *out], 'Left: write NAME=FOLDER'),
    ):
        done = run_tool_here(*words)
        assert done.returncode == 2
        assert done.stderr.startswith(f'error: {message}')
