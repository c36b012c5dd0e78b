"""A search by Optuna: what it may choose, that it learns, stops bad trials and outlives a kill."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from custom_modules.base.errors import UserError
from custom_modules.commands.sweep import build_search
from custom_modules.studies.search_space import parse_space
from tests.conftest import ROOT, TINY, Command

optuna = pytest.importorskip('optuna')

CONFIG = 'configs/sample/unet_sample.py'


def test_the_space() -> None:
    words = ['learning_rate=1e-5..1e-2:log', 'batch_size=2..8', 'precision=fp32,bf16', 'a.b=0..0.5']
    distributions = optuna.distributions
    assert parse_space(words) == {
        'learning_rate': distributions.FloatDistribution(1e-5, 1e-2, log=True),
        'batch_size': distributions.IntDistribution(2, 8),
        'precision': distributions.CategoricalDistribution(['fp32', 'bf16']),
        'a.b': distributions.FloatDistribution(0.0, 0.5),
    }


@pytest.mark.parametrize(
    'word', ['lr', 'lr=1', 'lr=2..1', 'lr=0..1:log', '=1..2', 'lr=a..b', 'lr=1..2:lin']
)
def test_a_space_that_is_none(word: str) -> None:
    with pytest.raises(UserError, match='--search'):
        parse_space([word])


def test_a_key_twice() -> None:
    with pytest.raises(UserError, match='each key once'):
        parse_space(['a=1..2', 'a=1,2'])


#: Stands for training and test: six epochs, whose Dice is best where learning_rate is 1e-3.
STAND_IN = """
import json, math, os, sys, time
from pathlib import Path
from filelock import FileLock
lock = FileLock(os.environ['PETSEG_LOCK'])  # as tools/_start.py takes it
lock.acquire()
kind, experiment, text = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
run = experiment / '2000'
run.mkdir(exist_ok=True)
(run / 'last.pth').touch()
scalars = run / 'vis_data' / 'scalars.json'
rate = float(dict(word.split('=') for word in text.split())['learning_rate'])
(experiment / 'pid').write_text(str(os.getpid()))
if kind == 'train':
    scalars.parent.mkdir(exist_ok=True)
    scalars.touch()
    for epoch in range(len(scalars.read_text().splitlines()) + 1, 7):
        time.sleep(0.25)
        dice = 0.9 - 0.2 * abs(math.log10(rate) + 3) - 0.1 / epoch
        with open(scalars, 'a') as file:
            file.write(json.dumps({'epoch': epoch, 'train/loss': 1, 'valid/dice': dice}) + '\\n')
else:
    keys = ('dataset', 'split', 'border', 'resolution', 'image_size')
    metrics = dict.fromkeys(keys, '') | dict(Dice=0.5, threshold=0.5)
    (run / 'metrics.json').write_text(json.dumps(metrics))
"""
SEARCH = """
import sys
from custom_modules.studies import running, search
from custom_modules.commands.sweep import build_search
folder, script = sys.argv[1:3]
def command(kind):
    return lambda c: [sys.executable, script, kind, str(c.folder), ' '.join(c.options)]
running._train_command, running._test_command = command('train'), command('test')
search._PERIOD = 0.05
space = ['learning_rate=1e-5..1e-1:log']
six = ['max_epochs=6']
sys.exit(build_search(['configs/sample/unet_sample.py'], space, None, folder, six).run(14))
"""


def test_a_search_that_is_killed_goes_on_and_finds_the_best(tmp_path: Path) -> None:
    """Killed, then stopped by Ctrl-C, then to the end: 14 trials, bad ones stopped early."""
    script = tmp_path / 'stand_in.py'
    script.write_text(STAND_IN)
    words = [sys.executable, '-c', SEARCH, str(tmp_path / 'runs'), str(script)]
    home = tmp_path / 'runs' / 'own' / 'search' / 'unet_sample'
    for number, experiments in ((signal.SIGKILL, 2), (signal.SIGINT, 4)):
        search = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)
        while len(list(home.glob('*/pid'))) < experiments:
            assert search.poll() is None
            time.sleep(0.02)
        search.send_signal(number)
        assert search.wait(timeout=60) == (-9 if number == signal.SIGKILL else 130)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads((home / 'unet_sample.json').read_text())
    trials = [trial for trial in found['trials'] if trial['state'] in ('complete', 'pruned')]
    assert len(trials) == 14
    # What was cut off was done again with the same value, so that nothing was lost.
    values = [trial['values']['learning_rate'] for trial in trials]
    for trial in found['trials']:
        assert trial['state'] in ('complete', 'pruned', 'fail')
        assert trial['values']['learning_rate'] in values
    pruned = [trial for trial in trials if trial['state'] == 'pruned']
    assert pruned and all(2 <= trial['epochs'] < 6 for trial in pruned)
    best = max(trial['validation_dice'] or 0 for trial in trials)
    assert found['best']['validation_dice'] == best > 0.75
    assert found['best']['test_dice'] == 0.5
    rate = found['best']['values']['learning_rate']
    assert found['best']['lines'] == [f'learning_rate = {rate!r}']
    assert f'  learning_rate = {rate!r}' in done.stdout
    assert len(list(home.glob('*/2000/metrics.json'))) == 1


def test_two_searches_of_a_folder(tmp_path: Path) -> None:
    """Other values, or the same ones at the same time, are refused."""
    search = build_search([CONFIG], ['learning_rate=1e-4..1e-2:log'], None, str(tmp_path))
    home = tmp_path / 'own' / 'search' / 'unet_sample'
    home.mkdir(parents=True)
    taken = FileLock(home / '.unet_sample.lock')
    with taken, pytest.raises(UserError, match='another search runs there'):
        search.run(1)
    search._study()
    other = build_search([CONFIG], ['learning_rate=1e-4..1e-3:log'], None, str(tmp_path))
    with pytest.raises(UserError, match='other values'):
        other.run(1)


def test_a_search_on_the_synthetic_data_set(run_tool: Command, sample: Path) -> None:
    search = ['sweep.py', CONFIG, '--search', 'learning_rate=1e-4..1e-2:log', '--trials', '2']
    options = [*TINY, f'data_root={sample}', 'max_epochs=2']
    done = run_tool(*search, '--work-dir', 'runs', '--cfg-options', *options)
    assert done.returncode == 0, done.stderr
    assert '2 trials ran to their end' in done.stdout
    assert 'test Dice 0.' in done.stdout
    again = run_tool(*search, '--work-dir', 'runs', '--cfg-options', *options)
    assert again.returncode == 0
    refused = run_tool(*search, '--seeds', '0,1')
    assert (refused.returncode, '--search goes with' in refused.stderr) == (2, True)
