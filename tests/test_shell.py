"""Commands to copy: whatever a folder is called, a shell gets the words that were meant."""

import json
import os
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from custom_modules.base import paths
from custom_modules.base.errors import UserError
from custom_modules.base.shell import shell_command
from custom_modules.config import load_config
from custom_modules.config.written import write_config
from custom_modules.datasets.oxford.dataset import OxfordPetDataset
from custom_modules.report.run_data import read_run
from custom_modules.runs.per_image_csv import read_rows
from custom_modules.runs.resume_check import check_resume
from custom_modules.runs.run_folder import find_newest
from custom_modules.runs.scored_run import read_scored
from custom_modules.visualization.comparison_figure import read_scores

#: A name that a shell would take for several words, a variable and a command.
NAME = "my 'pets' $HOME; echo `x`"

CONFIG = 'configs/sample/unet_sample.py'


def test_a_command_is_what_it_was_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ['a b', "it's", '$HOME', '', 'ä', 'tools/train.py', 1]
    line = shell_command('test', *words)
    assert shlex.split(line) == ['python', 'tools/test.py', *map(str, words)]
    assert shell_command('train') == 'python tools/train.py'
    monkeypatch.setattr(paths, 'is_checkout', lambda: False)
    assert shlex.split(shell_command('test', *words)) == ['petseg', 'test', *map(str, words)]


def _without_table(folder: Path) -> None:
    read_rows(folder / 'per_image.csv')


def _without_masks(folder: Path) -> None:
    counts = 'id,tp,fp,fn,tn,dice\na,1,0,0,0,1\n'
    (folder / 'per_image.csv').write_text(counts)
    read_scores(folder)


def _without_images(folder: Path) -> None:
    (folder / 'annotations').mkdir()
    (folder / 'annotations' / 'trainval.txt').write_text('a_1 1 1 1\nb_1 2 2 1\n')
    (folder / 'annotations' / 'test.txt').write_text('c_1 3 1 1\n')
    OxfordPetDataset(str(folder), split='test', pipeline=[])


def _resumed_with_another_net(folder: Path) -> None:
    write_config(folder, load_config(CONFIG))
    check_resume(folder, load_config(CONFIG, ['model.decode_head.channels=[32,16,16]']))


@pytest.mark.parametrize(
    'mistake',
    [
        _without_table,
        _without_masks,
        _without_images,
        _resumed_with_another_net,
        lambda folder: read_scored('a', folder),
    ],
    ids=['no table', 'no masks', 'no images', 'another net', 'not tested'],
)
def test_a_message_names_a_command_that_works(
    mistake: Callable[[Path], object], tmp_path: Path
) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    with pytest.raises(UserError) as error:
        mistake(folder)
    command = re.search(r'python tools/\w+\.py .*?(?=\. With this one|$)', str(error.value))
    assert command
    words = shlex.split(command[0])
    assert (
        any(word in (str(folder), str(folder / 'config.py')) for word in words)
        or str(folder / 'test') == words[-1]
    )
    assert not any(word.startswith('$') for word in words)


def test_a_run_to_go_on_with_is_named_for_a_shell(tmp_path: Path) -> None:
    run = tmp_path / NAME
    run.mkdir()
    (run / 'last.pth').write_bytes(b'')
    write_config(run, load_config(CONFIG))
    os.utime(run / 'last.pth', (4e9, 4e9))
    with pytest.raises(UserError) as error:
        find_newest(tmp_path)
    assert shlex.split(str(error.value).partition('such as ')[2]) == ['--resume', NAME]


@pytest.mark.parametrize('own_config', [True, False], ids=['tested otherwise', 'tested alike'])
def test_repeat_it(tmp_path: Path, own_config: bool) -> None:
    """The commands on the page name files that are there; a test's own config is the one to use."""
    run = tmp_path / NAME
    (run / 'vis_data').mkdir(parents=True)
    epoch = {'train/loss': 1.0, 'valid/dice': 0.5, 'epoch': 1, 'step': 1}
    (run / 'vis_data' / 'scalars.json').write_text(json.dumps(epoch))
    write_config(run, load_config(CONFIG))
    (note,) = read_run('a', run).notes
    words = shlex.split(note.partition(': ')[2])
    assert words[2:] == [*(str(run / n) for n in ('config.py', 'best.pth')), '--out', f'{run}/test']

    metrics = dict(Dice=0.5, threshold=0.5, image_size=32, border='ignore', split='test')
    metrics |= dict(dataset='OxfordPetDataset', resolution='input', tta=dict(scales=[0.75, 1.0]))
    metrics |= dict(checkpoint=str(run / 'best.pth'))
    (run / 'test').mkdir()
    (run / 'test' / 'metrics.json').write_text(json.dumps(metrics))
    (run / 'test' / 'per_image.csv').write_text('id,tp,fp,fn,tn,dice\na,1,0,0,0,1\n')
    if own_config:
        shutil.copy(run / 'config.py', run / 'test' / 'config.py')
    train, test = map(shlex.split, read_run('a', run).commands())
    assert train == ['python', 'tools/train.py', str(run / 'config.py')]
    tested = run / 'test' / 'config.py' if own_config else run / 'config.py'
    assert test[2:] == [
        *(str(tested), str(run / 'best.pth'), '--out', str(run / 'test')),
        *('--tta', '0.75', '1.0'),
    ]
