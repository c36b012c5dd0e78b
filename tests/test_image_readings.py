"""Grey, bands and values other than bytes: one rule from the training to the service."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from mmengine.registry import DATASETS, MODELS
from PIL import Image

from custom_modules.api import load
from custom_modules.base.errors import UserError
from custom_modules.commands.export import export
from custom_modules.commands.predict import predict_files
from custom_modules.commands.publish import publish
from custom_modules.commands.test import test as score
from custom_modules.config import LoadedConfig, load_config
from custom_modules.datasets.image_io import read_image
from custom_modules.datasets.image_reading import ImageReading
from custom_modules.datasets.statistics import channel_statistics
from custom_modules.engine.training_check import check_training
from custom_modules.export.exportable_model import ExportableModel
from custom_modules.export.formats import FORMATS
from custom_modules.export.metadata import read_metadata
from custom_modules.export.onnx_files import load_onnx
from custom_modules.prediction.inputs import find_sources, read_frames
from custom_modules.prediction.video_file import VideoFile
from custom_modules.runs.initial_weights import start_from
from tests.conftest import ROOT, Command
from tests.service_models import photograph

HEIGHT, WIDTH, IMAGES = 48, 64, 6


def write_tiff(path: Path, values: np.ndarray, **options: object) -> None:
    """Write (H, W) or (H, W, B) as most programs of the field do it."""
    extra = dict(extrasamples=['unspecified'] * (values.shape[2] - 1)) if values.ndim == 3 else {}
    tifffile.imwrite(path, values, photometric='minisblack', **extra | options)  # type: ignore[arg-type]


def write_png(path: Path, values: np.ndarray) -> None:
    Image.fromarray(values).save(path)


@dataclass(frozen=True)
class Row:
    """A kind of images.

    Attributes:
        suffix: suffix of their files.
        write: writes the values of an image into a file.
        values: share of light (H, W), 0 to 1 -> values of an image as its file holds them.
        options: config of two lines at most.
        expected: values -> what a network sees, (H, W, C), by hand; red first.
    """

    suffix: str
    write: Callable[[Path, np.ndarray], None]
    values: Callable[[np.ndarray], np.ndarray]
    options: Sequence[str]
    expected: Callable[[np.ndarray], np.ndarray]


def bands(light: np.ndarray, number: int, most: float, kind: type) -> np.ndarray:
    """Return bands that differ from each other."""
    factors = np.linspace(0.5, 1.0, number)
    return (light[..., None] * factors * most).astype(kind)


def linear(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.rint((values.astype(float).clip(low, high) - low) / (high - low) * 255)


ROWS = {
    'grey': Row(
        '.png', write_png, lambda light: (200 * light).astype(np.uint8), ['in_channels=1'],
        lambda values: values[..., None],
    ),
    'grey of 16 bits': Row(
        '.png', write_png, lambda light: (112 + 218 * light).astype(np.uint16),
        ['in_channels=1', 'image_reading.limits=(120,320)'],
        lambda values: linear(values, 120, 320)[..., None],
    ),
    'four bands': Row(
        '.tif', write_tiff, lambda light: bands(light, 4, 255, np.uint8), ['in_channels=4'],
        lambda values: values,
    ),
    'three of eight bands': Row(
        '.tif', write_tiff, lambda light: bands(light, 8, 2000, np.uint16),
        ['image_reading.bands=(5,3,2)', 'image_reading.limits=[(0,1500),(0,1200),(100,1100)]'],
        lambda values: np.dstack(
            [
                linear(values[..., 4], 0, 1500),
                linear(values[..., 2], 0, 1200),
                linear(values[..., 1], 100, 1100),
            ]
        ),
    ),
    'floating point': Row(
        '.tif', write_tiff, lambda light: (light * 3 - 1).astype(np.float32),
        ['in_channels=1', 'image_reading.limits=(-1,2)'],
        lambda values: linear(values, -1, 2)[..., None],
    ),
}  # fmt: skip


def light(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the light of a scene, (H, W), and its mask."""
    random = np.random.default_rng(number)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    centre = (int(random.integers(20, 44)), int(random.integers(16, 32)))
    cv2.circle(mask, centre, 10, 255, -1)
    return random.integers(0, 50, mask.shape) / 97 + (mask > 0) * 45 / 97, mask


def draw(folder: Path, row: Row) -> None:
    for name in ('images', 'masks'):
        (folder / name).mkdir(parents=True)
    for number in range(IMAGES):
        values, mask = light(number)
        row.write(folder / 'images' / f'{number}{row.suffix}', row.values(values))
        write_png(folder / 'masks' / f'{number}.png', mask)


def config_of(folder: Path, options: Sequence[str]) -> LoadedConfig:
    plan = ['image_size=(64,48)', 'batch_size=2', 'num_workers=0', 'width=0.0625', 'max_epochs=1']
    parts = ['fractions=(0.5,0.17,0.33)', 'precision=fp32', f'data_root={folder}']
    return load_config('configs/binary_masks_unet.py', [*plan, *parts, *options])


def checkpoint_of(config: LoadedConfig, path: Path) -> Path:
    """Write a network that calls about half of the pixels of an image foreground."""
    torch.manual_seed(0)
    model = MODELS.build(config.resolved.model).eval()
    dataset = DATASETS.build(config.resolved.test_dataloader['dataset'])
    with torch.no_grad():
        inputs = model.data_preprocessor(dict(inputs=[dataset[0]['inputs']]))['inputs']
        model.decode_head.logits.weight /= model(inputs).std()
        model.decode_head.logits.bias -= model(inputs).median()
    torch.save(dict(state_dict=model.state_dict(), meta=dict(epoch=1, iter=1)), path)
    return path


def same(mask: np.ndarray, expected: np.ndarray) -> bool:
    """Say whether two masks are equal but for pixels at the threshold, which rounding flips."""
    return mask.shape == expected.shape and np.mean((mask > 0) != (expected > 0)) < 0.004


def masks_of(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: np.asarray(Image.open(path)) > 0 for path in (folder / 'masks').iterdir()}


@pytest.fixture(scope='module', params=ROWS)
def tested(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Row, LoadedConfig, Path, Path]:
    """A kind of images, its config, a checkpoint and the folder of its test."""
    row = ROWS[request.param]
    folder = tmp_path_factory.mktemp('reading')
    draw(folder / 'data', row)
    config = config_of(folder / 'data', row.options)
    checkpoint = checkpoint_of(config, folder / 'best.pth')
    out = folder / 'tested'
    score(config, str(checkpoint), str(out), quick=True)
    return row, config, checkpoint, out


def test_what_a_network_sees_is_the_rule_by_hand(
    tested: tuple[Row, LoadedConfig, Path, Path],
) -> None:
    row, config, *_ = tested
    settings = config.resolved.test_dataloader['dataset']
    plain = DATASETS.build(settings)
    cached = DATASETS.build(dict(settings, cache=True))
    for index in range(len(plain)):
        number = int(plain[index]['data_samples'].sample_id)
        expected = row.expected(row.values(light(number)[0])).astype(np.uint8)
        order = [2, 1, 0] if expected.shape[2] == 3 else [*range(expected.shape[2])]
        for dataset in (plain, cached):
            seen = dataset[index]['inputs'].numpy().transpose(1, 2, 0)
            np.testing.assert_array_equal(seen[..., np.argsort(order)], expected)
    assert cached.cache is not None
    mean, std = channel_statistics(plain)
    assert len(mean) == len(std) == expected.shape[2]


def test_files_arrays_windows_and_exports_give_the_masks_of_the_test(
    tested: tuple[Row, LoadedConfig, Path, Path], tmp_path: Path
) -> None:
    row, config, checkpoint, out = tested
    masks = masks_of(out)
    assert masks and all(0.05 < mask.mean() < 0.95 for mask in masks.values())
    sources = [checkpoint]
    if config.resolved.model['data_preprocessor']['in_channels'] == 1:
        sources.append(exported(config, checkpoint, tmp_path, masks))
    folder = Path(config.written['data_root']) / 'images'
    for source in sources:
        predictor = load(out / 'config.py', source)
        predict_files(predictor, find_sources([str(folder)]), tmp_path / source.stem, ['mask'])
        found = masks_of(tmp_path / source.stem)
        for name, mask in masks.items():
            assert same(found[name], mask), name
            values = row.values(light(int(name))[0])
            assert same(predictor(values).mask, mask), name
    predictor = load(out / 'config.py', checkpoint, window=32)
    path = folder / f'{name}{row.suffix}'
    assert np.array_equal(predictor(path).mask, predictor(values).mask)
    assert predictor(path).overlay().shape == (HEIGHT, WIDTH, 3)


def exported(
    config: LoadedConfig, checkpoint: Path, tmp_path: Path, masks: dict[str, np.ndarray]
) -> Path:
    """Return an ONNX file that says how its images are read and gives the masks of the test."""
    onnx, _ = export(config, str(checkpoint), 'onnx', str(tmp_path / 'model.onnx'), images=2)
    facts = read_metadata(onnx, load_onnx(onnx).metadata)
    reading = ImageReading.of(facts['image_reading'])
    assert facts['input']['layout'] == f'(N, {reading.channels}, H, W)'
    assert facts['parity']['flipped'] < 0.004
    score(config, str(onnx), str(tmp_path / 'exported'), quick=True)
    for name, mask in masks_of(tmp_path / 'exported').items():
        assert same(mask, masks[name]), name
    return onnx


def test_the_service_gives_the_masks_of_the_test(
    tested: tuple[Row, LoadedConfig, Path, Path],
) -> None:
    pytest.importorskip('fastapi')
    from fastapi.testclient import TestClient

    from custom_modules.service.app import build_app
    from custom_modules.service.batcher import Batcher
    from custom_modules.service.settings import Limits

    row, config, checkpoint, out = tested
    limits = Limits(decoders=1)
    app = build_app({'a': Batcher(load(out / 'config.py', checkpoint), limits)}, limits)
    folder = Path(config.written['data_root']) / 'images'
    with TestClient(app, 'http://localhost') as client:
        for name, mask in masks_of(out).items():
            file = (folder / f'{name}{row.suffix}').read_bytes()
            answer = client.post('/v1/mask', files=dict(file=file))
            assert answer.status_code == 200, answer.text
            found = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
            assert same(found, mask)
            shown = client.post('/v1/picture?kind=overlay', files=dict(file=file))
            assert shown.status_code == 200
        refused = client.post('/v1/mask', files=dict(file=photograph()))
        examples = client.get('/v1/about').json()['examples']
    takes_colours = 'in_channels=1' in row.options
    assert (refused.status_code, bool(examples)) == ((200, True) if takes_colours else (415, False))


@pytest.mark.parametrize('name', ['grey of 16 bits', 'four bands'])
def test_train_test_publish_predict(name: str, tmp_path: Path, run_tool_here: Command) -> None:
    row = ROWS[name]
    draw(tmp_path / 'data', row)
    config = tmp_path / 'mine.py'
    lines = config_of(tmp_path / 'data', row.options).written
    own = {key: lines[key] for key in ('in_channels', 'image_reading', 'image_size', 'data_root')}
    own |= dict(batch_size=2, num_workers=0, width=0.0625, max_epochs=1, precision='fp32')
    own |= dict(fractions=(0.5, 0.17, 0.33))
    written = ''.join(f'{key} = {value!r}\n' for key, value in own.items())
    config.write_text(f"_base_ = '{ROOT}/configs/binary_masks_unet.py'\n{written}")
    run = tmp_path / 'runs'
    assert run_tool_here('train.py', config, '--work-dir', run).returncode == 0
    checkpoint = next(run.rglob('best.pth'))
    loaded = load_config(config)
    score(loaded, str(checkpoint), str(tmp_path / 'tested'))
    assert (tmp_path / 'tested' / 'examples.png').is_file()
    metrics = tmp_path / 'tested' / 'metrics.json'
    folder = tmp_path / 'published'
    publish(loaded, str(checkpoint), folder, metrics=[metrics], images=2)
    predictor = load(folder)
    for stem, mask in masks_of(tmp_path / 'tested').items():
        path = tmp_path / 'data' / 'images' / f'{stem}{row.suffix}'
        assert same(predictor(path).mask, mask)


@pytest.mark.parametrize('name', FORMATS)
def test_every_format_has_the_channels(name: str, tmp_path: Path) -> None:
    options = ['width=0.0625', 'in_channels=5']
    model = MODELS.build(load_config('configs/binary_masks_unet.py', options).resolved.model)
    network = ExportableModel(model)
    kind = FORMATS[name]
    path = tmp_path / f'model{kind.suffix}'
    kind.save(kind.convert(network, None), path, dict(a=1))
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 32, 48), dtype=np.uint8)
    with torch.no_grad():
        expected = network(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(kind.read(path)(images), expected, atol=2e-5)


@pytest.mark.parametrize(
    ('limits', 'values', 'expected'),
    [
        # By hand: (v - low) / (high - low) * 255, cut off at both ends.
        ((100, 355), np.uint16([[0, 100, 101, 355, 9999]]), [0, 0, 1, 255, 255]),
        ((0, 510), np.uint16([[0, 2, 4, 508, 510]]), [0, 1, 2, 254, 255]),
        ((0, 255), np.uint8([[0, 1, 127, 254, 255]]), [0, 1, 127, 254, 255]),
        ((-1, 1), np.float32([[-2, -1, 0.2, 1, np.inf]]), [0, 0, 153, 255, 255]),
        ((-510, 0), np.int16([[-999, -510, -508, 0, 5]]), [0, 0, 1, 255, 255]),
        (None, np.uint16([[0, 257, 65535, 65535, 514]]), [0, 1, 255, 255, 2]),
    ],
)  # fmt: skip
def test_values_by_hand(limits: object, values: np.ndarray, expected: list[int]) -> None:
    reading = ImageReading.of(dict(channels=1, limits=limits))
    assert reading.apply(values)[0, :, 0].tolist() == expected


def test_frames_of_a_video_are_read_by_the_rule(tmp_path: Path) -> None:
    video = VideoFile(tmp_path / 'a.mp4', 5, (48, 64))
    for number in range(3):
        video.add(np.full((48, 64, 3), 40 * number, np.uint8))
    video.close()
    (source,) = find_sources([str(tmp_path / 'a.mp4')])
    grey = [frame.image for frame in read_frames(source, reading=ImageReading.of(dict(channels=1)))]
    scaled = ImageReading.of(dict(channels=1, limits=(0, 80)))
    bright = [frame.image for frame in read_frames(source, reading=scaled)]
    for number, (one, other) in enumerate(zip(grey, bright, strict=True)):
        assert one.shape == (48, 64, 1) and abs(one.mean() - 40 * number) < 4
        assert abs(other.mean() - min(255, 127.5 * number)) < 12
    with pytest.raises(UserError, match=r'a\.mp4: the image has 3 bands, and in_channels = 4'):
        next(read_frames(source, reading=ImageReading(channels=4)))


def test_bands_of_a_pixel_by_hand() -> None:
    pixel = np.uint8([[[10, 20, 30, 40, 50]]])
    cases: list[tuple[dict, np.ndarray, bool, list[int]]] = [
        (dict(channels=5), pixel, False, [10, 20, 30, 40, 50]),
        (dict(channels=3, bands=[5, 3, 2]), pixel, False, [50, 30, 20]),
        (dict(channels=2, bands=[4, 4]), pixel, False, [40, 40]),
        (dict(channels=1, bands=[2]), pixel, False, [20]),
        (dict(channels=4), pixel[..., :4], False, [10, 20, 30, 40]),
        (dict(channels=4), pixel[..., :4], True, [10, 20, 30, 40]),  # transparency is asked for
        (dict(channels=3), pixel[..., :4], False, [10, 20, 30]),
        (dict(channels=3), pixel[..., :4], True, [10, 20, 30]),
        (dict(channels=1), pixel[..., :2], True, [10]),
        (dict(channels=3), pixel[..., :1], False, [10, 10, 10]),
        # Luminance of Rec. 601: 0.299 * 10 + 0.587 * 20 + 0.114 * 30 = 18.15.
        (dict(channels=1), pixel[..., :3], False, [18]),
        (dict(channels=2, limits=[(0, 51), (10, 61)]), pixel[..., :2], False, [50, 50]),
    ]
    for settings, values, alpha, expected in cases:
        found = ImageReading.of(settings).apply(values, alpha)
        assert found[0, 0].tolist() == expected, settings


@pytest.mark.parametrize('extra', [0, 2])
def test_a_fourth_band_does_not_change_the_colours(extra: int, tmp_path: Path) -> None:
    """It is left out as it is: Pillow and OpenCV would multiply, or drop, by what a tag says."""
    values = np.random.default_rng(0).integers(0, 255, (32, 32, 4), dtype=np.uint8)
    path = tmp_path / 'a.tif'
    tifffile.imwrite(
        path, values, photometric='rgb', extrasamples=[extra], compression='lzw', predictor=True
    )
    np.testing.assert_array_equal(read_image(path)[..., ::-1], values[..., :3])
    four = ImageReading(channels=4)
    np.testing.assert_array_equal(read_image(path, four), values)
    chosen = ImageReading(channels=3, bands=(4, 1, 2))
    np.testing.assert_array_equal(read_image(path, chosen)[..., ::-1], values[..., [3, 0, 1]])


@pytest.mark.parametrize('orientation', range(1, 9))
def test_bands_lie_as_colours_do(orientation: int, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    path = tmp_path / 'a.tif'
    tag = (274, 'H', 1, orientation, True)
    tifffile.imwrite(path, values, photometric='rgb', extratags=[tag])
    limits = ImageReading(limits=((0, 255),))
    np.testing.assert_array_equal(read_image(path, limits), read_image(path))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (
            ['in_channels=4', 'image_reading.channels=1'],
            r'train_data',
        ),
        (['in_channels=1', 'model.backbone.in_channels=3'], r'backbone is for images of 3 chann'),
        (['in_channels=4', 'preprocessor.mean=[1,2,3]'], r'mean has 3 numbers and in_channels = 4'),
        (
            ['in_channels=4', 'train_pipeline=[dict(type="mmseg.PhotoMetricDistortion")]'],
            r'PhotoMetricDistortion takes colours alone, and in_channels = 4',
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_training(options: list[str], message: str) -> None:
    config = load_config('configs/binary_masks_unet.py', options).resolved
    with pytest.raises(UserError, match=message):
        check_training(config)
        MODELS.build(config.model)


def test_a_grey_network_starts_from_weights_of_colours(tmp_path: Path) -> None:
    """All but the first convolution are taken, and what is not is said."""
    of_colours, grey = (
        load_config('configs/binary_masks_unet.py', ['width=0.0625', f'in_channels={channels}'])
        for channels in (3, 1)
    )
    torch.manual_seed(1)
    model, other = (MODELS.build(one.resolved.model) for one in (of_colours, grey))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'a.pth')
    start_from(other, tmp_path / 'a.pth')
    same = [
        torch.equal(weight, other.state_dict()[name])
        for name, weight in model.state_dict().items()
        if weight.shape == other.state_dict()[name].shape
    ]
    assert all(same) and len(same) == len(model.state_dict()) - 1
