"""Published models: a folder that loads in a clean process, and in which nothing is executed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from custom_modules.api import load
from custom_modules.base.errors import UserError
from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.commands.publish import publish
from custom_modules.commands.test import test as score
from custom_modules.config import load_config
from custom_modules.export.model_card import Compared, model_card
from custom_modules.export.parity import Parity
from custom_modules.models.precision import resolve_dtype
from custom_modules.runs.checkpoint_io import load_checkpoint
from custom_modules.runs.named_model import results_folder
from custom_modules.runs.safetensors_io import as_float16
from tests.conftest import ROOT, Command

pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')
safetensors = pytest.importorskip('safetensors.torch')

CONFIG = 'configs/sample/unet_sample.py'


@pytest.fixture(scope='module')
def options(sample: Path) -> list[str]:
    few = ['test_dataloader.dataset.indices=6', 'num_workers=0']
    threshold = 'model.threshold=0.4'
    return [f'data_root={sample}', 'image_size=64', 'precision=fp32', threshold, *few]


#: A metric of one's own that says nothing of itself, and of which no table is broken.
METRIC = """
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS


@METRICS.register_module()
class Seen(BaseMetric):
    default_prefix = 'a|b'

    def process(self, data_batch, data_samples):
        self.results += data_samples

    def compute_metrics(self, results):
        return dict(seen=len(results))
"""


@pytest.fixture(scope='module')
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample config with a metric of one's own."""
    path = tmp_path_factory.mktemp('recipe') / 'recipe.py'
    path.with_name('metric_of_the_recipe.py').write_text(METRIC)
    evaluator = "[dict(type='DiceMetric'), dict(type='Seen')]"
    path.write_text(
        f"_base_ = '{ROOT / CONFIG}'\ncustom_imports = dict(imports=['metric_of_the_recipe'])\n"
        f'evaluator = {evaluator}\n'
    )
    return path


@pytest.fixture(scope='module')
def tested(
    recipe: Path, options: list[str], checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp('tested')
    score(load_config(recipe, options), str(checkpoint), str(out), quick=True)
    return out / 'metrics.json'


@pytest.fixture(scope='module')
def published(
    recipe: Path,
    options: list[str],
    checkpoint: Path,
    tested: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp('published') / 'pet'
    own = [option for option in options if 'threshold' not in option]  # the metrics have theirs
    own.append('device=cpu')  # of this machine, and not of whoever loads it
    publish(load_config(recipe, own), str(checkpoint), folder, metrics=[tested], images=6)
    return folder


def test_the_folder(published: Path, checkpoint: Path, tested: Path) -> None:
    names = ['README.md', 'config.json', 'examples.jpg', 'metrics.json']
    names += ['model.onnx', 'model.safetensors']
    assert sorted(path.name for path in published.iterdir()) == names
    weights = load_checkpoint(checkpoint)['state_dict']
    written = safetensors.load_file(published / 'model.safetensors')
    assert weights.keys() == written.keys()
    assert all(torch.equal(weights[name], written[name]) for name in weights)
    metrics = json.loads((published / 'metrics.json').read_text())
    assert metrics == json.loads(tested.read_text())
    config = json.loads((published / 'config.json').read_text())
    assert config['evaluator'] == [dict(type='DiceMetric')] and 'custom_imports' not in config
    assert config['device'] == 'auto' and config['env_cfg']['device'] == '$device'
    assert load(published).threshold == metrics['threshold'] == 0.4
    card = (published / 'README.md').read_text()
    for said in (
        f'| Dice, mean over images | {metrics["Dice"]:.4f}',
        '| a\\|b/seen | 6.0000 |',
        '6 images of the split `test`, border = foreground, 64x64',
        'CC BY-SA 4.0',
        'license: cc-by-sa-4.0',
        '# pet\n',
        "model = petseg.load('FOLDER')",
        "6 images of the split 'test'",
    ):
        assert said in card


def test_a_small_folder(
    recipe: Path, options: list[str], checkpoint: Path, tested: Path, sample: Path, tmp_path: Path
) -> None:
    """Half the weights, no ONNX file, another resolution on the card; the masks stay."""
    original = tmp_path / 'original.json'
    values = json.loads(tested.read_text()) | dict(resolution='original', Dice=0.125)
    values['intervals'] = dict(Dice=[0.0625, 0.25])
    original.write_text(json.dumps(values))
    folder = tmp_path / 'small'
    config = load_config(recipe, [one for one in options if 'threshold' not in one])
    written = publish(
        config, str(checkpoint), folder, metrics=[tested, original], images=6, small=True
    )
    names = ['README.md', 'config.json', 'examples.jpg', 'metrics.json', 'metrics_original.json']
    assert [path.name for path in written] == [*names, 'model.safetensors']
    trained = load_checkpoint(checkpoint)['state_dict']
    kept = load_checkpoint(folder)['state_dict']
    for name, weight in trained.items():
        rounded = weight.half() if weight.ndim > 1 else weight
        assert kept[name].dtype == rounded.dtype and torch.equal(kept[name], rounded), name
    card = (folder / 'README.md').read_text()
    assert "| | 64x64 | at the photographs' own size |" in card
    assert '| 0.1250 (95 % interval 0.0625 to 0.2500) |' in card
    assert 'Weights are kept in 16 bits: 6 images' in card and 'model.onnx' not in card
    photographs = sorted((sample / 'images').glob('*.jpg'))[:4]
    ways = (load(folder), load(CONFIG, checkpoint, options=options))
    for small, whole in zip(*(way.predict(photographs) for way in ways), strict=True):
        assert np.allclose(small.probability, whole.probability, atol=2e-3)
    for wrong in ([tested, tested], [tested, tmp_path / 'none.json']):
        with pytest.raises(UserError, match=r'its resolution is input|there is no such file'):
            publish(config, str(checkpoint), tmp_path / 'new', metrics=wrong, images=0)
    original.write_text(json.dumps(values | dict(threshold=0.75)))
    with pytest.raises(UserError, match=r'its threshold is 0\.75, that of .* 0\.4'):
        publish(config, str(checkpoint), tmp_path / 'new', metrics=[tested, original], images=0)
    trained['backbone.levels.0.0.weight'][0] = 7e4
    with pytest.raises(UserError, match='weights beyond float16'):
        as_float16(dict(state_dict=trained))


def test_it_loads_in_a_clean_process(
    published: Path, options: list[str], checkpoint: Path, sample: Path, tmp_path: Path
) -> None:
    """With the three lines of the card; masks are those of the checkpoint."""
    photograph = sorted((sample / 'images').glob('*.jpg'))[0]
    card = (published / 'README.md').read_text()
    code = card.split('```python\n')[1].split('```')[0]
    code = code.replace('FOLDER', str(published)).replace('photograph.jpg', str(photograph))
    code += f'\nimport numpy\nnumpy.save({str(tmp_path / "mask.npy")!r}, mask)\n'
    subprocess.run([sys.executable, '-c', code], cwd=ROOT, check=True)
    expected = load(CONFIG, checkpoint, options=options)(photograph).mask
    assert np.array_equal(np.load(tmp_path / 'mask.npy'), expected)
    assert 0 < expected.mean() < 1
    by_onnx = load(published, published / 'model.onnx')
    assert by_onnx.network.description == 'ONNX Runtime, fp32'
    assert np.array_equal(by_onnx(photograph).mask, expected)


def test_the_fastest_way_of_this_machine(
    published: Path, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenVINO where it is installed, or else PyTorch, both in the precision of the folder."""
    pytest.importorskip('openvino')
    photographs = sorted((sample / 'images').glob('*.jpg'))[:4]
    # Of this hardly trained net, bfloat16 moves more than a pixel in a thousand.
    assert json.loads((published / 'config.json').read_text())['precision'] == 'fp32'
    fast = 'bfloat16' if resolve_dtype('auto', 'cpu') == torch.bfloat16 else 'float32'
    wanted = ('float32', fast)
    by_openvino, fast_openvino = (load(published, options=o) for o in ([], ['precision=auto']))
    monkeypatch.setattr('importlib.util.find_spec', lambda _: None)
    by_torch, fast_torch = (load(published, options=o) for o in ([], ['precision=auto']))
    ways = {'OpenVINO': (by_openvino, fast_openvino), 'PyTorch': (by_torch, fast_torch)}
    for name, models in ways.items():
        assert [m.network.description for m in models] == [f'{name}, {dtype}' for dtype in wanted]
        assert {m.threshold for m in models} == {0.4}
    pairs = zip(by_openvino.predict(photographs), by_torch.predict(photographs), strict=True)
    assert all(np.array_equal(one.mask, other.mask) for one, other in pairs)
    pairs = zip(fast_openvino.predict(photographs), by_torch.predict(photographs), strict=True)
    assert np.mean([(one.mask == other.mask).mean() for one, other in pairs]) > 0.98


def test_an_onnx_file_of_other_weights_is_not_used(published: Path, tmp_path: Path) -> None:
    pytest.importorskip('openvino')
    folder = tmp_path / 'pet'
    shutil.copytree(published, folder)
    assert load(folder).network.description == 'OpenVINO, float32'
    path = folder / 'model.safetensors'
    weights = safetensors.load_file(path)
    weights[next(name for name in weights if name.endswith('.bias'))] += 1
    safetensors.save_file(weights, path)
    assert load(folder).network.description == 'PyTorch, float32'


@pytest.mark.parametrize(
    ('flipped', 'difference', 'keeps'),
    [(0.001, 0.0005, True), (0.0011, 0, False), (0, -0.0006, False)],
)
def test_when_masks_are_kept(flipped: float, difference: float, keeps: bool) -> None:
    assert Parity(9, 'test', 0.1, flipped, 0.9, difference).keeps_the_masks is keeps


def test_the_tools_take_it(
    run_tool: Command, published: Path, tested: Path, sample: Path, tmp_path: Path
) -> None:
    metrics = json.loads(tested.read_text())
    for weights in (published, published / 'model.safetensors', published / 'model.onnx'):
        done = run_tool('test.py', published, weights, '--out', weights.name, '--quick')
        assert done.returncode == 0, done.stderr
        found = json.loads((tmp_path / weights.name / 'metrics.json').read_text())
        assert found['Dice'] == pytest.approx(metrics['Dice'], abs=1e-6)
    photograph = sorted((sample / 'images').glob('*.jpg'))[0]
    for model in ([published], [published, published], [published, published / 'model.onnx']):
        done = run_tool('predict.py', *model, photograph, '--out', f'p{len(model)}', '--overwrite')
        assert done.returncode == 0, done.stderr
    # The folder alone is enough, options may stand anywhere, and nothing is written into it.
    before = {path: path.read_bytes() for path in published.iterdir()}
    done = run_tool('predict.py', published, '--out', 'p', '--save', 'mask', '--', photograph)
    assert done.returncode == 0, done.stderr
    for tool in (['test.py', '--quick'], ['export.py', '--images', '0']):
        done = run_tool(tool[0], published, *tool[1:], '--out', f'{tool[0]}.onnx')
        assert done.returncode == 0, done.stderr
    assert before == {path: path.read_bytes() for path in published.iterdir()}
    done = run_tool('test.py', CONFIG, '--quick')
    assert done.returncode == 2 and 'a config is followed by its checkpoint' in done.stderr
    assert results_folder(published / 'model.onnx') == PROJECT_ROOT / 'work_dirs' / 'pet'


def test_what_a_stranger_may_have_put_there(published: Path, tmp_path: Path) -> None:
    values = json.loads((published / 'config.json').read_text())
    code = tmp_path / 'code.py'
    code.write_text(f'open({str(tmp_path / "executed")!r}, "w")')
    hostile = tmp_path / 'config.json'
    for change in (dict(_base_='code.py'), dict(custom_imports=dict(imports=['code']))):
        hostile.write_text(json.dumps(values | change))
        with pytest.raises(UserError, match='is not allowed in a config that is data'):
            load_config(tmp_path)
    for text in ('[]', '{', '{}', 'import os'):
        hostile.write_text(text)
        with pytest.raises(UserError, match=r'config\.json'):
            load_config(tmp_path)
    assert not (tmp_path / 'executed').exists()
    damaged = tmp_path / 'model.safetensors'
    data = (published / 'model.safetensors').read_bytes()
    for content in (b'', b'no tensors', data[:1000], b'\xff' * 16 + data):
        damaged.write_bytes(content)
        with pytest.raises(UserError, match='damaged or no file of safetensors'):
            load_checkpoint(tmp_path)


def test_mistakes(
    run_tool: Command, options: list[str], checkpoint: Path, tested: Path, tmp_path: Path
) -> None:
    """Nothing is replaced unasked, and no model is published without its metrics."""
    (tmp_path / 'mine').mkdir()
    config = load_config(CONFIG, options)
    for overwrite in (False, True):
        with pytest.raises(UserError, match='mine: is there already; choose another'):
            publish(
                config, str(checkpoint), tmp_path / 'mine', metrics=[tested], overwrite=overwrite
            )
    averaged = tmp_path / 'averaged.json'
    averaged.write_text(json.dumps(json.loads(tested.read_text()) | dict(tta=dict(scales=[1]))))
    with pytest.raises(UserError, match='is of averaged views'):
        publish(config, str(checkpoint), tmp_path / 'new', metrics=[averaged])
    averaged.unlink()
    # What nobody could load is not written: a module of one's own would have to be executed.
    (tmp_path / 'mine.py').write_text(
        f"_base_ = '{ROOT / CONFIG}'\ncustom_imports = dict(imports=['math'])\n"
    )
    own = load_config(tmp_path / 'mine.py', options)
    with pytest.raises(UserError, match=r'mine\.py: cannot be published: .*custom_imports'):
        publish(own, str(checkpoint), tmp_path / 'new', metrics=[tested])
    assert not (tmp_path / 'new').exists()
    (tmp_path / 'mine.py').unlink()
    words = ['publish.py', CONFIG, checkpoint, 'new', '--images', '0', '--cfg-options', *options]
    done = run_tool(*words)
    assert (done.returncode, 'run tools/test.py first' in done.stderr) == (2, True)
    for more, status in ((['--metrics', tested], 0), (['--metrics', tested], 2)):
        done = run_tool(*words[:4], *more, *words[4:])
        assert done.returncode == status, done.stderr
    assert 'is there already; add --overwrite' in done.stderr
    done = run_tool(*words[:4], '--overwrite', '--metrics', tested, *words[4:])
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {'mine', 'new'}


def test_the_card_of_own_data(options: list[str], tested: Path, tmp_path: Path) -> None:
    """It claims no licence for data that it does not know, and says what a person would say."""
    folder = tmp_path / 'my_cats' / '20260101_000000'
    folder.mkdir(parents=True)
    (folder / 'config.py').write_text(
        '# Config: /home/me/my_cats.py\n' + load_config(CONFIG, options).text
    )
    config = load_config(folder / 'config.py')
    config.resolved.test_dataloader['dataset']['type'] = 'BinaryMaskDataset'
    training = dict(epochs=8, max_epochs=12, minutes=0.5, device='a CPU', precision='float32')
    training['teacher'] = 'wide/best.pth (0123456789ab)'
    metrics = json.loads(tested.read_text()) | dict(border='', training=training)
    card = model_card('cats', config.resolved, [metrics], Compared())
    assert 'license: unknown\n' in card and '# cats\n' in card and 'border' not in card
    assert (
        '`my_cats.py`: the weights of epoch 8 of 12, after 30 seconds on a CPU, float32. It' in card
    )
    assert ' It learned from a teacher too: `wide/best.pth (0123456789ab)`.' in card
