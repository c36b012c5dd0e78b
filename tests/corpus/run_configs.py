"""Configs in the folders of runs and results: read as data by what compares and shows them."""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from custom_modules.config import load_config
from custom_modules.report.gallery import Gallery
from custom_modules.runs.comparison import compare
from custom_modules.runs.resume_check import check_resume
from custom_modules.runs.scored_run import ScoredRun, read_scored
from custom_modules.studies.experiments import Experiment

from .case import Case
from .marked import marked
from .published_configs import COMMAND, NOT_ALLOWED
from .settings import BASE

METRICS = dict(
    Dice=0.5,
    threshold=0.5,
    dataset='OxfordPetDataset',
    split='test',
    border='foreground',
    resolution='input',
    image_size=32,
)

HOSTILE_CODE = "open('MARKER', 'w')\nmodel = dict(type='UNet')\n"


def _result(
    code: str = '', data: str = '', use: Callable[[ScoredRun], str] | None = None, **more: object
) -> Callable[[Path], str]:
    """Return what is read of a result with a ``config.py`` or a ``merged_config.json``."""

    def run(folder: Path) -> str:
        marker = str(folder / 'executed')
        (folder / 'evil.py').write_text(HOSTILE_CODE.replace('MARKER', marker))
        result = folder / 'test'
        result.mkdir()
        text = json.dumps(METRICS | more)
        (result / 'metrics.json').write_text(text.replace('FOLDER', str(folder)))
        (result / 'per_image.csv').write_text(
            'id,species,breed,tp,fp,fn,tn,dice\na,cat,pet,1,0,0,1,1\n'
        )
        for name, content in (('config.py', code), ('merged_config.json', data)):
            if content:
                (result / name).write_text(content.replace('MARKER', marker))
        scored = read_scored('a', result)
        return marked(folder, lambda: (use or _largest_epoch)(scored))

    return run


def _largest_epoch(scored: ScoredRun) -> str:
    return f'max_epochs = {scored.config()["max_epochs"]}'


def _pictures(scored: ScoredRun) -> str:
    (scored.folder / 'masks').mkdir()
    return str(Gallery([scored]))


def _compared(scored: ScoredRun) -> str:
    return compare(scored, scored).config_error.partition(': ')[2]


def _resumed(folder: Path) -> str:
    """Return what going on with a run of a hostile ``config.py`` says."""
    (folder / 'config.py').write_text(HOSTILE_CODE.replace('MARKER', str(folder / 'executed')))

    def use() -> str:
        said = io.StringIO()
        with redirect_stdout(said):
            check_resume(folder, load_config(BASE))
        return said.getvalue().partition(' (')[0]

    return marked(folder, use)


def _swept(folder: Path) -> str:
    """Return what an experiment of a sweep says whose ``cell.json`` holds code."""
    text = HOSTILE_CODE.replace('MARKER', str(folder / 'executed'))
    (folder / 'cell.json').write_text(json.dumps(dict(text=text)))
    experiment = Experiment('study', 'experiment', BASE, (), 0, folder, dict(max_epochs=3), 3)
    return marked(folder, lambda: str(experiment.check()))


NOT_EXECUTED = 'cannot be read without executing it, which is not done'
PLAIN = "max_epochs = 7\nmodel = dict(type='UNet', mean=[-1.0, (2, 3)], widened={2: 512})\n"

RESULTS: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'config.py that runs a command': (_result(HOSTILE_CODE), f'line 1 {NOT_EXECUTED}', ''),
    'config.py with an import': (_result('import stranger\n' + PLAIN), NOT_EXECUTED, ''),
    'config.py with a call as a value': (
        _result("max_epochs = open('MARKER', 'w')\n"),
        NOT_EXECUTED,
        '',
    ),
    'config.py with a call inside a dict': (
        _result("max_epochs = 7\nmodel = dict(type=open('MARKER', 'w'))\n"),
        f'line 2 {NOT_EXECUTED}',
        '',
    ),
    'config.py whose base is a call': (
        _result("_base_ = open('MARKER', 'w')\n"),
        NOT_EXECUTED,
        '',
    ),
    'config.py with a base': (_result("_base_ = '../evil.py'\n"), 'has a _base_', ''),
    'config.py with a decorated function': (
        _result("@open('MARKER', 'w').write\ndef model(): pass\n"),
        NOT_EXECUTED,
        '',
    ),
    'config.py with a default of MMEngine': (
        _result("max_epochs = '{{ fileBasename }}'\n"),
        '',
        'max_epochs = {{ fileBasename }}',
    ),
    'config.py of brackets': (_result('a = ' + '[' * 5_000), NOT_EXECUTED, ''),
    'config.py of minus signs': (_result('a = ' + '-' * 50_000 + '1'), NOT_EXECUTED, ''),
    'config.py of a megabyte': (_result('#' * 1_000_000), 'is no config', ''),
    'config.py of before, without data beside it': (_result(PLAIN), '', 'max_epochs = 7'),
    'config.py that sets two names at once': (
        _result("batch_size = max_epochs = 7\nhost, port = 'a', 1\n"),
        '',
        'max_epochs = 7',
    ),
    'config.py that sets an attribute': (
        _result("import_.x = open('MARKER', 'w')\n"),
        f'line 1 {NOT_EXECUTED}',
        '',
    ),
    'config.py that sets more names than values': (
        _result("max_epochs, seed = [open('MARKER', 'w')]\n"),
        f'line 1 {NOT_EXECUTED}',
        '',
    ),
    'data goes before code': (
        _result(HOSTILE_CODE, data='{"max_epochs": 9}'),
        '',
        'max_epochs = 9',
    ),
    'data that is no object': (_result(data='[1]'), 'holds no config', ''),
    'data with NaN': (_result(data='{"a": NaN}'), 'NaN is no number', ''),
    'data nested without end': (_result(data='[' * 90_000), 'nested more than', ''),
    'metrics that name a config elsewhere': (
        _result(config='FOLDER/evil.py'),
        'its config is not there any more',
        '',
    ),
    'metrics that name a config through ..': (
        _result(config='configs/../../../../../FOLDER/evil.py'),
        'its config is not there any more',
        '',
    ),
    'metrics that name a config of this project': (
        _result(config='configs/sample/unet_sample.py'),
        '',
        'max_epochs = 16',
    ),
    'a comparison with a config that runs a command': (
        _result(HOSTILE_CODE, use=_compared),
        '',
        f'line 1 {NOT_EXECUTED} (more than a name and its value)',
    ),
    'pictures of data that is a command': (
        _result(
            data=json.dumps(dict(test_dataloader=dict(dataset=COMMAND))),
            use=_pictures,
        ),
        NOT_ALLOWED,
        '',
    ),
    'pictures of data without images': (
        _result(
            data='{"test_dataloader": {"dataset": {"type": "OxfordPetDataset", "split": 5}}}',
            use=_pictures,
        ),
        'the data set of its config cannot be built',
        '',
    ),
    'pictures with a loader that is a list': (
        _result(data='{"test_dataloader": [1]}', use=_pictures),
        'has no test_dataloader.dataset',
        '',
    ),
    'a run to go on with': (_resumed, '', 'resume: the config of the run is not compared'),
    'an experiment of a sweep': (_swept, NOT_EXECUTED, ''),
}

RUN_CONFIGS = tuple(Case('config of a result', name, *rest) for name, rest in RESULTS.items())
