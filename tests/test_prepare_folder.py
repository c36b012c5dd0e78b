"""tools/prepare_data.py --from: what is said, asked, written, and what trains on it."""

import base64
import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.registry import DATASETS

from custom_modules.base.errors import UserError
from custom_modules.commands.prepare_folder import place_of, prepare_folder
from custom_modules.config import load_config
from custom_modules.preparation.answers import Answers
from custom_modules.preparation.looking import Cut
from custom_modules.preparation.question import QuestionError
from tests.chromium import cut_without_a_sign, launched
from tests.conftest import Command

SIZE = (36, 48)


def image(number: int) -> np.ndarray:
    return np.random.RandomState(number).randint(0, 255, (*SIZE, 3), np.uint8)


def mask(number: int, part: int = 0) -> np.ndarray:
    found = np.zeros(SIZE, np.uint8)
    found[3 : 9 + number, 4 + 20 * part : 20 + 20 * part] = 255
    return found


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode(path.suffix, pixels)
    path.write_bytes(data.tobytes())


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Images and masks in two folders, with names that differ."""
    folder = tmp_path / 'Äpfel and leaves'
    for n in range(10):
        write(folder / 'photos' / f'leaf {n}.png', image(n))
        write(folder / 'drawn' / f'leaf {n}_mask.png', mask(n))
    return folder


Prepare = Callable[..., Path]


@pytest.fixture
def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepare:
    """Prepare a folder in a workspace of its own, and return the config."""
    space = tmp_path / 'space'
    space.mkdir()
    for module in ('base.paths', 'config.layers', 'preparation.written'):
        monkeypatch.setattr(f'custom_modules.{module}.workspace', lambda: space)

    def run(
        folder: Path,
        name: str | None = None,
        overwrite: bool = False,
        plan_only: bool = False,
        **said: object,
    ) -> Path:
        place = place_of(folder, space / 'data' / 'mine', name)
        prepare_folder(folder, place, Answers(**said), Cut(), overwrite, plan_only)
        return place.config

    return run


def masks_of(config: Path) -> dict[str, np.ndarray]:
    """Return the mask of each image of all splits, as a training reads it."""
    loaded = load_config(config)
    found = {}
    for split in ('train', 'val', 'test'):
        settings = loaded.resolved[f'{split}_dataloader'].dataset
        steps = [step for step in settings.pipeline if step['type'].startswith('Load')]
        dataset = DATASETS.build(settings | dict(pipeline=steps))
        for n in range(len(dataset)):
            found[dataset.get_data_info(n)['sample_id']] = dataset[n]['gt_seg_map']
    return found


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def test_files_are_read_where_they_lie(
    own: Path, prepare: Prepare, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content_of(own)
    config = prepare(own)
    said = capsys.readouterr().out
    assert config.name == 'apfel_and_leaves.py'
    assert '10 images with masks' in said
    assert "'photos/leaf 0.png' with 'drawn/leaf 0_mask.png'" in said
    assert 'splits: train 8, val 1, test 1' in said
    assert len(config.read_text(encoding='utf-8').splitlines()) <= 15
    found = masks_of(config)
    assert {name: (m * 255).tolist() for name, m in found.items()} == {
        f'leaf {n}': mask(n).tolist() for n in range(10)
    }
    assert content_of(own) == before
    assert [p.name for p in config.parents[2].rglob('*.png')] == []
    with config.with_suffix('.csv').open(encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert rows[3]['image'] == 'photos/leaf 3.png'
    assert rows[3]['mask'] == 'drawn/leaf 3_mask.png'


def test_the_plan_alone_writes_nothing(
    own: Path, prepare: Prepare, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = prepare(own, plan_only=True)
    assert [*(tmp_path / 'space').rglob('*')] == []
    printed = capsys.readouterr().out.splitlines()
    plan = [line.removeprefix('plan: ') for line in printed if line.startswith('plan: ')]
    assert prepare(own) == config
    lines = config.read_text(encoding='utf-8').splitlines()
    assert len(lines) <= 15 and set(plan) <= set(lines)
    keys = [line.partition(' = ')[0] for line in plan]
    assert keys == ['_base_', 'image_size', 'batch_size', 'max_epochs', 'affine_prob']


def test_the_same_folder_gives_the_same_files(own: Path, prepare: Prepare) -> None:
    config = prepare(own, 'leaves')
    first = content_of(config.parents[2])
    with pytest.raises(UserError, match='--overwrite'):
        prepare(own, 'leaves')
    prepare(own, 'leaves', overwrite=True)
    assert content_of(config.parents[2]) == first


def test_masks_of_an_object_each_are_joined(tmp_path: Path, prepare: Prepare) -> None:
    folder = tmp_path / 'cells'
    for n in range(6):
        write(folder / f'c{n}' / 'images' / f'c{n}.png', image(n))
        for part in range(2):
            write(folder / f'c{n}' / 'masks' / f'{part}.png', mask(n, part))
    config = prepare(folder)
    assert 'mask_root' in config.read_text(encoding='utf-8')
    assert {name: (m * 255).tolist() for name, m in masks_of(config).items()} == {
        f'c{n}': (mask(n, 0) | mask(n, 1)).tolist() for n in range(6)
    }


def test_masks_of_one_thing_by_two_people_are_a_question(tmp_path: Path, prepare: Prepare) -> None:
    folder = tmp_path / 'cells'
    for n in range(6):
        write(folder / 'images' / f'{n}_scan.png', image(n))
        for person in (1, 2):
            write(folder / 'masks' / f'{n}_manual{person}.png', mask(n + person))
    with pytest.raises(QuestionError) as raised:
        prepare(folder)
    assert raised.value.answers.keys() == {
        "--masks '*_manual1.png'",
        "--masks '*_manual2.png'",
        "--masks 'masks'",
    }
    assert not (tmp_path / 'space' / 'configs').exists()
    one = masks_of(prepare(folder, 'one', masks='*_manual1.png'))
    both = masks_of(prepare(folder, 'both', masks='masks'))
    assert (one['2_scan'] * 255).tolist() == mask(3).tolist()
    assert (both['2_scan'] * 255).tolist() == (mask(3) | mask(4)).tolist()


def test_all_faults_are_said_at_once_and_nothing_is_written(own: Path, prepare: Prepare) -> None:
    (own / 'photos' / 'leaf 1.png').write_bytes(b'no picture')
    (own / 'drawn' / 'leaf 2_mask.png').write_bytes(b'no picture')
    write(own / 'drawn' / 'leaf 3_mask.png', mask(3)[:20])
    with pytest.raises(UserError) as raised:
        prepare(own)
    for name in ('leaf 1.png', 'leaf 2_mask.png', 'leaf 3_mask.png'):
        assert name in str(raised.value)
    assert list((own.parent / 'space').rglob('*')) == []


def test_images_inside_of_annotations_are_written(tmp_path: Path, prepare: Prepare) -> None:
    folder = tmp_path / 'drawn'
    folder.mkdir()
    for n in range(6):
        _, data = cv2.imencode('.png', image(n))
        corners = [[4, 3], [19, 3], [19, 8 + n], [4, 8 + n]]
        shape = dict(label='leaf', points=corners, shape_type='polygon', group_id=None, flags={})
        found = dict(
            version='5.4.1', flags={}, shapes=[shape], imagePath=f'{n}.png',
            imageData=base64.b64encode(data).decode(), imageHeight=SIZE[0], imageWidth=SIZE[1],
        )  # fmt: skip
        (folder / f'{n}.json').write_text(json.dumps(found))
    config = prepare(folder)
    masks = masks_of(config)
    assert {name: (m * 255).tolist() for name, m in masks.items()} == {
        f'{n}': mask(n).tolist() for n in range(6)
    }
    written = sorted((tmp_path / 'space' / 'data' / 'mine' / 'drawn' / 'images').iterdir())
    assert [cv2.imread(str(path)).tolist() for path in written] == [
        image(n).tolist() for n in range(6)
    ]


def test_images_of_one_channel_and_16_bits(tmp_path: Path, prepare: Prepare) -> None:
    folder = tmp_path / 'cells'
    for n in range(6):
        write(folder / 'images' / f'{n}.tif', image(n)[..., 0].astype(np.uint16) + 300)
        write(folder / 'masks' / f'{n}.png', mask(n) // 255)
    config = prepare(folder)
    assert len(config.read_text(encoding='utf-8').splitlines()) <= 15
    loaded = load_config(config).resolved
    dataset = DATASETS.build(loaded.train_dataloader.dataset)
    inputs = dataset[0]['inputs']
    assert inputs.shape[0] == 1
    assert inputs.float().std() > 30  # black if divided by 256
    assert (tmp_path / 'space/data/mine/cells/pairs.html').stat().st_size > 10_000


def test_cut_outs_alone(tmp_path: Path, prepare: Prepare) -> None:
    folder = tmp_path / 'cut'
    for n in range(6):
        write(folder / f'{n}.png', np.dstack([image(n), mask(n)]))
    assert {name: (m * 255).tolist() for name, m in masks_of(prepare(folder)).items()} == {
        f'{n}': mask(n).tolist() for n in range(6)
    }


def test_a_group_stays_together(own: Path, prepare: Prepare) -> None:
    for n in range(10):
        for kind, ending in (('photos', '.png'), ('drawn', '_mask.png')):
            os.rename(own / kind / f'leaf {n}{ending}', own / kind / f'p{n // 2}_{n}{ending}')  # noqa: PTH104
    config = prepare(own, 'leaves', group_by='^p[0-9]')
    with config.with_suffix('.csv').open(encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert {row['group'] for row in rows} == {f'p{n}' for n in range(5)}
    splits = {(row['group'], row['split']) for row in rows}
    assert len(splits) == 5


@pytest.mark.parametrize('name', ['a/b', '..', 'x' * 65, 'a b', ''])
def test_names(name: str, tmp_path: Path) -> None:
    if name:
        with pytest.raises(UserError, match='--name'):
            place_of(tmp_path, tmp_path, name)
    else:
        (tmp_path / '日本').mkdir()
        assert place_of(tmp_path / '日本', tmp_path, None).name == 'mine'


@pytest.mark.usefixtures('prepare')
def test_the_tool_asks_and_checks(own: Path, run_tool_here: Command, tmp_path: Path) -> None:
    tool = 'prepare_data.py'
    for n in range(10):
        write(own / 'second' / f'leaf {n}_mask.png', mask(n + 1))
    asked = run_tool_here(tool, '--from', own, '--root', tmp_path / 'made')
    assert asked.returncode == 2
    assert "    --masks 'drawn': 10 files" in asked.stderr
    answered = run_tool_here(tool, '--from', own, '--root', tmp_path / 'made', '--masks', 'drawn')
    assert answered.returncode == 0, answered.stderr
    config = tmp_path / 'space' / 'configs' / 'mine' / 'apfel_and_leaves.py'
    checked = run_tool_here(tool, '--check', config)
    assert (checked.returncode, 'all in order' in checked.stdout) == (0, True)
    for n in (1, 2):
        write(own / 'drawn' / f'leaf {n}_mask.png', mask(n) // 2)
    checked = run_tool_here(tool, '--check', config)
    assert checked.returncode == 2
    assert checked.stdout.count('fault: ') == 2
    assert '2 faults in 10 images' in checked.stderr
    wrong = run_tool_here(tool, '--sample', '--masks', 'x')
    assert (wrong.returncode, '--masks goes with --from' in wrong.stderr) == (2, True)


def test_the_page_shows_everything(own: Path, prepare: Prepare) -> None:
    prepare(own, 'leaves')
    page = own.parent / 'space' / 'data' / 'mine' / 'leaves' / 'pairs.html'
    text = page.read_text(encoding='utf-8')
    assert text.count('<figure>') == 10
    assert 'http' not in text
    with launched() as browser:
        assert cut_without_a_sign(browser, page) == []
