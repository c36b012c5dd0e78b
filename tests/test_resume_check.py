"""A run goes on with the network and the data it has; what else changed is said."""

from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from custom_modules.base.errors import UserError
from custom_modules.config import LoadedConfig
from custom_modules.config.differences import differences
from custom_modules.config.variables import substitute_variables
from custom_modules.config.written import write_config
from custom_modules.runs import resume_check
from custom_modules.runs.resume_check import check_resume


def loader(**dataset: Any) -> dict:
    return dict(batch_size='$batch_size', dataset=dict(type='Pets', border='$border', **dataset))


#: What a config says in the end; ``border``, ``batch_size`` and ``rate`` are variables.
WRITTEN = dict(
    border='foreground',
    batch_size=4,
    rate=0.5,
    model=dict(
        type='Segmentor',
        backbone=dict(type='Encoder', dropout=0.25),
        decode_head=dict(type='Head', channels=[64, 32]),
        threshold=0.5,
    ),
    train_dataloader=loader(split='train', indices=16, n_aug=1, pipeline=[dict(type='Load')]),
    val_dataloader=loader(split='val', indices=6, split_seed=0, fractions=[0.5, 0.5]),
    optim_wrapper=dict(optimizer=dict(lr='$rate')),
)


def loaded(**options: Any) -> LoadedConfig:
    """Return a config with options such as ``model__type``; None takes a key away."""
    config = Config(WRITTEN)
    for place, value in options.items():
        *parents, key = place.split('__')
        inner = config
        for parent in parents:
            inner = inner[parent]
        if value is None:
            inner.pop(key)
        else:
            inner[key] = value
    written = config.to_dict()
    resolved, _ = substitute_variables(written, 'written.py')
    return LoadedConfig(Path('written.py'), Config(resolved), written, ())


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run with this config."""
    folder = tmp_path / 'runs' / '20260101_000000'
    folder.mkdir(parents=True)
    write_config(folder, loaded())
    return folder


def test_nothing_is_said_where_nothing_differs(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_resume(run, loaded())
    assert capsys.readouterr().out == ''


CHANGED = dict(
    rate=0.25,
    batch_size=2,
    model__threshold=0.75,
    train_dataloader__dataset__pipeline=[dict(type='Read')],
    optim_wrapper__clip=True,
)


def test_what_differs_is_named_once(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A variable as such, and not where it is used."""
    check_resume(run, loaded(**CHANGED))
    assert sorted(capsys.readouterr().out.splitlines()) == [
        'resume: batch_size was 4, is 2',
        'resume: model.threshold was 0.5, is 0.75',
        'resume: optim_wrapper.clip was nothing, is True',
        'resume: rate was 0.5, is 0.25',
        'resume: train_dataloader.dataset.pipeline.0.type was Load, is Read',
    ]


def test_one_process_says_it(
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(resume_check, 'is_main_process', lambda: False)
    check_resume(run, loaded(**CHANGED))
    check_resume(tmp_path, loaded())
    assert capsys.readouterr().out == ''


TRAIN, VAL = 'train_dataloader__dataset__', 'val_dataloader__dataset__'


@pytest.mark.parametrize(
    ('place', 'value', 'said'),
    [
        ('border', 'ignore', 'train_dataloader.border was foreground, is ignore'),
        ('model__type', 'Other', 'model.type was Segmentor, is Other'),
        ('model__backbone__dropout', 0.5, 'model.backbone.dropout was 0.25, is 0.5'),
        ('model__decode_head__channels', [64, 16], 'model.decode_head.channels.1 was 32, is 16'),
        ('model__decode_head', None, "model.decode_head was {'channels': .*}, is None"),
        ('model__neck', dict(type='Neck'), "model.neck was None, is {'type': 'Neck'}"),
        ('model__auxiliary_head', [dict(type='Head')], 'model.auxiliary_head was None, is .*Head'),
        (f'{TRAIN}type', 'Cats', 'train_dataloader.type was Pets, is Cats'),
        (f'{TRAIN}split', 'all', 'train_dataloader.split was train, is all'),
        (f'{TRAIN}indices', 8, 'train_dataloader.indices was 16, is 8'),
        (f'{TRAIN}n_aug', 2, 'train_dataloader.n_aug was 1, is 2'),
        (f'{VAL}indices', 3, 'val_dataloader.indices was 6, is 3'),
        (f'{VAL}split_seed', 1, 'val_dataloader.split_seed was 0, is 1'),
        (f'{VAL}fractions', [0.75, 0.25], 'val_dataloader.fractions.0 was 0.5, is 0.75'),
        ('val_dataloader', None, 'val_dataloader was .*, is nothing'),
        ('val_dataloader', 'one of mine', 'val_dataloader.type was Pets, is None'),
    ],
)
def test_another_network_or_split_is_refused(run: Path, place: str, value: Any, said: str) -> None:
    config = loaded(**{place: value})
    with pytest.raises(UserError, match=f'{said}.*--allow-changes') as refusal:
        check_resume(run, config)
    # What is advised goes on with the run.
    assert str(refusal.value).startswith(f'--resume {run}: ')
    assert f'tools/train.py {run}/config.py --resume {run.name}. ' in str(refusal.value)
    check_resume(run, config, allow_changes=True)


@pytest.mark.parametrize('content', [None, '[]', '{"model": "$gone"}'])
def test_a_config_that_is_gone_or_cannot_be_read_is_not_compared(
    run: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in run.iterdir():
        path.unlink()
    if content:
        (run / 'merged_config.json').write_text(content)
    check_resume(run, loaded(border='ignore'))
    (said,) = capsys.readouterr().out.splitlines()
    assert said.startswith('resume: the config of the run is not compared (')
    assert str(run) in said


def test_a_setting_that_came_later_and_is_none_is_no_difference() -> None:
    old = dict(a=1, data=dict(root='x'), gone=None)
    new = dict(a=2, later=None, data=dict(root='x', later='$later', more='$a'))
    assert list(differences(old, new)) == [('a', 1, 2), ('data.more', 'nothing', '$a')]
    assert list(differences(old, dict(old, gone=3))) == [('gone', None, 3)]
