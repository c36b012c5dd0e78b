"""The page to try models on, in a browser: what it shows, hands out, refuses and asks for."""

import struct
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from custom_modules.prediction import Prediction

pytest.importorskip('gradio')
httpx = pytest.importorskip('httpx')
playwright = pytest.importorskip('playwright.sync_api')

from custom_modules.service import page as demo  # noqa: E402
from custom_modules.service.app import build_app  # noqa: E402
from custom_modules.service.batcher import Batcher  # noqa: E402
from custom_modules.service.settings import Limits  # noqa: E402
from tests.chromium import CHROMIUM, NO_CHROMIUM  # noqa: E402
from tests.served import served  # noqa: E402

LIMITS = Limits(request_bytes=2_000_000, pixels=200_000)


@dataclass
class Channel:
    """A model that takes a colour of the photograph for the probability."""

    channel: int
    threshold: float

    @property
    def network(self) -> SimpleNamespace:
        return SimpleNamespace(description=f'channel {self.channel}')

    def predict(self, images: Iterable[np.ndarray]) -> Iterator[Prediction]:
        for image in images:
            probability = image[..., self.channel] / np.float32(255)
            yield Prediction(image, probability, self.threshold)


@contextmanager
def serving() -> Iterator[tuple[str, Path]]:
    """Serve the page; yield its address and the folder of its files."""
    models = {'red': Channel(0, 0.5), 'green': Channel(1, 0.25)}
    batchers = {name: Batcher(model, LIMITS) for name, model in models.items()}  # type: ignore[arg-type]
    cards = {'red': '---\nlicense: x\n---\n# Red\n\n![no](https://elsewhere.example/x.png) A card.'}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv('GRADIO_TEMP_DIR', folder)
        app = demo.add_page(build_app(batchers, LIMITS), batchers, cards, LIMITS, Path(folder))
        with served(app) as address:
            yield f'{address}/', Path(folder)


@pytest.fixture(scope='module')
def address() -> Iterator[str]:
    with serving() as (address, _):
        yield address


@pytest.fixture(scope='module')
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Red grows from left to right, green from top to bottom."""
    image = np.zeros((120, 160, 3), np.uint8)
    image[..., 2] = np.linspace(0, 255, 160)
    image[..., 1] = np.linspace(0, 255, 120)[:, None]
    path = tmp_path_factory.mktemp('photographs') / 'my cat.png'
    cv2.imwrite(str(path), image)
    return path


@pytest.fixture(scope='module')
def browser() -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip(NO_CHROMIUM)
    flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking']
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page, loaded; in the end it has asked nobody else, and nothing failed in it."""
    context = browser.new_context(viewport=dict(width=1280, height=900))
    page = context.new_page()
    page.set_default_timeout(15_000)
    asked: list[str] = []
    errors: list[str] = []
    blocked: list[str] = []  # by what the service said of itself, before anything was sent
    page.on('request', lambda request: asked.append(request.url))
    page.on('requestfailed', lambda one: blocked.append(one.url) if one.failure == 'csp' else None)
    page.on('pageerror', lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_selector('#photograph input[type=file]', state='attached')
    yield page
    context.close()
    own = (address, 'data:', 'blob:')
    foreign = [url for url in asked if not url.startswith(own) and url not in blocked]
    assert (foreign, errors) == ([], [])


def upload(page: Any, path: Path) -> None:
    page.set_input_files('#photograph input[type=file]', str(path))


def downloaded(page: Any, button: str) -> np.ndarray:
    with page.expect_download() as download:
        page.click(f'{button}')
    path = download.value.path()
    assert download.value.suggested_filename.startswith('my_cat_')
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def facts(page: Any, number: int, text: str) -> str:
    """Return what is said of a model's result, once ``text`` is part of it."""
    place = page.locator(f'#facts-{number}', has_text=text)
    place.wait_for()
    return place.inner_text()


def test_a_photograph_and_what_comes_of_it(page: Any, photograph: Path) -> None:
    image = cv2.imread(str(photograph))
    red, green = image[..., 2] / np.float32(255), image[..., 1] / np.float32(255)
    upload(page, photograph)
    share = (red > 0.5).mean()
    assert f'{share:.1%} of 160x120 pixels' in facts(page, 0, '50.0%')
    facts(page, 1, f'{(green > 0.25).mean():.1%}')
    assert np.array_equal(downloaded(page, '#mask-0'), (red > 0.5) * np.uint8(255))
    assert np.array_equal(downloaded(page, '#mask-1'), (green > 0.25) * np.uint8(255))
    cutout = downloaded(page, '#cutout-0')
    assert np.array_equal(cutout[..., 3], (red > 0.5) * np.uint8(255))
    assert np.array_equal(cutout[red > 0.5][:, :3], image[red > 0.5])
    # By keyboard: the threshold of one model, then what is shown.
    page.focus('#threshold-0 input[type=range]')
    for _ in range(5):
        page.keyboard.press('ArrowRight')
    facts(page, 0, f'{(red > 0.55).mean():.1%}')
    assert np.array_equal(downloaded(page, '#mask-0'), (red > 0.55) * np.uint8(255))
    assert '75.0%' in facts(page, 1, '%')  # the other has its own
    before = page.get_attribute('#picture-0 img', 'src')
    page.focus('#view input:checked')
    page.keyboard.press('Tab')
    page.keyboard.press('Space')
    page.wait_for_function(
        'before => document.querySelector("#picture-0 img").src !== before', arg=before
    )
    shown = httpx.get(page.evaluate('document.querySelector("#picture-0 img").src')).content
    mask = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(mask, (red > 0.55) * np.uint8(255))


def test_one_model_or_both_and_a_phone(page: Any) -> None:
    assert page.is_visible('#model-0') and page.is_visible('#model-1')
    page.get_by_label('green', exact=True).check()
    page.wait_for_selector('#model-0', state='hidden')
    page.get_by_label('side by side').check()
    page.wait_for_selector('#model-0')
    page.get_by_text('About red').click()
    page.get_by_text('A card.').wait_for()
    assert 'license' not in page.inner_text('body')
    page.set_viewport_size(dict(width=390, height=844))
    page.locator('.gallery-item').first.click()  # an example
    facts(page, 0, 'pixels')
    assert page.evaluate('document.documentElement.scrollWidth') == 390
    boxes = [page.locator(f'#picture-{n}').bounding_box() for n in (0, 1)]
    assert all(350 >= box['width'] >= 280 for box in boxes)
    assert boxes[0]['y'] + boxes[0]['height'] < boxes[1]['y']


def test_what_is_refused(page: Any, photograph: Path, tmp_path: Path) -> None:
    header = b'IHDR' + struct.pack('>IIBBBBB', 9000, 9000, 8, 2, 0, 0, 0)
    chunk = struct.pack('>I', 13) + header + struct.pack('>I', zlib.crc32(header))
    refused = {
        'text.jpg': (b'no photograph', 'text.jpg: not a readable image'),
        'bomb.png': (
            b'\x89PNG\r\n\x1a\n' + chunk + b'\x00\x00\x00\x00IDAT' + struct.pack('>I', 0),
            'bomb.png: 9000x9000 pixels; at most 200,000',
        ),
        'large.jpg': (b'x' * 2_000_000, 'exceed the maximum allowed size'),
    }
    upload(page, photograph)
    facts(page, 0, '50.0%')
    for name, (content, said) in refused.items():
        (tmp_path / name).write_bytes(content)
        upload(page, tmp_path / name)
        page.get_by_text(said).first.wait_for()
        page.wait_for_selector('#photograph img', state='detached')  # it does not stay there
    upload(page, photograph)  # and it still answers
    facts(page, 0, '50.0%')


def test_a_client_that_is_no_browser(address: str, photograph: Path) -> None:
    """No file of the machine, no address of another one, no other site; the service is there."""
    settings = httpx.get(f'{address}config').json()
    (place,) = (
        one['id'] for one in settings['components'] if one['props'].get('elem_id') == 'photograph'
    )
    (event, *_) = (
        e for e in settings['dependencies'] if e['inputs'][:1] == [place] and e['inputs'][1:]
    )
    for number, path in enumerate((str(photograph), 'https://elsewhere.example/cat.png')):
        words = dict(
            data=[dict(path=path, meta=dict(_type='gradio.FileData')), 0.5, 'Overlay'],
            fn_index=event['id'],
            session_hash=f's{number}',
        )
        httpx.post(f'{address}gradio_api/queue/join', json=words).raise_for_status()
        query = dict(session_hash=f's{number}')
        with httpx.stream('GET', f'{address}gradio_api/queue/data', params=query) as lines:
            done = next(line for line in lines.iter_lines() if 'process_completed' in line)
        assert 'only uploaded photographs are taken' in done
    assert httpx.get(f'{address}gradio_api/file={photograph}').status_code == 403
    headers = {'origin': 'https://elsewhere.example', 'access-control-request-method': 'POST'}
    answer = httpx.options(f'{address}gradio_api/upload', headers=headers)
    assert answer.status_code == 403
    assert 'access-control-allow-origin' not in answer.headers
    files = {'file': photograph.read_bytes()}
    assert httpx.post(f'{address}v1/mask?model=green', files=files).status_code == 200
    assert 'Swagger UI' in httpx.get(f'{address}docs').text


def test_uploads_are_deleted_and_examples_stay(
    photograph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, 'KEPT', 1)
    with serving() as (address, folder):
        files = {'files': photograph.read_bytes()}
        (path,) = httpx.post(f'{address}gradio_api/upload', files=files).json()
        assert Path(path).is_relative_to(folder)
        end = time.monotonic() + 20
        while Path(path).exists():
            assert time.monotonic() < end
            time.sleep(0.1)
        assert len(list((folder / 'examples').iterdir())) == demo.EXAMPLES
