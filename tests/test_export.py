"""Exported models: the same masks in every format, at any batch and size, or no file at all."""

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS

from custom_modules.api import load
from custom_modules.base.errors import UserError
from custom_modules.commands.export import OutOfToleranceError, export
from custom_modules.config import load_config
from custom_modules.export.exportable_model import ExportableModel
from custom_modules.export.exported_files import load_exported
from custom_modules.export.formats import FORMATS
from custom_modules.export.metadata import METADATA, read_metadata
from custom_modules.export.openvino_files import OpenVinoNetwork, openvino_model
from custom_modules.export.parity import compare
from custom_modules.export.real_batches import real_batches
from custom_modules.models.precision import resolve_dtype
from custom_modules.runs.checkpoint_io import load_checkpoint, load_weights
from tests.conftest import ROOT, Command

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')
pytest.importorskip('onnxscript')
pytest.importorskip('openvino')

pytestmark = pytest.mark.usefixtures('converted_once')

CONFIG = 'configs/sample/unet_sample.py'
#: Formats of the project; tests of one's own may add theirs later.
OWN = tuple(FORMATS)
#: One system for each decoder, normalisation and number of channels that the reports have.
SYSTEMS = ['r0_resnet34_unet', 'r1_unet', 'r2_unet', 'r3_resnet34_unet']


def options(sample: Path) -> list[str]:
    return [f'data_root={sample}', 'image_size=64', 'precision=fp32']


@pytest.mark.parametrize('system', SYSTEMS)
def test_the_exportable_model_is_the_model(system: str) -> None:
    """The logits that the model gives for BGR pixels, from RGB ones."""
    config = load_config(f'configs/reports/{system}.py', ['width=0.0625']).resolved
    model = MODELS.build(config.model).eval()
    network = ExportableModel(model)
    side = 2 * network.size_divisor
    rgb = torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8)
    with torch.no_grad():
        inputs = model.data_preprocessor(dict(inputs=rgb.flip(1)))['inputs']
        assert torch.equal(network(rgb), model(inputs))


@pytest.mark.parametrize(
    ('name', 'system'),
    # OpenVINO reads the ONNX model, so one system is enough for it.
    [(name, 'r2_unet') for name in FORMATS]
    + [(name, 'r0_resnet34_unet') for name in FORMATS if name != 'openvino'],
)
def test_any_batch_and_any_size(system: str, name: str, tmp_path: Path) -> None:
    config = load_config(f'configs/reports/{system}.py', ['width=0.0625']).resolved
    network = ExportableModel(MODELS.build(config.model))
    kind = FORMATS[name]
    path = tmp_path / f'model{kind.suffix}'
    kind.save(kind.convert(network, None), path, dict(a=1))
    read = kind.read(path)
    divisor = network.size_divisor
    generator = np.random.default_rng(0)
    for batch, height, width in ((1, 2, 2), (3, 2, 5), (2, 4, 3)):
        shape = (batch, 3, height * divisor, width * divisor)
        images = generator.integers(0, 256, shape, dtype=np.uint8)
        with torch.no_grad():
            expected = network(torch.from_numpy(images)).numpy()
        np.testing.assert_allclose(read(images), expected, atol=2e-5)
    for file in tmp_path.iterdir():  # may be given to others
        content = b''.join(contents(file))
        assert str(ROOT).encode() not in content
        assert b'site-packages' not in content


def contents(file: Path) -> Iterator[bytes]:
    """Yield what is in a file, unpacked if it is an archive."""
    if not zipfile.is_zipfile(file):
        yield file.read_bytes()
        return
    with zipfile.ZipFile(file) as archive:
        yield from map(archive.read, archive.namelist())


@pytest.mark.parametrize('precision', ['fp32', 'int8', 'fp16'])
@pytest.mark.parametrize('name', ['onnx', 'openvino'])
def test_a_trained_net(
    sample: Path, checkpoint: Path, tmp_path: Path, name: str, precision: str
) -> None:
    config = load_config(CONFIG, options(sample))
    suffixes = [*FORMATS[name].companions, FORMATS[name].suffix]
    out = str(tmp_path / f'model{suffixes[-1]}')
    path, parity = export(
        config, str(checkpoint), name, out, precision=precision, images=10, tolerance=0.05
    )
    assert parity is not None
    assert parity.images == 10
    if precision == 'fp32':
        assert (parity.dice_difference, parity.flipped) == (0, 0)
        assert parity.probability < 1e-4
    else:
        assert 0 < parity.probability < 0.5
    network, metadata = load_exported(path)
    assert metadata['parity'] == parity.as_dict()
    assert metadata['threshold'] == 0.5
    assert metadata['precision'] == precision
    assert metadata['size_divisor'] == 8
    assert {'type': 'ResizeForScoring', 'scale': 64}.items() <= metadata['pipeline'][2].items()
    if name == 'onnx':
        kinds = {node.op_type for node in onnx.load(str(path)).graph.node}
        assert ('QuantizeLinear' in kinds) == (precision == 'int8')
    else:
        assert isinstance(network, OpenVinoNetwork)
        assert ('FakeQuantize' in path.read_text()) == (precision == 'int8')
        bfloat16 = precision == 'fp16' and resolve_dtype('auto', 'cpu') == torch.bfloat16
        assert network.dtype == ('bfloat16' if bfloat16 else 'float32')
    assert sorted(file.name for file in tmp_path.iterdir()) == [f'model{s}' for s in suffixes]


@pytest.mark.parametrize(('name', 'runtime'), [('onnx', 'ONNX Runtime'), ('openvino', 'OpenVINO')])
def test_predictions_and_metrics_of_a_file(
    run_tool: Command, sample: Path, checkpoint: Path, tmp_path: Path, name: str, runtime: str
) -> None:
    """``predict.py`` and ``test.py`` take the file as they take the checkpoint."""
    config = load_config(CONFIG, options(sample))
    path = str(tmp_path / f'model{FORMATS[name].suffix}')
    export(config, str(checkpoint), name, path, images=0)
    photographs = sorted((sample / 'images').glob('*.jpg'))[:3]
    first = load(CONFIG, checkpoint, options=options(sample))
    # Precision is the file's: that of a recipe for GPUs does not matter.
    second = load(CONFIG, path, options=[*options(sample), 'precision=fp16'])
    for one, other in zip(first.predict(photographs), second.predict(photographs), strict=True):
        assert np.array_equal(one.mask, other.mask)
        np.testing.assert_allclose(one.probability, other.probability, atol=1e-5)
    tiny = [*options(sample), 'test_dataloader.dataset.indices=6', 'num_workers=0']
    metrics = []
    for weights, out in ((checkpoint, 'a'), (path, 'b')):
        arguments = ['test.py', CONFIG, weights, '--out', out, '--quick', '--cfg-options', *tiny]
        done = run_tool(*arguments)
        assert done.returncode == 0, done.stderr
        metrics.append(json.loads((tmp_path / out / 'metrics.json').read_text()))
    for key in ('Dice', 'IoU', 'Dice_global', 'loss', 'threshold', 'num_images'):
        assert metrics[0][key] == pytest.approx(metrics[1][key], abs=1e-5), key
    arguments = ['predict.py', CONFIG, path, photographs[0], '--out', 'p']
    done = run_tool(*arguments, '--cfg-options', *options(sample))
    assert (done.returncode, f'{runtime}, fp32' in done.stdout) == (0, True), done.stderr


def test_the_example_of_the_page(
    sample: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without this project, the masks are the same."""
    page = (ROOT / 'docs' / 'deploy.md').read_text(encoding='utf-8')
    code = re.findall(r'```python\n(.*?)```', page, re.DOTALL)[0]
    assert code.count('(256, 256)') == 1
    monkeypatch.chdir(tmp_path)
    config = load_config(CONFIG, options(sample))
    export(config, str(checkpoint), 'onnx', 'best.onnx', images=0)
    shutil.copy(sorted((sample / 'images').glob('*.jpg'))[0], 'cat.jpg')
    names: dict = {}
    exec(code.replace('(256, 256)', '(64, 64)'), names)
    expected = load(CONFIG, checkpoint, options=options(sample))('cat.jpg')
    assert names['probability'] == pytest.approx(expected.probability, abs=1e-3)
    assert (names['mask'] == expected.mask).mean() > 0.999


@pytest.mark.parametrize(
    'change', [dict(version=2), dict(size_divisor=0), dict(threshold='x'), dict(precision=None)]
)
def test_metadata_that_do_not_hold(change: dict) -> None:
    facts = dict(version=1, size_divisor=16, threshold=0.5, precision='fp32')
    path = Path('model.onnx')
    assert read_metadata(path, {METADATA: json.dumps(facts)}) == facts
    for text in (json.dumps(facts | change), '{', '[]', '[' * 100_000):
        with pytest.raises(UserError, match=r'model\.onnx: '):
            read_metadata(path, {METADATA: text})
    with pytest.raises(UserError, match=r'was not written by tools/export\.py'):
        read_metadata(path, {})


def test_another_network_is_found_out(sample: Path, checkpoint: Path) -> None:
    """What parity says of a network with other weights, compared with counts by hand."""
    config = load_config(CONFIG, options(sample)).resolved
    model = MODELS.build(config.model)
    load_weights(model, load_checkpoint(checkpoint), checkpoint)
    network = ExportableModel(model)

    def nothing(images: np.ndarray) -> np.ndarray:
        """No pixel is foreground."""
        return np.full((len(images), 1, *images.shape[2:]), -20.0, np.float32)

    found = compare(network, nothing, real_batches(config, 'test', 6), 0.5, 'test')
    ones = pixels = 0
    scores, empty = [], []
    for images, masks in real_batches(config, 'test', 6):
        with torch.no_grad():
            mask = network(torch.from_numpy(images))[:, 0].numpy() > 0
        ones, pixels = ones + mask.sum(), pixels + mask.size
        for one, truth in zip(mask, masks == 1, strict=True):
            total = one.sum() + truth.sum()
            scores.append(2 * (one & truth).sum() / total if total else 1.0)
            empty.append(0.0 if truth.any() else 1.0)
    assert found.flipped == ones / pixels
    assert found.dice == pytest.approx(np.mean(scores))
    assert found.dice_difference == pytest.approx(np.mean(empty) - np.mean(scores))


def test_out_of_tolerance_leaves_no_file(
    run_tool_here: Command,
    sample: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutOfToleranceError, match='1e-12 is allowed'):
        export(
            load_config(CONFIG, options(sample)),
            str(checkpoint),
            'onnx',
            str(tmp_path / 'model.onnx'),
            precision='int8',
            images=8,
            tolerance=1e-12,
        )
    arguments = ['export.py', CONFIG, checkpoint, '--int8', '--tolerance', '1e-12', '--images', 4]
    done = run_tool_here(*arguments, '--out', 'm.onnx', '--cfg-options', *options(sample))
    assert (done.returncode, 'not exported' in done.stderr) == (1, True), done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(out='model.pt'), 'ends in .onnx'),
        (dict(images=-1), '--images -1'),
        (dict(format_name='torchscript', precision='int8', out='m.pt'), '--int8 goes with'),
        (dict(checkpoint='/nowhere.pth'), 'nowhere.pth'),
        (dict(format_name='onx'), '--format onx: use one of onnx, .*did you mean onnx'),
    ],
)
def test_mistakes(
    sample: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = dict(checkpoint=str(checkpoint), format_name='onnx', out='m.onnx') | changes
    with pytest.raises(UserError, match=message):
        export(load_config(CONFIG, options(sample)), **arguments)
    assert list(tmp_path.iterdir()) == []


def test_the_help_names_every_format(run_tool: Command) -> None:
    said = ''.join(run_tool('export.py', '--help').stdout.split())  # lines end inside of names
    assert f'{",".join(OWN).replace("onnx", "onnx(default)", 1)},orone' in said


@pytest.mark.parametrize('name', ['onnx', 'openvino'])
def test_a_file_that_is_no_model(name: str, tmp_path: Path) -> None:
    suffix = FORMATS[name].suffix
    path = tmp_path / f'model{suffix}'
    path.with_suffix('.bin').touch()
    for content in (b'', b'no model', b'<net name="x" version="11"><layers/></net>', b'<net>'):
        path.write_bytes(content)
        with pytest.raises(UserError, match=rf'model{suffix}: (is no|was not written)'):
            load_exported(path)
    node = onnx.helper.make_node('Identity', ['x'], ['y'])
    value = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1]) for n in 'xy']
    graph = onnx.helper.make_graph([node], 'g', value[:1], value[1:])
    versions = [onnx.helper.make_opsetid('', 18)]
    model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=9)
    FORMATS[name].save(model if name == 'onnx' else openvino_model(model), path, {})
    with pytest.raises(UserError, match=r'was not written by tools/export\.py \(it has x, y, not'):
        load_exported(path)
    path.with_suffix('.bin').unlink()
    if name == 'openvino':
        with pytest.raises(UserError, match=r'model\.bin: there is no such file'):
            load_exported(path)
