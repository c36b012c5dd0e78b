"""Networks of a cross-validation as one model, whose probability is the mean of theirs."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS

from custom_modules.api import load
from custom_modules.base.errors import UserError
from custom_modules.commands.publish_ensemble import publish_ensemble
from custom_modules.commands.test import test as score
from custom_modules.config import load_config
from custom_modules.datasets.image_io import read_image
from custom_modules.export.ensemble import ensemble_config, joined
from custom_modules.export.real_batches import split_to_compare
from custom_modules.models.foreground_logits import foreground_logits
from custom_modules.runs.initial_weights import start_from
from tests.conftest import Command
from tests.corpus.splits import write_pairs

pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')
safetensors = pytest.importorskip('safetensors.torch')

CONFIG = 'configs/sample/unet_sample.py'


@pytest.fixture(scope='module')
def options(sample: Path) -> list[str]:
    few = ['test_dataloader.dataset.indices=4', 'num_workers=0', 'precision=fp32']
    return [f'data_root={sample}', 'image_size=64', *few]


@pytest.fixture(scope='module')
def folds(options: list[str], checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-validation of two networks, whose out-of-fold metrics are those of a test."""
    folder = tmp_path_factory.mktemp('folds')
    trained = torch.load(checkpoint, weights_only=True)
    training = dict(epochs=2, max_epochs=2, minutes=1.5, device='a CPU', precision='float32')
    torch.manual_seed(1)
    for fold in range(2):
        run = folder / 'folds' / str(fold) / '2000'
        run.mkdir(parents=True)
        weights = {
            name: weight + 0.02 * torch.randn_like(weight) * (weight.ndim > 1)
            if weight.is_floating_point()
            else weight
            for name, weight in trained['state_dict'].items()
        }
        meta = dict(epoch=2, iter=8, training=training, train_images=['seen', f'by {fold}'])
        torch.save(dict(state_dict=weights, meta=meta), run / 'last.pth')
    results = folder / 'out_of_fold'
    score(load_config(CONFIG, options), str(checkpoint), str(results), quick=True)
    metrics = json.loads((results / 'metrics.json').read_text())
    metrics |= dict(split='out of 2 folds', folds=2)
    metrics['validation'] = dict(best_threshold=0.42, best_Dice=0.75)
    (results / 'metrics.json').write_text(json.dumps(metrics))
    return folder


@pytest.fixture(scope='module')
def published(options: list[str], folds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('published') / 'both'
    publish_ensemble(load_config(CONFIG, options), folds, folder, images=4)
    return folder


@pytest.mark.parametrize(
    'recipe', [CONFIG, 'configs/reports/r2_unet.py', 'configs/reports/r1_resnet34_unet.py']
)
def test_the_mean_of_the_probabilities(recipe: str) -> None:
    """Of one output channel and of two; encoders tell their widths, or configs do."""
    config = load_config(recipe, ['width=0.0625'] if 'reports' in recipe else [])
    torch.manual_seed(0)
    members = [MODELS.build(config.resolved.model).eval() for _ in range(3)]
    ensemble = MODELS.build(ensemble_config(config, 3).resolved.model).eval()
    weights = joined([dict(state_dict=member.state_dict()) for member in members])['state_dict']
    ensemble.load_state_dict(weights)
    images = 50 * torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        expected = torch.stack([member(images).sigmoid() for member in members]).mean(0)
        found = ensemble(images).sigmoid()
        logits = ensemble.network(images)
    assert torch.allclose(found, expected, atol=1e-6)
    assert logits.shape[1] == members[0].decode_head.out_channels
    assert torch.allclose(foreground_logits(logits).sigmoid(), expected, atol=1e-6)
    assert expected.std() > 0.001
    assert ensemble.decode_head.size_divisor == members[0].decode_head.size_divisor


def test_the_published_folder(
    published: Path, folds: Path, options: list[str], sample: Path, run_tool: Command
) -> None:
    """Predicted, exported and tested like any other, and as the mean of its members."""
    photograph = sorted((sample / 'images').glob('*.jpg'))[0]
    small = np.ascontiguousarray(read_image(photograph)[:64, :64, ::-1])
    weights = [folds / 'folds' / str(fold) / '2000' / 'last.pth' for fold in range(2)]
    members = [load(CONFIG, path, options=options)(small).probability for path in weights]
    expected = np.mean(members, axis=0)
    ways = (published, published / 'model.safetensors', published / 'model.onnx')
    for model in (load(published), *(load(published, way) for way in ways)):
        found = model(small).probability
        assert np.abs(found - expected).max() < 1e-4
        assert model.threshold == 0.5
    assert np.abs(members[0] - expected).max() > 0.005
    card = (published / 'README.md').read_text()
    for said in (
        'The mean probability of 2 networks (UNetEncoder with UNetHead), each trained without',
        '4 images of the split `out of 2 folds`',
        'The metrics are out of fold: each image was seen by the one network that did not train',
    ):
        assert said in card
    done = run_tool('test.py', published, '--out', 'tested', '--quick', '--tta')
    assert done.returncode == 0, done.stderr
    done = run_tool('predict.py', published, photograph, '--out', 'p')
    assert done.returncode == 0, done.stderr
    done = run_tool('publish.py', CONFIG, folds, 'again', '--small', '--images', '0',
                    '--tune-threshold', '--cfg-options', *options)  # fmt: skip
    assert done.returncode == 0, done.stderr
    again = Path(done.stdout.splitlines()[0].partition(':')[0]).parent
    metas = safetensors.safe_open(published / 'model.safetensors', 'pt').metadata()
    meta = json.loads(metas['petseg'])
    assert meta['train_images'] == ['by 0', 'by 1', 'seen']
    assert (meta['training']['minutes'], meta['training']['members']) == (3.0, 2)
    assert again.name == 'again'


def test_a_threshold_of_all_images(
    published: Path, folds: Path, options: list[str], tmp_path: Path
) -> None:
    config = load_config(CONFIG, options)
    publish_ensemble(config, folds, tmp_path / 'tuned', tuned=True, images=0, small=True)
    assert load(tmp_path / 'tuned').threshold == 0.42
    card = (tmp_path / 'tuned' / 'README.md').read_text()
    assert 'Threshold of this model: 0.42, tuned on the same images (Dice 0.7500' in card
    assert 'Threshold of this model' not in (published / 'README.md').read_text()


def test_an_ensemble_does_not_train(published: Path, options: list[str]) -> None:
    model = MODELS.build(load_config(CONFIG, options).resolved.model)
    with pytest.raises(UserError, match=r'is an ensemble, .* name one of its members'):
        start_from(model, published)
    ensemble = MODELS.build(load_config(published).resolved.model).train()
    with pytest.raises(UserError, match='an ensemble predicts and does not train'):
        ensemble(torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize(
    ('fractions', 'split'), [('(0.6,0.2,0.2)', 'test'), ('(0.8,0.2,0.0)', 'train')]
)
def test_without_a_test_split_others_are_compared_on(
    fractions: str, split: str, tmp_path: Path
) -> None:
    """As all images may be those of a cross-validation."""
    write_pairs(tmp_path, [f'p{number}' for number in range(10)])
    options = [f'data_root={tmp_path}', f'fractions={fractions}']
    config = load_config('configs/binary_masks_unet.py', options)
    assert split_to_compare(ensemble_config(config, 2).resolved) == split
