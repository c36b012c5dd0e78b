"""Pictures of the validation, and one set of names in every tracker."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unittest.mock import MagicMock

import cv2
import numpy as np
import PIL.Image
import pytest
from mmengine.config import Config
from mmengine.registry import VISBACKENDS
from mmengine.runner import set_random_seed
from mmengine.visualization import BaseVisBackend
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from custom_modules.api import load
from custom_modules.base.errors import UserError
from custom_modules.commands.train import train
from custom_modules.config import LoadedConfig, load_config
from custom_modules.engine.hooks.validation_pictures_hook import NAME
from custom_modules.engine.seen_images import seen_by_network
from custom_modules.visualization.contact_sheet import Example, grid
from tests.conftest import TINY
from tests.same_training import assert_same_training

CONFIG = 'configs/sample/unet_sample.py'
NARROW = [
    *TINY,
    'model.backbone.channels=[4,8]',
    'model.decode_head.in_channels=[4,8]',
    'model.decode_head.channels=[4]',
]
SIDE = 32


def tiny(sample: Path, name: str, *more: str) -> LoadedConfig:
    config = load_config(CONFIG, [*NARROW, f'data_root={sample}', *more])
    config.resolved.experiment_name = name
    return config


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """A stand-in for the package; returns what is logged."""
    logged: list[dict] = []
    module = ModuleType('wandb')
    vars(module).update(
        init=lambda **_: None,
        log=lambda values, **_: logged.append(values),
        Image=np.copy,
        config=SimpleNamespace(update=lambda *_, **__: None),
        run=SimpleNamespace(log_code=lambda **_: None),
        join=lambda: None,
    )
    monkeypatch.setitem(sys.modules, 'wandb', module)
    return logged


def test_pictures_for_mlflow_have_the_names_of_files(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It passes a picture's name to Pillow, which asks for an ending that it knows."""
    mlflow, pictures = MagicMock(), []

    def log_image(image: np.ndarray, artifact_file: str) -> None:
        PIL.Image.fromarray(image).save(tmp_path / artifact_file.replace('/', '_'))
        pictures.append(artifact_file)

    mlflow.log_image = log_image
    monkeypatch.setitem(sys.modules, 'mlflow', mlflow)
    config = tiny(sample, 'mlflow', 'max_epochs=1')
    config.resolved.visualizer['vis_backends'] = [dict(type='MLflowVisBackend')]
    train(config, str(tmp_path / 'runs'))
    assert pictures == [f'{NAME}_1.png']


class BadTracker(BaseVisBackend):
    """Reseeds everything, as ClearML does, and fails when told to."""

    def __init__(self, save_dir: str, fails_at: int | None = None) -> None:
        super().__init__(save_dir)
        self.fails_at, self.steps = fails_at, []

    def _init_env(self) -> None:
        pass

    @property
    def experiment(self) -> None:
        return None

    def add_config(self, config: Config, **kwargs: object) -> None:
        self.add_scalars({}, 0)

    def add_scalars(
        self, scalar_dict: dict, step: int = 0, file_path: str | None = None, **kwargs: object
    ) -> None:
        set_random_seed(1337)
        self.steps.append(step)
        if self.fails_at is not None and step >= self.fails_at:
            raise ConnectionError('the network is gone\nand a long story')


def test_a_tracker_neither_bends_nor_ends_a_run(sample: Path, tmp_path: Path) -> None:
    runs = {}
    VISBACKENDS.register_module(module=BadTracker, force=True)
    for name, bad in (('none', []), ('good', [{}]), ('fails', [dict(fails_at=1)])):
        config = tiny(sample, f'tracker_{name}')
        own = [dict(type='BadTracker', **settings) for settings in bad]
        config.resolved.visualizer['vis_backends'] = [*own, dict(type='LocalVisBackend')]
        runs[name] = train(config, str(tmp_path / name))
    assert_same_training(runs['none'], runs['good'])
    assert_same_training(runs['none'], runs['fails'])
    log = (runs['fails'] / 'train.log').read_text()
    warning = 'failed and is left out from here on; the run goes on: the network is gone\n'
    assert log.count(warning) == 1

    config = tiny(sample, 'tracker_dead')
    config.resolved.visualizer['vis_backends'] = [dict(type='BadTracker', fails_at=0)]
    with pytest.raises(UserError, match=r'BadTracker does not start: the network is gone$'):
        train(config, str(tmp_path / 'dead'))


def test_every_tracker_gets_the_same_names(sample: Path, tmp_path: Path, wandb: list[dict]) -> None:
    config = tiny(sample, 'pictures', 'max_epochs=4', 'picture_interval=3')
    backends = ('LocalVisBackend', 'TensorboardVisBackend', 'WandbVisBackend')
    config.resolved.visualizer['vis_backends'] = [dict(type=backend) for backend in backends]
    run = train(config, str(tmp_path))
    lines = (run / 'vis_data' / 'scalars.json').read_text().splitlines()
    local = {name for line in lines for name in json.loads(line)} - {'step'}
    events = EventAccumulator(str(run / 'vis_data'), size_guidance=dict(images=0)).Reload()
    assert {'train/loss', 'valid/dice', 'step/loss', 'learning_rate'} <= local
    assert set(events.Tags()['scalars']) == local
    assert {name for values in wandb for name in values} == local | {'valid_pictures'}

    # After the first epoch, the third and the last.
    assert [event.step for event in events.Images('valid_pictures')] == [1, 3, 4]
    saved = sorted((run / 'vis_data' / 'vis_image').iterdir())
    assert [path.name for path in saved] == [f'valid_pictures_{n}.png' for n in (1, 3, 4)]
    last = cv2.imread(str(saved[-1]))[..., ::-1]
    pictures = [values['valid_pictures'] for values in wandb if 'valid_pictures' in values]
    assert len(pictures) == 3 and np.array_equal(pictures[-1], last)
    check_picture(last, config, run)


def check_picture(picture: np.ndarray, config: LoadedConfig, run: Path) -> None:
    """Compose the picture from the data and the last weights: images 0, 2, 3 and 5 of six."""
    assert picture.shape == (4 * SIDE, 4 * SIDE, 3)
    samples = list(seen_by_network(config.resolved, 'val'))
    model = load(run / 'config.py', run / 'last.pth')
    for row, index in enumerate((0, 2, 3, 5)):
        image, truth = samples[index].image, samples[index].mask
        mask = model(image).mask  # it is of the network's size already
        dark = (image.mean(axis=2, keepdims=True) * 0.35).round()
        cells = picture[row * SIDE : (row + 1) * SIDE]
        assert np.array_equal(cells[:, :SIDE], image)
        assert np.array_equal(
            cells[:, SIDE : 2 * SIDE], np.where(truth[..., None] == 1, image, dark)
        )
        assert np.array_equal(
            cells[:, 2 * SIDE : 3 * SIDE], np.where(mask[..., None] == 1, image, dark)
        )
        errors = (cells[:, 3 * SIDE :] != image).any(axis=2)
        # A pixel of the colour's own value may look the same.
        assert not (errors & (truth == mask)).any()
        assert errors.sum() == pytest.approx((truth != mask).sum(), abs=5)


def test_no_pictures(sample: Path, tmp_path: Path) -> None:
    run = train(tiny(sample, 'no_pictures', 'picture_interval=0', 'max_epochs=1'), str(tmp_path))
    assert not list(run.glob('vis_data/vis_image/*'))


def test_large_images_are_shrunk() -> None:
    mask = np.zeros((300, 600), np.uint8)
    example = Example('a', np.zeros((300, 600, 3), np.uint8), mask, mask)
    other = Example('b', np.zeros((50, 70, 3), np.uint8), mask[:50, :70], mask[:50, :70])
    assert grid([example, other], largest=200).shape == (2 * 100, 4 * 200, 3)
