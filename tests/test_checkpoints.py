"""Checkpoints: whole or not at all, tensors and plain types, of this model or refused."""

import errno
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import MODELS

from custom_modules.base.errors import UserError
from custom_modules.base.paths import make_writable
from custom_modules.config import load_config
from custom_modules.engine.hooks.best_score import BestScore
from custom_modules.runs.checkpoint_io import load_checkpoint, load_weights, save_checkpoint
from custom_modules.runs.run_folder import create_run_folder, find_run, point_latest_at


class Bomb:
    """A pickle of this runs a command."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return Path.touch, (self.mark,)


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    mark = tmp_path / 'executed'
    path = tmp_path / 'bomb.pth'
    torch.save(dict(state_dict={}, meta=Bomb(mark)), path)
    with pytest.raises(UserError, match='refused, because it is damaged or holds more than'):
        load_checkpoint(path)
    path.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(UserError, match=r'bomb\.pth'):
        load_checkpoint(path)
    assert not mark.exists()


def test_pretrained_weights_go_through_the_same_door(tmp_path: Path) -> None:
    """MMEngine's own loader falls back to running the pickle."""
    mark = tmp_path / 'executed'
    path = tmp_path / 'bomb.pth'
    torch.save(dict(state_dict={}, meta=Bomb(mark)), path)
    encoder = MODELS.build(
        dict(type='ResNetEncoder', init_cfg=dict(type='Pretrained', checkpoint=str(path)))
    )
    with pytest.raises(UserError, match='refused'):
        encoder.init_weights()
    assert not mark.exists()
    source = MODELS.build(dict(type='ResNetEncoder'))
    torch.save(source.state_dict(), path)
    encoder.init_weights()
    assert torch.equal(encoder.layer3[2].conv1.weight, source.layer3[2].conv1.weight)


@pytest.mark.parametrize('scheme', ['http', 'https', 'torchvision', 'open-mmlab', 's3'])
def test_nothing_is_fetched(scheme: str) -> None:
    checkpoint = f'{scheme}://127.0.0.1/weights.pth'
    encoder = MODELS.build(
        dict(type='ResNetEncoder', init_cfg=dict(type='Pretrained', checkpoint=checkpoint))
    )
    with pytest.raises(UserError, match='only checkpoints on this machine'):
        encoder.init_weights()


def test_damaged_files_are_named(tmp_path: Path) -> None:
    whole = tmp_path / 'whole.pth'
    save_checkpoint(dict(state_dict=dict(w=torch.ones(1000))), whole)
    data = whole.read_bytes()
    flipped = bytearray(data)
    flipped[data.index(torch.ones(100).numpy().tobytes()) + 40] ^= 1  # a bit of a weight
    contents = (b'', data[: len(data) // 2], b'hello', data[:100] + b'x' * 500, bytes(flipped))
    for content in contents:
        path = tmp_path / 'cut.pth'
        path.write_bytes(content)
        with pytest.raises(UserError, match=r'cut\.pth: .*damaged'):
            load_checkpoint(path)
    with pytest.raises(UserError, match=r'no such checkpoint; did you mean whole\.pth'):
        load_checkpoint(tmp_path / 'whol.pth')
    torch.save([1, 2], tmp_path / 'list.pth')
    with pytest.raises(UserError, match='holds a list'):
        load_checkpoint(tmp_path / 'list.pth')


def test_a_failed_write_leaves_the_older_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / 'last.pth'
    save_checkpoint(dict(epoch=1), path)

    def full_disk(file: int) -> None:  # noqa: ARG001
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr('os.fsync', full_disk)
    with pytest.raises(UserError, match='No space left'):
        save_checkpoint(dict(epoch=2), path)
    assert load_checkpoint(path) == dict(epoch=1)
    assert [p.name for p in tmp_path.iterdir()] == ['last.pth']


def test_weights_of_another_model_are_refused() -> None:
    unet = MODELS.build(load_config('configs/sample/unet_sample.py').resolved.model)
    state = {k: v.clone() for k, v in unet.state_dict().items()}
    load_weights(unet, dict(state_dict=state), 'x.pth')
    renamed = {f'other.{k}': v for k, v in state.items()}
    reshaped = state | {'decode_head.logits.weight': torch.zeros(2, 2)}
    for found, message in (
        (renamed, 'weights are missing.*weights are foreign'),
        (reshaped, '1 weights have another shape, such as decode_head.logits.weight'),
        ({}, 'weights are missing'),
    ):
        with pytest.raises(UserError, match=f'of another model than the config: .*{message}'):
            load_weights(unet, dict(state_dict=found), 'x.pth')


def test_runs_never_share_a_folder(tmp_path: Path) -> None:
    names = [create_run_folder(tmp_path, '20260101_000000') for _ in range(3)]
    assert names == ['20260101_000000', '20260101_000000_1', '20260101_000000_2']
    point_latest_at(tmp_path / names[0])
    point_latest_at(tmp_path / names[1])
    assert (tmp_path / 'latest').resolve().name == names[1]
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match=r'cannot be written .*--work-dir'):
        make_writable(tmp_path / 'file', '--work-dir')


def test_resume_finds_the_run(tmp_path: Path) -> None:
    for name in ('20260101_000000', '20260102_000000', '20260103_000000'):
        (tmp_path / name).mkdir()
    with pytest.raises(UserError, match='no run below'):
        find_run(tmp_path)
    for name in ('20260101_000000', '20260102_000000'):
        (tmp_path / name / 'last.pth').write_text('')
    newest = tmp_path / '20260102_000000'
    assert find_run(tmp_path) == newest
    first = tmp_path / '20260101_000000'
    for named in (str(first), str(first / 'last.pth'), first.name):
        assert find_run(tmp_path, named) == first
    with pytest.raises(UserError, match=r'there is no last\.pth'):
        find_run(tmp_path, '20260103_000000')


class Mine(str):
    """A text of a class of one's own."""


def test_what_looks_like_a_plain_value_is_saved_as_one(tmp_path: Path) -> None:
    """What metrics and hooks of others give would make a file that nobody can read."""
    score = BestScore('Dice')
    assert score.update(dict(Dice=np.float64(0.5))) and type(score.value) is float
    assert score.update(dict(Dice=torch.tensor(0.75))) and score.value == 0.75
    path = tmp_path / 'best.pth'
    held = {
        'metrics': {'Dice': np.mean([0.25, 0.75]), 'loss': np.float32(0.5), 'n': np.int64(3)},
        'hooks': [np.array([1, 2]), Mine('a'), np.bool_(True), (1, None), torch.ones(1)],
        'config': ConfigDict(a=ConfigDict(b=1)),
    }
    save_checkpoint(held, path)
    found = load_checkpoint(path)
    assert found['metrics'] == {'Dice': 0.5, 'loss': 0.5, 'n': 3}
    assert found['hooks'][0].tolist() == [1, 2] and found['hooks'][1:4] == ['a', True, (1, None)]
    assert found['config'] == dict(a=dict(b=1))
    for foreign in (Path('x'), {1}, object()):
        with pytest.raises(UserError, match=r'hooks\.0\.when is a .*cannot hold'):
            save_checkpoint(dict(hooks=[dict(when=foreign)]), path)
    assert load_checkpoint(path)['metrics']['n'] == 3  # the older file is whole
