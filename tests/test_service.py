"""The service: the masks of predict.py, limits that hold, an orderly end."""

import base64
import io
import re
import runpy
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from PIL import Image

from custom_modules.api import load
from custom_modules.base.errors import UserError
from custom_modules.prediction import Predictor
from tests.conftest import ROOT

pytest.importorskip('fastapi')
pytest.importorskip('prometheus_client')
httpx = pytest.importorskip('httpx')

from fastapi.testclient import TestClient  # noqa: E402  (only where it is installed)

from custom_modules.service.app import build_app  # noqa: E402
from custom_modules.service.batcher import Batcher, OverloadedError  # noqa: E402
from custom_modules.service.messages import run_lengths  # noqa: E402
from custom_modules.service.models import load_models  # noqa: E402
from custom_modules.service.settings import Limits  # noqa: E402
from tests.service_models import Gate  # noqa: E402

#: Where a test client says that it is.
HERE = 'http://localhost'

CONFIG = 'configs/sample/unet_sample.py'


@pytest.fixture(scope='module')
def predictor(sample: Path, checkpoint: Path) -> Predictor:
    options = [f'data_root={sample}', 'image_size=64', 'precision=fp32']
    return load(CONFIG, checkpoint, options=options)


@pytest.fixture(scope='module')
def photographs(sample: Path) -> list[Path]:
    return sorted((sample / 'images').glob('*.jpg'))[:4]


@pytest.fixture
def client(predictor: Predictor) -> Iterator[TestClient]:
    limits = Limits(request_bytes=200_000, images=4, pixels=100_000, queue=8)
    with TestClient(build_app({'pet': Batcher(predictor, limits)}, limits), HERE) as client:
        yield client


def decoded(rle: dict) -> np.ndarray:
    """Return the mask of run lengths, column by column."""
    height, width = rle['size']
    values = [n % 2 for n, count in enumerate(rle['counts']) for _ in range(count)]
    return np.array(values, np.uint8).reshape(width, height).T


def test_masks_are_those_of_predict(
    client: TestClient, predictor: Predictor, photographs: list[Path]
) -> None:
    files = [('files', (path.name, path.read_bytes())) for path in photographs]
    answer = client.post('/v1/segment', files=files).json()
    assert (answer['model'], answer['threshold']) == ('pet', 0.5)
    for found, path in zip(answer['results'], photographs, strict=True):
        expected = predictor(path)
        assert np.array_equal(decoded(found['rle']), expected.mask)
        assert (found['name'], found['area'], found['png']) == (path.name, expected.area, None)
        assert tuple(found['box']) == expected.box
        assert found['share'] == pytest.approx(expected.share)
    answer = client.post('/v1/segment?mask=png&threshold=0.6', files=files[:1]).json()
    data = np.frombuffer(base64.b64decode(answer['results'][0]['png']), np.uint8)
    expected = predictor(photographs[0])
    above = (expected.probability > 0.6) * np.uint8(255)
    assert np.array_equal(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), above)
    assert answer['results'][0]['area'] == (above > 0).sum() != expected.area
    answer = client.post('/v1/mask', files={'file': photographs[1].read_bytes()})
    assert answer.headers['content-type'] == 'image/png'
    found = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(found, predictor(photographs[1]).mask * 255)


@pytest.mark.parametrize(
    'mask', [np.zeros((2, 3)), np.ones((2, 3)), np.eye(3), np.array([[0, 1], [1, 1]])]
)
def test_run_lengths(mask: np.ndarray) -> None:
    found = run_lengths(mask.astype(np.uint8))
    assert np.array_equal(decoded(found.model_dump()), mask)
    assert all(found.counts[1:])


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that announces a size and holds nothing."""
    header = b'IHDR' + struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack('>I', 13) + header + struct.pack('>I', zlib.crc32(header))
    return b'\x89PNG\r\n\x1a\n' + chunk + b'\x00\x00\x00\x00IDAT' + struct.pack('>I', 0)


def test_what_is_refused(client: TestClient, photographs: list[Path]) -> None:
    def post(*contents: bytes, path: str = '/v1/segment') -> tuple[int, str]:
        answer = client.post(
            path, files=[('files', (f'{n}.jpg', c)) for n, c in enumerate(contents)]
        )
        return answer.status_code, str(answer.json()['detail'])

    photograph = photographs[0].read_bytes()
    assert post(b'no image, but its name ends in .jpg') == (415, 'not a readable image')
    assert post(photograph[:200]) == (415, 'not a readable image')
    assert post(b'') == (415, 'not a readable image')
    assert post(png_header(50_000, 50_000)) == (415, 'not a readable image')  # Pillow's limit
    assert post(png_header(1000, 1000)) == (413, '1000x1000 pixels; at most 100,000')
    assert post(*[photograph] * 5) == (413, '5 images; at most 4 in a request')
    status, said = post(b'x' * 200_001)
    assert (status, said) == (413, 'the request is larger than 200,000 bytes')
    assert client.post('/v1/segment').status_code == 422
    assert client.post('/v1/segment', content=b'nothing').status_code == 422
    assert post(photograph, path='/v1/segment?threshold=2')[0] == 422
    assert post(photograph, path='/v1/segment?mask=jpg')[0] == 422
    assert client.get('/v1/segment').status_code == 405

    def endless() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        for _ in range(1000):
            yield b'x' * 1000

    headers = {'content-type': 'multipart/form-data; boundary=x'}
    answer = client.post('/v1/segment', content=endless(), headers=headers)
    assert answer.status_code == 413
    # And it still answers.
    assert client.post('/v1/mask', files={'file': photograph}).status_code == 200


def test_orientation_is_applied(client: TestClient, photographs: list[Path]) -> None:
    picture = Image.open(photographs[0])
    exif = picture.getexif()
    exif[0x0112] = 6
    data = io.BytesIO()
    picture.save(data, 'JPEG', exif=exif)
    (found,) = client.post('/v1/segment', files={'files': data.getvalue()}).json()['results']
    assert (found['width'], found['height']) == picture.size[::-1]


def test_health_metrics_and_headers(client: TestClient, photographs: list[Path]) -> None:
    assert client.get('/healthz').json() == {'status': 'ok', 'models': {'pet': 'PyTorch, float32'}}
    answer = client.post('/v1/mask', files={'file': photographs[0].read_bytes()})
    assert not any('access-control' in name for name in answer.headers)  # closed to other sites
    client.post('/v1/mask', files={'file': b''})
    client.get('/something/else')
    assert 'https://' not in client.get('/docs').text  # nothing is loaded from elsewhere
    assert "default-src 'none'" in answer.headers['content-security-policy']
    text = client.get('/metrics').text
    assert 'petseg_requests_total{path="/v1/mask",status="200"} 1.0' in text
    assert 'petseg_requests_total{path="/v1/mask",status="415"} 1.0' in text
    assert 'petseg_batch_images_sum 1.0' in text
    assert 'petseg_waiting_images 0.0' in text
    assert 'something' not in text
    assert set(client.get('/openapi.json').json()['paths']) == {
        '/v1/segment',
        '/v1/mask',
        '/v1/picture',
        '/v1/about',
        '/v1/examples/{number}',
        '/healthz',
        '/metrics',
    }


def picture(value: int, side: int = 4) -> np.ndarray:
    return np.full((side, side, 3), value, np.uint8)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_what_waits_shares_a_batch() -> None:
    gate = Gate()
    limits = Limits(queue=6, batch=4, linger=0.0)
    batcher = Batcher(gate, limits)  # type: ignore[arg-type]
    first = batcher.submit(picture(1))
    assert gate.began.wait(10)
    second = [batcher.submit(picture(value)) for value in range(2, 7)]
    assert (batcher.waiting(), batcher.has_room(1), batcher.has_room(2)) == (5, True, False)
    left = batcher.submit(picture(7))
    with pytest.raises(OverloadedError):
        batcher.submit(picture(8))
    left.cancel()
    gate.open.set()
    values = [round(future.result(10).probability[0, 0] * 255) for future in [first, *second]]
    assert values == [1, 2, 3, 4, 5, 6]
    wait_for(lambda: batcher.waiting() == 0)
    assert gate.batches == [1, 4, 1]  # what nobody waits for any more is not predicted
    wait_for(lambda: batcher.waiting() == 0)
    batcher.close()
    with pytest.raises(OverloadedError):
        batcher.submit(picture(1))


def test_a_fault_ends_its_batch_alone_and_the_end_is_orderly() -> None:
    gate = Gate()
    gate.open.set()
    batcher = Batcher(gate, Limits(linger=0.0))  # type: ignore[arg-type]
    bad = batcher.submit(picture(255))
    with pytest.raises(RuntimeError, match='a fault'):
        bad.result(10)
    gate.open.clear()
    gate.began.clear()
    good = batcher.submit(picture(1))
    assert gate.began.wait(10)
    last = batcher.submit(picture(2))
    threading.Timer(0.1, gate.open.set).start()
    batcher.close()
    assert good.done() and last.done() and not last.exception()


def test_too_much_to_do_is_503(photographs: list[Path]) -> None:
    gate = Gate()
    limits = Limits(queue=2, batch=1, seconds=0.2)
    app = build_app({'gate': Batcher(gate, limits)}, limits)  # type: ignore[arg-type]
    data = photographs[0].read_bytes()
    statuses: list[int] = []
    with TestClient(app, HERE) as client:
        client.post('/v1/mask', files={'file': b''})  # starts what decodes

        def post() -> None:
            statuses.append(client.post('/v1/mask', files={'file': data}).status_code)

        threads = [threading.Thread(target=post) for _ in range(3)]
        threads[0].start()
        assert gate.began.wait(10)
        for thread in threads[1:]:
            thread.start()
        wait_for(lambda: 'petseg_waiting_images 2.0' in client.get('/metrics').text)
        answer = client.post('/v1/mask', files={'file': data})
        assert (answer.status_code, answer.headers['retry-after']) == (503, '1')
        assert 'try again' in answer.json()['detail']
        time.sleep(0.25)  # those that wait are too late by then
        gate.open.set()
        for thread in threads:
            thread.join(10)
    assert sorted(statuses) == [200, 503, 503]


def test_several_models(predictor: Predictor, photographs: list[Path]) -> None:
    gate = Gate()
    gate.open.set()
    models = {'pet': Batcher(predictor, Limits()), 'gate': Batcher(gate, Limits())}  # type: ignore[arg-type]
    files = {'files': photographs[0].read_bytes()}
    with TestClient(build_app(models), HERE) as client:
        found = client.post('/v1/segment?model=gate', files=files).json()
        assert (found['model'], gate.batches) == ('gate', [1])
        assert client.post('/v1/segment', files=files).json()['model'] == 'pet'
        answer = client.post('/v1/segment?model=cat', files=files)
        assert answer.status_code == 404
        assert answer.json() == {'detail': 'no such model; there are: pet, gate'}


def test_too_many_requests_at_a_time(photographs: list[Path]) -> None:
    gate = Gate()
    limits = Limits(requests=1, request_bytes=100_000)
    app = build_app({'gate': Batcher(gate, limits)}, limits)  # type: ignore[arg-type]
    data = photographs[0].read_bytes()
    sent: list[int] = []

    def slowly() -> Iterator[bytes]:
        for start in range(0, 50_000, 10_000):
            sent.append(start)
            yield b'x' * 10_000

    statuses: list[int] = []
    with TestClient(app, HERE) as client:

        def post() -> None:
            statuses.append(client.post('/v1/mask', files={'file': data}).status_code)

        first = threading.Thread(target=post)
        first.start()
        assert gate.began.wait(10)
        answer = client.post('/v1/mask', content=slowly())
        assert (answer.status_code, answer.headers['retry-after']) == (503, '1')
        assert len(sent) == 5  # to its end, so that the answer is read
        assert client.get('/healthz').status_code == 200
        gate.open.set()
        first.join(10)
        post()
        assert statuses == [200, 200]
        assert 'path="/v1/mask",status="503"} 1.0' in client.get('/metrics').text


BOUNDS = [
    '--queue',
    '--images',
    '--megapixels',
    '--side',
    '--megabytes',
    '--seconds',
    '--decode-seconds',
]


@pytest.mark.parametrize('bound', [*BOUNDS, '--decode-seconds', '--client-seconds', '--batch-size'])
def test_bounds_that_let_nothing_through(
    bound: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, '_start', ModuleType('_start'))  # changes signals
    monkeypatch.syspath_prepend(ROOT / 'tools')
    build_parser = runpy.run_path(str(ROOT / 'tools' / 'serve.py'))['build_parser']
    for value in ('0', '-1', 'nan', 'inf', 'much'):
        monkeypatch.setattr(sys, 'argv', ['serve.py', 'model', bound, value])
        with pytest.raises(SystemExit) as ended:
            build_parser('').parse_args()
        said = capsys.readouterr().err
        assert (ended.value.code, f'argument {bound}: ' in said) == (2, True), said


def test_no_tunnel(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, '_start', ModuleType('_start'))  # changes signals
    monkeypatch.syspath_prepend(ROOT / 'tools')
    build_parser = runpy.run_path(str(ROOT / 'tools' / 'serve.py'))['build_parser']
    for words in (['--share'], ['--share=True']):
        monkeypatch.setattr(sys, 'argv', ['demo.py', 'model', *words])
        with pytest.raises(SystemExit) as ended:
            build_parser('').parse_args()
        assert (ended.value.code, '--host' in capsys.readouterr().err) == (2, True)


def test_names_of_models(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = [CONFIG, str(checkpoint)]
    predictors, cards = load_models(words * 2, 2)
    assert (list(predictors), cards) == (['unet_sample', 'unet_sample-2'], {})
    with pytest.raises(UserError, match='a config is followed by its checkpoint'):
        load_models([*words, CONFIG], 2)


def test_a_process_that_is_asked_to_end(checkpoint: Path, photographs: list[Path]) -> None:
    """It says where it listens, and has the port; SIGTERM: status 0, nothing on stderr."""
    words = [sys.executable, 'tools/demo.py', CONFIG, str(checkpoint), '--port', '0']
    service = subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert service.stdout is not None
    said = service.stdout.readline()
    port = int(re.fullmatch(r'unet_sample: .*http://127\.0\.0\.1:(\d+)/docs\n', said)[1])  # type: ignore[index]
    files = {'files': photographs[0].read_bytes()}
    assert httpx.post(f'http://127.0.0.1:{port}/v1/segment', files=files).status_code == 200
    assert '<title>PetSeg' in httpx.get(f'http://127.0.0.1:{port}/').text
    busy = [sys.executable, 'tools/serve.py', *words[2:-1], str(port)]
    other = subprocess.run(busy, cwd=ROOT, capture_output=True, text=True)
    assert (other.returncode, 'choose another --port' in other.stderr) == (2, True)
    service.send_signal(signal.SIGTERM)
    _, errors = service.communicate(timeout=30)
    assert (service.returncode, errors) == (0, '')
