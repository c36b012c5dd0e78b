"""What stands behind the page to try models on: its files, and what the service answers for it."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from custom_modules.prediction import Prediction
from custom_modules.prediction.images import ReadImage

pytest.importorskip('fastapi')
pytest.importorskip('prometheus_client')
pytest.importorskip('httpx')

from fastapi.testclient import TestClient

from custom_modules.service import page
from custom_modules.service.app import build_app
from custom_modules.service.batcher import Batcher
from custom_modules.service.pictures import SHOWN, picture, shown_picture
from custom_modules.service.settings import Limits
from tests.service_models import Brightness, photograph

LIMITS = Limits(request_bytes=100_000, pixels=100_000, decoders=1, linger=0.0)
STATIC = Path(page.__file__).with_name('static')


@pytest.fixture(scope='module')
def client() -> Iterator[TestClient]:
    batchers = {'a': Batcher(Brightness(), LIMITS), 'b': Batcher(Brightness(), LIMITS)}  # type: ignore[arg-type]
    with TestClient(build_app(batchers, LIMITS, cards={'b': '# B'}), 'http://localhost') as client:
        yield client


def test_the_files_are_those_that_a_browser_may_use(client: TestClient) -> None:
    for path, name, kind in page.FILES:
        answer = client.get(path)
        assert answer.content == STATIC.joinpath(name).read_bytes()
        assert answer.headers['content-type'] == kind
        assert answer.headers['x-content-type-options'] == 'nosniff'
        policy = dict(
            part.split(' ', 1) for part in answer.headers['content-security-policy'].split('; ')
        )
        assert (policy['default-src'], policy['script-src']) == ("'none'", "'self'")
        assert (policy['style-src'], policy['connect-src']) == ("'self'", "'self'")
        assert policy['frame-ancestors'] == policy['form-action'] == policy['base-uri'] == "'none'"
        assert 'http' not in ''.join(policy.values())
        head = client.head(path)
        assert (head.status_code, head.content) == (200, b'')
    assert {path.name for path in STATIC.iterdir()} == {name for _, name, _ in page.FILES}
    assert (
        "script-src 'self' 'unsafe-inline';"
        in client.get('/docs').headers['content-security-policy']
    )


def test_the_page_loads_nothing_from_elsewhere() -> None:
    """And all that it names is there; nothing of it is a script or a style inside of the page."""
    html = STATIC.joinpath('page.html').read_text()
    named = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert set(named) == {'data:,', 'page.css', 'page.js', 'docs'}
    assert not re.search(r'\son\w+=|style=|<style|<script(?! type="module" src=)', html)
    for path in STATIC.iterdir():
        assert not re.search(r'https?:|url\(|@import|//[a-z]+\.', path.read_text()), path


#: What makes text a part of a page or a script.
SINKS = (
    *('innerHTML', 'outerHTML', 'insertAdjacentHTML', 'setHTML', 'createContextualFragment'),
    *('document.write', 'DOMParser', 'srcdoc', 'eval(', 'Function(', 'import('),
    *('javascript:', 'location', 'localStorage', 'sessionStorage', 'cookie', 'postMessage'),
)


@pytest.mark.parametrize('name', ['page.js', 'column.js'])
def test_what_comes_back_is_shown_as_text(name: str) -> None:
    script = STATIC.joinpath(name).read_text()
    assert 'textContent' in script
    assert [sink for sink in SINKS if sink in script] == []


def test_what_there_is_to_choose_from(client: TestClient) -> None:
    about = client.get('/v1/about').json()
    assert [model['name'] for model in about['models']] == ['a', 'b']
    assert about['models'][1] == dict(name='b', description='brightness', threshold=0.5, card='# B')
    assert about['models'][0]['card'] is None
    assert about['request_bytes'] == LIMITS.request_bytes
    assert len(set(about['examples'])) == 6
    pictures = [client.get(f'/v1/examples/{n}').content for n in range(6)]
    assert len(set(pictures)) == 6
    for data in pictures:
        answer = client.post('/v1/segment?mask=none', files={'files': data})
        assert answer.status_code == 413 or answer.json()['results'][0]['rle'] is None


def test_the_interface_is_described_for_strangers(client: TestClient) -> None:
    """FastAPI would make titles of the names of functions."""
    described = client.get('/openapi.json').json()
    operations = [one for path in described['paths'].values() for one in path.values()]
    assert len(operations) == 7
    for one in operations:
        assert one['summary'].lower() != one['operationId'].replace('_', ' ')
        assert one['operationId'].isidentifier() and '_v1_' not in one['operationId']
        assert one['description'] and all('description' in p for p in one.get('parameters', ()))
    tags = {tag for one in operations for tag in one['tags']}
    assert {tag['name'] for tag in described['tags'] if tag['description']} == tags
    assert '/v1/mask' in described['info']['description']
    form = described['components']['schemas']['Body_segment_images']
    assert form['properties']['files']['items']['format'] == 'binary'  # so that files are chosen


def pixels(data: bytes) -> np.ndarray:
    """Return a file's pixels, RGB or RGBA where it has colours."""
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found.ndim == 2:
        return found
    return cv2.cvtColor(found, cv2.COLOR_BGRA2RGBA if found.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def test_pictures_are_those_of_predict(client: TestClient) -> None:
    data = photograph(90, 50)
    image = cv2.cvtColor(
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
    )
    (expected,) = Brightness().predict([ReadImage(image)])
    expected = Prediction(image, expected.probability, 0.25)
    made = dict(
        mask=expected.mask * np.uint8(255),
        overlay=expected.overlay(),
        cutout=expected.cutout(),
        probability=(expected.probability * 65535).round().astype(np.uint16),
    )
    for kind, wanted in made.items():
        query = f'threshold=0.25&model=b&kind={kind}'
        answer = client.post(f'/v1/picture?{query}', files={'file': data})
        assert answer.headers['content-type'] == 'image/png'
        assert np.array_equal(pixels(answer.content), wanted), kind
        query = f'threshold=0.25&mask=none&picture={kind}'
        (found,) = client.post(f'/v1/segment?{query}', files={'files': data}).json()['results']
        shown = wanted if wanted.dtype == np.uint8 else (wanted // 257).astype(np.uint8)
        assert np.array_equal(pixels(base64.b64decode(found['picture'])), shown), kind
        assert (found['rle'], found['png'], found['area']) == (None, None, expected.area)


@pytest.mark.parametrize(
    ('size', 'shown'),
    [
        ((SHOWN, 10), (SHOWN, 10)),
        ((2 * SHOWN, 30), (SHOWN, 15)),
        ((30, 2 * SHOWN), (15, SHOWN)),
        ((1, 3 * SHOWN), (1, SHOWN)),
    ],
    ids=str,
)
def test_what_is_looked_at_is_small(size: tuple[int, int], shown: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    prediction = Prediction(image, np.ones(size, np.float32), 0.5)
    assert pixels(shown_picture(prediction, 'cutout')).shape == (*shown, 4)
    assert pixels(picture(prediction, 'cutout')).shape == (*size, 4)
