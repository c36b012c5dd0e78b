"""Predicting what has no ground truth: pixels, names, files that cannot be read, memory."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import MODELS
from PIL import Image

from custom_modules.api import Predictor, load
from custom_modules.base.errors import UserError
from custom_modules.commands.predict import predict_files
from custom_modules.commands.test import test as score
from custom_modules.config import load_config
from custom_modules.datasets import OxfordPetDataset
from custom_modules.datasets.image_io import read_image
from custom_modules.models.windows import merge, spans, windows
from custom_modules.prediction.inputs import find_sources
from custom_modules.prediction.network import TorchNetwork
from custom_modules.prediction.outputs import PredictionWriter, prepare_folder, result_folders
from custom_modules.prediction.prediction import Prediction
from custom_modules.runs.checkpoint_io import save_checkpoint
from custom_modules.runs.tuned_threshold import stored_threshold
from tests.conftest import ROOT, TINY, Command

CONFIG = 'configs/sample/unet_sample.py'
NARROW = [
    'precision=fp32',
    *TINY,
    'model.backbone.channels=[4,8]',
    'model.decode_head.in_channels=[4,8]',
    'model.decode_head.channels=[4]',
]


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learnt nothing: its masks are speckled, so that no error hides."""
    torch.manual_seed(0)
    model = MODELS.build(load_config(CONFIG, NARROW).resolved.model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    path = tmp_path_factory.mktemp('checkpoint') / 'best.pth'
    save_checkpoint(dict(state_dict=model.state_dict(), meta={}), path)
    return path


@pytest.fixture
def model(checkpoint: Path) -> Predictor:
    return load(CONFIG, checkpoint, options=NARROW)


@pytest.fixture
def photographs(sample: Path, tmp_path: Path) -> Path:
    """A folder with three images of the sample, two of one name, and one in a folder below."""
    folder = tmp_path / 'photographs'
    (folder / 'größer').mkdir(parents=True)
    first, second, third = sorted((sample / 'images').glob('*.jpg'))[:3]
    (folder / 'cat.jpg').write_bytes(first.read_bytes())
    Image.open(second).save(folder / 'cat.png')
    (folder / 'größer' / '猫.jpg').write_bytes(third.read_bytes())
    (folder / '.hidden.jpg').write_bytes(b'')
    (folder / 'notes.txt').write_text('no image')
    return folder


def rows_of(folder: Path) -> list[dict[str, str]]:
    with open(folder / 'summary.csv', newline='', encoding='utf-8') as file:
        return list(csv.DictReader(file))


def read(path: Path) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)


def test_masks_are_those_of_a_test(
    model: Predictor, checkpoint: Path, sample: Path, tmp_path: Path
) -> None:
    options = [*NARROW, f'data_root={sample}', 'resolution=original']
    config = load_config(CONFIG, options)
    config.resolved.experiment_name = 'prediction'
    score(config, str(checkpoint), str(tmp_path / 'test'))
    dataset = OxfordPetDataset(str(sample), split='test', pipeline=[], indices=6)
    paths = [Path(dataset.get_data_info(index)['img_path']) for index in range(6)]
    shares = []
    for path, prediction in zip(paths, model.predict(paths), strict=True):
        tested = read(tmp_path / 'test' / 'masks' / f'{path.stem}.png')
        assert prediction.mask.shape == read_image(path).shape[:2] != (32, 32)
        assert np.array_equal(prediction.mask * 255, tested)
        shares.append(prediction.share)
    assert min(shares) > 0.02 and sum(shares) < 5  # nowhere all or nothing


def test_paths_arrays_and_pillow_are_one(model: Predictor, photographs: Path) -> None:
    path = photographs / 'cat.png'
    picture = Image.open(path)
    expected = model(path)
    for image in (str(path), np.asarray(picture), picture):
        prediction = model(image)
        assert np.array_equal(prediction.probability, expected.probability)
        assert np.array_equal(prediction.image, np.asarray(picture))
    for wrong, message in (
        (np.zeros((4, 4), np.uint8), r'shape \(4, 4\) and type uint8 is no image; give \(H, W, 3'),
        (np.zeros((4, 4, 3)), 'type float64 is no image'),
        (np.zeros((0, 4, 3), np.uint8), r'shape \(0, 4, 3\)'),
        (7, 'int is no image; give a path'),
    ):
        with pytest.raises(UserError, match=message):
            model(wrong)  # type: ignore[arg-type]


def test_a_batch_changes_nothing(model: Predictor, sample: Path) -> None:
    paths = sorted((sample / 'images').glob('*.jpg'))[:5]
    model.batch_size = 3
    together = [prediction.mask for prediction in model.predict(paths)]
    assert all(np.array_equal(model(p).mask, m) for p, m in zip(paths, together, strict=True))


def test_a_prediction_by_hand() -> None:
    probability = np.zeros((4, 6), np.float32)
    probability[1:3, 2:5] = 0.75
    probability[1, 2] = 1.0
    probability[3, 5] = 0.5  # not greater than the threshold
    image = np.full((4, 6, 3), (200, 100, 0), np.uint8)
    prediction = Prediction(image, probability, 0.5)
    assert prediction.mask.sum() == prediction.area == 6
    assert prediction.share == 0.25
    assert prediction.box == (2, 1, 3, 2)
    assert prediction.confidence == pytest.approx((5 * 0.75 + 1) / 6)
    cutout = prediction.cutout()
    assert cutout[1, 2].tolist() == [200, 100, 0, 255]
    assert cutout[0, 0].tolist() == cutout[3, 5].tolist() == [0, 0, 0, 0]
    overlay = prediction.overlay()
    assert overlay[0, 0].tolist() == [200, 100, 0]
    assert overlay[1, 3].tolist() == [0, 158, 115]  # the outline
    empty = Prediction(image, probability, 1.0)
    assert (empty.area, empty.box, empty.confidence) == (0, None, None)
    assert np.array_equal(empty.overlay(), image)
    large = Prediction(np.full((9, 9, 3), 100, np.uint8), np.ones((9, 9), np.float32), 0.5)
    # 60 % of 100 and 40 % of the colour, inside the outline.
    assert large.overlay()[4, 4].tolist() == [60, 60 + round(0.4 * 158), 60 + 46]


def test_the_threshold_comes_from_the_best_source(checkpoint: Path, tmp_path: Path) -> None:
    copy = tmp_path / 'best.pth'
    copy.write_bytes(checkpoint.read_bytes())

    def threshold(**more: float) -> float:
        return load(CONFIG, copy, options=[*NARROW, 'threshold=0.4'], **more).threshold  # type: ignore[arg-type]

    assert threshold() == 0.4
    side = tmp_path / 'best.threshold.json'
    side.write_text(json.dumps(dict(threshold=0.35, Dice=0.9)))
    assert threshold() == 0.35
    assert threshold(threshold=0.6) == 0.6
    for text in ('{}', '{"threshold": 2}', 'none', '[1]', '{"threshold": null}'):
        side.write_text(text)
        with pytest.raises(UserError, match=r'best\.threshold\.json: holds no threshold'):
            stored_threshold(copy)


def test_arguments_out_of_range(checkpoint: Path) -> None:
    for arguments, message in (
        (dict(threshold=1.5), r'threshold=1\.5 is not allowed'),
        (dict(batch_size=0), 'batch_size=0 is not allowed'),
        (dict(window=-1), 'window=-1 is not allowed'),
        (dict(window=8, overlap=1.0), r'overlap=1\.0 is not allowed'),
    ):
        with pytest.raises(UserError, match=message):
            load(CONFIG, checkpoint, options=NARROW, **arguments)  # type: ignore[arg-type]


def test_spans_by_hand() -> None:
    assert spans(7, 8, 0.5) == spans(7, 7, 0.5) == [slice(0, 7)]
    assert spans(10, 4, 0.0) == [slice(0, 4), slice(3, 7), slice(6, 10)]
    assert spans(10, 4, 0.5) == [slice(n, n + 4) for n in (0, 2, 4, 6)]
    for length, side, overlap in ((6000, 512, 0.25), (513, 512, 0.9), (1000, 3, 0.99)):
        cover = spans(length, side, overlap)
        assert cover[0].start == 0 and cover[-1].stop == length
        assert all(span.stop - span.start == side for span in cover)
        steps = np.diff([span.start for span in cover])
        assert steps.max() <= max(1, round(side * (1 - overlap)))


def test_windows_are_averaged_as_a_slow_version_does(model: Predictor, sample: Path) -> None:
    path = sorted((sample / 'images').glob('*.jpg'))[0]
    image = read_image(path)
    shape = image.shape[:2]
    model.window, model.overlap, model.batch_size = 60, 0.3, 3
    places = windows(shape, 60, 0.3)
    assert len(places) > 4
    total, weights = np.zeros(shape), np.zeros(shape)
    model.window = None
    for rows, columns in places:
        probability = torch.from_numpy(model(image[rows, columns, ::-1]).probability)
        alone = probability.double().logit().numpy()
        height, width = alone.shape
        for y in range(height):
            for x in range(width):
                weight = min(y + 0.5, height - y - 0.5) * min(x + 0.5, width - x - 0.5)
                total[rows.start + y, columns.start + x] += weight * alone[y, x]
                weights[rows.start + y, columns.start + x] += weight
    model.window = 60
    expected = 1 / (1 + np.exp(-total / weights))
    assert np.allclose(model(path).probability, expected, atol=1e-5)
    whole = torch.from_numpy(np.random.default_rng(0).random((1, *shape), np.float32))
    merged = merge(((place, whole[(..., *place)]) for place in places), shape)
    assert torch.allclose(merged, whole, atol=1e-6)
    # An image inside one window is seen whole, to the bit.
    model.window = max(shape)
    windowed = model(path).probability
    model.window = None
    assert np.array_equal(windowed, model(path).probability)


def test_a_pipeline_without_a_resize() -> None:
    """The network gets any size, in windows so that memory is bounded."""
    config = load_config(CONFIG, NARROW).resolved
    network = MODELS.build(config.model)
    pipeline = [dict(type='LoadImage'), dict(type='PackBinarySegInputs')]
    predictor = Predictor(TorchNetwork(network), pipeline)
    assert predictor.window == 512
    image = np.random.default_rng(0).integers(0, 255, (31, 45, 3)).astype(np.uint8)
    # Two sizes in one batch, and 31 x 45 is no multiple of what the network halves.
    small, other = predictor.predict([image, image[:20]])
    assert small.probability.shape == (31, 45) and other.probability.shape == (20, 45)
    padded = np.pad(image, ((0, 1), (0, 1), (0, 0)), 'edge')
    assert np.array_equal(small.probability, predictor(padded).probability[:31, :45])


def test_names_do_not_collide(photographs: Path, tmp_path: Path) -> None:
    def names(*arguments: object) -> list[str]:
        return [s.name for s in find_sources([str(a) for a in arguments])]

    assert names(photographs) == ['cat', 'cat_2', 'größer/猫']
    assert names(photographs / 'cat.jpg', photographs) == ['cat', 'cat_2', 'größer/猫']
    assert names(photographs / '*.jpg') == ['cat']
    assert names(photographs / '**/*.jpg') == ['cat', '猫']
    (photographs / 'Cat_2.jpeg').write_bytes(b'x')
    assert names(photographs) == ['Cat_2', 'cat', 'cat_3', 'größer/猫']
    (photographs / 'größer.mp4').write_bytes(b'x')
    assert 'größer_2' in names(photographs)
    (photographs / 'a[1].jpg').write_bytes(b'x')
    assert names(photographs / 'a[1].jpg') == ['a[1]']
    assert [s.is_camera for s in find_sources(['0'])] == [True]
    with pytest.raises(UserError, match=r'cta\.jpg: nothing there has this .*mean .*cat\.jpg'):
        names(photographs / 'cta.jpg')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(UserError, match='empty: no images in it; known are'):
        names(tmp_path / 'empty')
    with pytest.raises(UserError, match='nothing to predict but earlier results'):
        find_sources([str(photographs)], leave_out=[photographs])


def test_files_of_a_prediction(model: Predictor, photographs: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    kinds = ('mask', 'overlay', 'cutout', 'probability')
    sources = find_sources([str(photographs)])
    assert predict_files(model, sources, out, kinds) == []
    rows = rows_of(out)
    assert [row['name'] for row in rows] == ['cat', 'cat_2', 'größer/猫']
    for row in rows:
        prediction = model(row['input'])
        mask = read(out / 'masks' / f'{row["name"]}.png')
        assert np.array_equal(mask, prediction.mask * 255)
        ys, xs = np.nonzero(mask)
        assert [int(row[f'box_{key}']) for key in ('left', 'top', 'width', 'height')] == [
            *(xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1)
        ]
        assert int(row['area']) == len(xs)
        assert float(row['share']) == pytest.approx(len(xs) / mask.size, abs=1e-6)
        assert [int(row['height']), int(row['width'])] == list(mask.shape)
        probability = read(out / 'probabilities' / f'{row["name"]}.png')
        assert probability.dtype == np.uint16
        assert np.allclose(probability / 65535, prediction.probability, atol=1e-5)
        assert float(row['confidence']) == pytest.approx(
            prediction.probability[mask > 0].mean(dtype=np.float64), abs=1e-6
        )
        cutout = read(out / 'cutouts' / f'{row["name"]}.png')
        assert np.array_equal(cutout[..., 3], mask)
        assert np.array_equal(cutout[mask > 0][:, 2::-1], prediction.image[mask > 0])
        assert read(out / 'overlays' / f'{row["name"]}.jpg').shape == (*mask.shape, 3)
    # Results inside a folder of inputs are no inputs.
    assert len(find_sources([str(tmp_path)], result_folders(out))) == 3
    assert len(find_sources([str(photographs)], result_folders(photographs))) == 3
    with pytest.raises(UserError, match=r'holds summary\.csv already; choose another folder'):
        prepare_folder(out, overwrite=False)
    prepare_folder(out, overwrite=True)


@pytest.mark.parametrize('orientation', [1, 3, 6, 8])
def test_orientation_is_kept(model: Predictor, tmp_path: Path, orientation: int) -> None:
    """The mask lies over the photograph as viewers show it."""
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    picture = Image.fromarray(pixels)
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(tmp_path / 'a.png', exif=exif)
    turns = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]
    upright = np.rot90(pixels, turns)
    for image in (tmp_path / 'a.png', Image.open(tmp_path / 'a.png')):
        prediction = model(image)
        assert np.array_equal(prediction.image, upright)
        assert np.array_equal(prediction.mask, model(np.ascontiguousarray(upright)).mask)


def write_video(path: Path, frames: int) -> None:
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 5, (64, 48))
    for number in range(frames):
        video.write(np.full((48, 64, 3), number * 20, np.uint8))
    video.release()


def test_frames_of_a_video(model: Predictor, tmp_path: Path) -> None:
    write_video(tmp_path / 'clip.avi', 7)
    sources = find_sources([str(tmp_path / 'clip.avi')])
    assert predict_files(model, sources, tmp_path / 'out', limit=5) == []
    names = [f'clip/{number:06}' for number in range(1, 6)]
    assert [row['name'] for row in rows_of(tmp_path / 'out')] == names
    assert all(read(tmp_path / 'out' / 'masks' / f'{name}.png').shape == (48, 64) for name in names)
    overlay = cv2.VideoCapture(str(tmp_path / 'out' / 'overlays' / 'clip.mp4'))
    assert overlay.get(cv2.CAP_PROP_FRAME_COUNT) == overlay.get(cv2.CAP_PROP_FPS) == 5
    # Cut in the middle: what can be read is done, and it is said.
    data = (tmp_path / 'clip.avi').read_bytes()
    (tmp_path / 'clip.avi').write_bytes(data[: len(data) // 2])
    (tmp_path / 'no.avi').write_bytes(b'no video')
    sources = find_sources([str(tmp_path)], result_folders(tmp_path / 'out'))
    failures = predict_files(model, sources, tmp_path / 'half')
    assert 'no.avi: not a readable video' in failures[-1]
    assert 'clip.avi: ' in failures[0]


def test_ctrl_c_leaves_a_summary(
    model: Predictor, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = PredictionWriter.write

    def write(self: PredictionWriter, frame: object, prediction: Prediction) -> None:
        original(self, frame, prediction)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(PredictionWriter, 'write', write)
    with pytest.raises(KeyboardInterrupt):
        predict_files(model, find_sources([str(photographs)]), tmp_path, ['mask'])
    assert [row['name'] for row in rows_of(tmp_path)] == ['cat']


def test_the_tool_does_what_it_can_and_says_what_it_could_not(
    run_tool: Command, checkpoint: Path, photographs: Path, tmp_path: Path
) -> None:
    (photographs / 'broken.jpg').write_text('no image')
    options = ['--batch-size', 2, '--save', 'mask', '--cfg-options', *NARROW]
    done = run_tool('predict.py', CONFIG, checkpoint, photographs, '--out', 'out', *options)
    assert done.returncode == 1, done.stderr
    assert '3 images in' in done.stdout
    lines = done.stderr.splitlines()
    assert lines[0] == '1 input could not be predicted:'
    assert len(lines) == 2 and 'broken.jpg: not a readable image' in lines[1]
    rows = rows_of(tmp_path / 'out')
    assert [bool(row['error']) for row in rows] == [True, False, False, False]
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == ['masks', 'summary.csv']


def resident_bytes() -> int:
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')


@pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')
def test_memory_does_not_grow_with_the_images(
    model: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / 'a.jpg'
    cv2.imwrite(str(path), np.zeros((600, 800, 3), np.uint8))
    sizes: list[int] = []
    original = PredictionWriter.write

    def write(self: PredictionWriter, frame: object, prediction: Prediction) -> None:
        original(self, frame, prediction)  # type: ignore[arg-type]
        sizes.append(resident_bytes())

    monkeypatch.setattr(PredictionWriter, 'write', write)

    predict_files(model, find_sources([str(path)]) * 200, tmp_path, ['mask'])
    # Image, probabilities and mask of the last 150 would be 550 MB; what the allocator keeps of an
    # image or two is not growth.
    assert len(sizes) == 200
    assert max(sizes[50:]) - max(sizes[:50]) < 100e6


@pytest.mark.skipif(sys.platform != 'linux', reason='no /proc elsewhere')
def test_a_photograph_of_24_million_pixels_in_2_gigabytes(checkpoint: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (40, 60, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / 'large.jpg'), cv2.resize(coarse, (6000, 4000)))
    words = [
        CONFIG,
        checkpoint,
        tmp_path / 'large.jpg',
        '--out',
        tmp_path / 'out',
        '--window',
        1500,
    ]
    # What the system counts for a process begins with what its parent had; this does not.
    code = (
        'import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name="__main__"); '
        'print([line for line in open("/proc/self/status") if line.startswith("VmHWM")][0])'
    )
    tool = ROOT / 'tools' / 'predict.py'
    done = subprocess.run(
        [
            *(sys.executable, '-c', code, tool, *map(str, words)),
            *('--save', 'mask', 'overlay', 'cutout', '--cfg-options', *NARROW),
        ],
        env={**os.environ, 'PYTHONPATH': str(tool.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    kilobytes = int(re.search(r'VmHWM:\s*(\d+) kB', done.stdout)[1])
    assert 1e5 < kilobytes < 2e9 / 1024
    assert read(tmp_path / 'out' / 'cutouts' / 'large.png').shape == (4000, 6000, 4)
