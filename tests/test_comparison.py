"""Two tests compared with each other: metrics by hand, what is refused, and the tool."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from custom_modules.base.errors import UserError
from custom_modules.config import load_config
from custom_modules.runs.comparison import as_dict, compare, describe
from custom_modules.runs.scored_run import find_scored
from tests.conftest import Command

PROTOCOL = dict(
    Dice=0.5,
    threshold=0.5,
    dataset='OxfordPetDataset',
    split='test',
    border='foreground',
    resolution='input',
    image_size=32,
    config='configs/sample/unet_sample.py',
)


def scored(folder: Path, found: Sequence[int], size: int = 40, **more: object) -> str:
    """Write results of images of 100 pixels, ``size`` of them pet, of which ``found`` are found."""
    folder.mkdir(parents=True)
    (folder / 'metrics.json').write_text(json.dumps(PROTOCOL | more))
    lines = ['id,species,breed,tp,fp,fn,tn,dice']
    for number, tp in enumerate(found):
        dice = 2 * tp / (tp + size)
        lines.append(f'pet_{number},cat,pet,{tp},0,{size - tp},{100 - size},{dice}')
    (folder / 'per_image.csv').write_text('\n'.join(lines) + '\n')
    return str(folder)


def test_a_comparison_by_hand(tmp_path: Path) -> None:
    runs = find_scored(
        [scored(tmp_path / 'a', [10, 20, 30, 40]), scored(tmp_path / 'b', [40, 20, 20, 30])]
    )
    found = compare(*runs)
    assert (found.first, found.second) == ('a', 'b')
    dice = {tp: 2 * tp / (tp + 40) for tp in (10, 20, 30, 40)}
    metrics = {row.metric: row for row in found.metrics}
    assert metrics['Dice'].first == pytest.approx(sum(dice.values()) / 4)
    assert metrics['Dice'].second == pytest.approx((dice[40] + 2 * dice[20] + dice[30]) / 4)
    assert metrics['recall'].first == pytest.approx(100 / 160)
    assert metrics['recall'].second == pytest.approx(110 / 160)
    assert metrics['precision'].low == metrics['precision'].high == 0
    # The biggest loss and the biggest gain bound every drawn mean.
    assert dice[20] - dice[30] <= metrics['Dice'].low < 0 < metrics['Dice'].high
    assert metrics['Dice'].high <= dice[40] - dice[10]
    assert metrics['Dice'].verdict == ''
    assert [change.id for change in found.better] == ['pet_0']
    assert [change.id for change in found.worse] == ['pet_2', 'pet_3']
    assert (found.settings, found.config) == ([], [])
    text = describe(found, top=1)
    assert 'better on 1 images, worse on 2, equal on 1' in text
    assert 'most improved: pet_0  Dice 0.4000 -> 1.0000' in text
    assert 'pet_3' not in text
    assert 'warning: 4 images are too few to believe a difference of +0.0667 in Dice: of' in text
    assert as_dict(found)['images_needed'] == dict(interval=115, power=235)


def test_the_interval_is_of_pairs(tmp_path: Path) -> None:
    """Images differ much, the runs little: pairs see what two separate intervals could not."""
    random = np.random.default_rng(0)
    before = random.integers(5, 35, 60)
    runs = find_scored([scored(tmp_path / 'a', before), scored(tmp_path / 'b', before + 1)])
    row = compare(*runs).metrics[0]
    gains = 2 * (before + 1) / (before + 41) - 2 * before / (before + 40)
    error = gains.std() / np.sqrt(60)
    assert row.second - row.first == pytest.approx(gains.mean())
    assert row.low == pytest.approx(gains.mean() - 1.96 * error, abs=0.3 * error)
    assert row.high == pytest.approx(gains.mean() + 1.96 * error, abs=0.3 * error)
    assert row.verdict == 'better'
    assert compare(*runs[::-1]).metrics[0].verdict == 'worse'


@pytest.mark.parametrize(('better', 'verdict'), [('less', 'better'), ('greater', 'worse')])
def test_metrics_of_ones_own_are_compared(better: str, verdict: str, tmp_path: Path) -> None:
    """In the direction that their notes say; without a value per image there is no interval."""
    own = dict(
        gap=dict(better=better, column='gap'), plain={}, loss_mine=dict(level='detail'), lost={}
    )
    folders = []
    for name, gap in (('a', 3.0), ('b', 1.0)):
        more: dict[str, object] = dict(gap=gap, plain=gap, loss_mine=gap, own_metrics=own)
        more |= dict(lost=1.0)
        folders.append(Path(scored(tmp_path / name, [10, 20, 30], **more)))
        table = folders[-1] / 'per_image.csv'
        head, *rows = table.read_text().splitlines()
        gaps = [f'{row},{gap + index}' for index, row in enumerate(rows, start=-1)]
        table.write_text('\n'.join([f'{head},gap', *gaps]) + '\n')
    first, second = find_scored([str(folder) for folder in folders])
    del second.metrics['lost']  # a metric of one of the two
    found = compare(first, second)
    *_, gap, plain = found.metrics
    assert (gap.metric, gap.first, gap.second, gap.verdict) == ('gap', 3.0, 1.0, verdict)
    assert (gap.low, gap.high) == pytest.approx((-2.0, -2.0))
    assert (plain.metric, plain.second, plain.low, plain.verdict) == ('plain', 1.0, None, '')
    lines = describe(found).splitlines()
    assert any(line.split() == ['plain', '3.0000', '1.0000', '-2.0000'] for line in lines)
    assert as_dict(found)['metrics']['plain']['interval'] is None


def test_the_order_of_the_images_does_not_matter(tmp_path: Path) -> None:
    scored(tmp_path / 'a', [10, 20, 30])
    lines = (tmp_path / 'a' / 'per_image.csv').read_text().splitlines()
    scored(tmp_path / 'b', [10, 20, 30])
    (tmp_path / 'b' / 'per_image.csv').write_text('\n'.join([lines[0], *lines[:0:-1]]))
    found = compare(*find_scored([str(tmp_path / 'a'), str(tmp_path / 'b')]))
    assert all(row.low == row.high == 0 for row in found.metrics)
    assert not found.better
    assert not found.worse


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    first = scored(tmp_path / 'a', [10, 20])
    for name, arguments, message in (
        ('border', dict(border='ignore'), r"border is 'foreground' and 'ignore'; .*border=\.\.\."),
        ('resolution', dict(resolution='original'), "resolution is 'input' and 'original'"),
        ('size', dict(image_size=64), 'image_size is 32 and 64'),
    ):
        other = scored(tmp_path / name, [10, 20], **arguments)
        with pytest.raises(UserError, match=message):
            compare(*find_scored([first, other]))
    more = scored(tmp_path / 'more', [10, 20, 30])
    with pytest.raises(UserError, match=r'different images \(1 in one of them only, such as pet_2'):
        compare(*find_scored([first, more]))
    masks = scored(tmp_path / 'masks', [10, 20], size=50)
    with pytest.raises(UserError, match='the foreground of pet_0 has 40 and 50 pixels'):
        compare(*find_scored([first, masks]))
    (tmp_path / 'none').mkdir()
    with pytest.raises(UserError, match=r'has no metrics\.json.*make it with python tools/test'):
        find_scored([first, str(tmp_path / 'none')])
    (tmp_path / 'more' / 'metrics.json').write_text('{"Dice": 1}')
    with pytest.raises(UserError, match="is of no test, it lacks 'dataset'"):
        find_scored([more])
    (tmp_path / 'more' / 'metrics.json').write_text('{')
    with pytest.raises(UserError, match='cannot be read'):
        find_scored([more])


def test_the_tool(tmp_path: Path, run_tool_here: Command) -> None:
    run = tmp_path / 'unet' / 'one'
    scored(run / 'test', [10, 20])
    (run / 'vis_data').mkdir()
    config = load_config('configs/sample/unet_sample.py', ['max_epochs=3'])
    (run / 'config.py').write_text(config.text)  # a run of before: without the same as data
    other = scored(tmp_path / 'other', [20, 20], threshold=0.4, config='configs/gone.py')
    third = scored(tmp_path / 'third', [20, 30])
    out = tmp_path / 'all.json'
    said = run_tool_here('compare.py', run, f'B={other}', third, '--out', out).stdout
    assert 'test: threshold: 0.5 -> 0.4' in said
    assert 'configs are not compared' in said
    assert 'config: max_epochs: 3 -> 16' in said
    kept = json.loads((tmp_path / 'all.json').read_text())
    assert [(c['first'], c['second'], c['better']) for c in kept] == [
        ('unet', 'B', 1),
        ('unet', 'third', 2),
    ]
    assert kept[0]['images'][0] == dict(id='pet_0', first=0.4, second=2 * 20 / 60)
    done = run_tool_here('compare.py', run)
    assert done.returncode == 2
    assert done.stderr == f'error: {run}: one run alone; name two or more\n'
