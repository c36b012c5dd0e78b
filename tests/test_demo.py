"""The page to try models on, in a browser: what it shows, saves, refuses and asks for."""

import base64
import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from custom_modules.datasets.image_reading import ImageReading
from custom_modules.prediction import Prediction
from custom_modules.prediction.images import ReadImage

pytest.importorskip('fastapi')
pytest.importorskip('playwright.sync_api')

from custom_modules.service.app import build_app
from custom_modules.service.batcher import Batcher
from custom_modules.service.settings import Limits
from tests.chromium import launched
from tests.served import served

LIMITS = Limits(request_bytes=2_000_000, pixels=200_000)


READING = ImageReading()


@dataclass
class Channel:
    """A model that takes a colour of the photograph for the probability."""

    channel: int
    threshold: float
    reading: ImageReading = READING

    @property
    def network(self) -> SimpleNamespace:
        return SimpleNamespace(description=f'channel {self.channel}')

    def predict(self, images: Iterable[ReadImage]) -> Iterator[Prediction]:
        for image in images:
            probability = image.pixels[..., self.channel] / np.float32(255)
            yield Prediction(image.pixels, probability, self.threshold)


#: Nothing of it becomes a part of the page.
CARD = '# Red\n\n<img src="https://elsewhere.example/x.png" onerror="document.title = 1"> A card.'


@pytest.fixture(scope='module')
def address() -> Iterator[str]:
    models = {'red': Channel(0, 0.5), 'green': Channel(1, 0.25)}
    batchers = {name: Batcher(model, LIMITS) for name, model in models.items()}  # type: ignore[arg-type]
    with served(build_app(batchers, LIMITS, cards={'red': CARD}), LIMITS) as address:
        yield f'{address}/'


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
    with launched() as browser:
        yield browser


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page, loaded; in the end it has asked nobody else, and nothing failed in it."""
    context = browser.new_context(viewport=dict(width=1280, height=900))
    page = context.new_page()
    page.set_default_timeout(15_000)
    asked: list[str] = []
    errors: list[str] = []
    page.on('request', lambda request: asked.append(request.url))
    page.on('pageerror', lambda error: errors.append(str(error)))
    page.on('console', lambda one: errors.append(one.text) if 'Policy' in one.text else None)
    page.goto(address)
    page.wait_for_selector('#examples img')
    yield page
    context.close()
    foreign = [url for url in asked if not url.startswith((address, 'data:', 'blob:'))]
    assert (foreign, errors) == ([], [])


def upload(page: Any, path: Path) -> None:
    page.set_input_files('#file', str(path))


def column(page: Any, number: int) -> Any:
    return page.locator('.column').nth(number)


def downloaded(page: Any, number: int, kind: str) -> np.ndarray:
    with page.expect_download() as download:
        column(page, number).locator(f'.{kind}').click()
    path = download.value.path()
    assert download.value.suggested_filename == f'my_cat_{kind}.png'
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def facts(page: Any, number: int, text: str) -> str:
    """Return what is said of a model's result, once ``text`` is part of it."""
    place = column(page, number).locator('.facts', has_text=text)
    place.wait_for()
    return place.inner_text()


def heights(page: Any) -> list[float]:
    """Return where the parts of the page end, from top to bottom."""
    return page.evaluate(
        '[...document.querySelectorAll(".frame, .threshold, #view, #examples")]'
        '.map(one => one.getBoundingClientRect().bottom + scrollY)'
    )


def test_a_photograph_and_what_comes_of_it(page: Any, photograph: Path) -> None:
    image = cv2.imread(str(photograph))
    red, green = image[..., 2] / np.float32(255), image[..., 1] / np.float32(255)
    before = heights(page)
    upload(page, photograph)
    share = (red > 0.5).mean()
    assert f'{share:.1%} of 160x120 pixels' in facts(page, 0, '50.0%')
    facts(page, 1, f'{(green > 0.25).mean():.1%}')
    assert heights(page) == before  # nothing moved
    assert np.array_equal(downloaded(page, 0, 'mask'), (red > 0.5) * np.uint8(255))
    assert np.array_equal(downloaded(page, 1, 'mask'), (green > 0.25) * np.uint8(255))
    cutout = downloaded(page, 0, 'cutout')
    assert np.array_equal(cutout[..., 3], (red > 0.5) * np.uint8(255))
    assert np.array_equal(cutout[red > 0.5][:, :3], image[red > 0.5])
    # By keyboard: the threshold of one model, then what is shown.
    column(page, 0).locator('[type=range]').focus()
    for _ in range(5):
        page.keyboard.press('ArrowRight')
    facts(page, 0, f'{(red > 0.55).mean():.1%}')
    assert np.array_equal(downloaded(page, 0, 'mask'), (red > 0.55) * np.uint8(255))
    assert '75.0%' in facts(page, 1, '%')  # the other has its own
    picture = column(page, 0).locator('.picture')
    shown = picture.get_attribute('src')
    page.focus('#view input:checked')
    page.keyboard.press('ArrowRight')
    page.wait_for_function('old => document.querySelector(".picture").src !== old', arg=shown)
    data = base64.b64decode(picture.get_attribute('src').partition(',')[2])
    mask = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(mask, (red > 0.55) * np.uint8(255))
    column(page, 0).locator('[type=number]').fill('0.755')
    facts(page, 0, f'{(red > 0.755).mean():.1%}')
    column(page, 0).get_by_text('Reset').click()
    facts(page, 0, '50.0%')


#: Says much of itself.
MODEL = dict(description='ONNX Runtime, float32, on the processor', threshold=0.5, card=None)

#: What is found in a large photograph, with as many digits as there may be.
LONG = dict(
    width=12_000, height=9_000, area=98_765_432, share=0.914, confidence=0.93,
    box=[1_000, 1_000, 10_999, 7_999], name='a', rle=None, png=None,
    picture=base64.b64encode(cv2.imencode('.png', np.zeros((9, 12), np.uint8))[1]).decode(),
)  # fmt: skip


@pytest.mark.parametrize('width', [390, 928, 1280])
def test_nothing_moves(page: Any, photograph: Path, width: int) -> None:
    """Neither while the page loads, nor when a photograph, its result or a refusal comes."""
    page.set_viewport_size(dict(width=width, height=900))
    page.add_init_script(
        'window.shifts = []; new PerformanceObserver(list => shifts.push(...list.getEntries()))'
        ".observe({type: 'layout-shift', buffered: true})"
    )
    page.route(
        '**/v1/about',
        lambda route: route.fulfill(
            json=route.fetch().json()
            | dict(models=[dict(MODEL, name=name) for name in ('red', 'green')])
        ),
    )
    page.reload()
    page.wait_for_selector('#examples img')
    before = heights(page)
    upload(page, photograph)
    facts(page, 1, '50.0%')
    page.route('**/v1/segment*', lambda route: route.fulfill(json=dict(results=[LONG])))
    page.get_by_role('radio', name='Mask').check()
    facts(page, 1, '91.4%')
    assert heights(page) == before
    page.unroute('**/v1/segment*')
    page.route(
        '**/v1/segment*',
        lambda route: route.fulfill(status=415, json=dict(detail='not a readable image')),
    )
    upload(page, photograph)
    page.get_by_role('alert').get_by_text('not a readable').wait_for()
    assert heights(page) == before
    moved = 'shifts.flatMap(one => one.sources.map(part => part.node?.outerHTML.slice(0, 60)))'
    assert page.evaluate(moved) == []


def test_one_model_or_both_and_a_phone(page: Any) -> None:
    assert column(page, 0).is_visible() and column(page, 1).is_visible()
    page.get_by_role('radio', name='green').check()
    column(page, 0).wait_for(state='hidden')
    page.get_by_label('side by side').check()
    column(page, 0).wait_for()
    page.get_by_text('About red').click()
    page.get_by_text('A card.').wait_for()
    assert '<img src="https://elsewhere.example/x.png"' in page.inner_text('.card')
    page.set_viewport_size(dict(width=390, height=844))
    before = heights(page)
    page.get_by_role('button', name='Try Calico_1.png').click()
    facts(page, 0, 'pixels')
    facts(page, 1, 'pixels')
    assert page.inner_text('#file-name') == 'Calico_1.png'
    assert heights(page) == before
    assert page.evaluate('document.documentElement.scrollWidth') == 390
    boxes = [column(page, n).locator('.picture').bounding_box() for n in (0, 1)]
    assert all(360 >= box['width'] >= 280 for box in boxes)
    assert boxes[0]['y'] + boxes[0]['height'] < boxes[1]['y']


def test_dropped_and_pasted(page: Any, photograph: Path) -> None:
    """Wherever it is dropped; what is no file is none, and the one before stays."""
    give = """([content, type, given]) => {
        const data = new DataTransfer();
        if (content) {
            const bytes = Uint8Array.from(atob(content), one => one.charCodeAt(0));
            data.items.add(new File([bytes], '<b>cat.png', {type: 'image/png'}));
        } else data.setData('text/uri-list', 'https://elsewhere.example/cat.png');
        document.querySelector('h1').dispatchEvent(
            new (type === 'paste' ? ClipboardEvent : DragEvent)(
                type, {bubbles: true, cancelable: true, [given]: data}));
    }"""
    content = base64.b64encode(photograph.read_bytes()).decode()
    for kind, given in (('drop', 'dataTransfer'), ('paste', 'clipboardData')):
        page.evaluate(give, [content, kind, given])
        facts(page, 0, '50.0%')
        assert page.inner_text('#file-name') == '<b>cat.png'
        page.evaluate(give, ['', kind, given])
        page.get_by_text('Addresses are not fetched').wait_for()
        facts(page, 0, '50.0%')
        page.get_by_text('Remove').click()
        assert page.inner_text('.facts >> nth=0') == page.inner_text('#message') == ''


def test_what_is_refused(page: Any, photograph: Path, tmp_path: Path) -> None:
    header = b'IHDR' + struct.pack('>IIBBBBB', 9000, 9000, 8, 2, 0, 0, 0)
    chunk = struct.pack('>I', 13) + header + struct.pack('>I', zlib.crc32(header))
    refused = {
        'text.jpg': (b'no photograph', 'text.jpg: not a readable image'),
        'bomb.png': (
            b'\x89PNG\r\n\x1a\n' + chunk + b'\x00\x00\x00\x00IDAT' + struct.pack('>I', 0),
            'bomb.png: 9000x9000 pixels; at most 200,000',
        ),
        'large.jpg': (b'x' * 2_000_000, 'large.jpg: 1.9 MB; at most 1.9'),
    }
    upload(page, photograph)
    facts(page, 0, '50.0%')
    for name, (content, said) in refused.items():
        (tmp_path / name).write_bytes(content)
        upload(page, tmp_path / name)
        page.get_by_role('alert').get_by_text(said).wait_for()
        page.wait_for_selector('#photograph', state='hidden')  # it does not stay there
        assert page.inner_text('#file-name') == ''
    upload(page, photograph)  # and it still answers
    facts(page, 0, '50.0%')


def test_what_the_service_does_not_do_now(page: Any, photograph: Path) -> None:
    """Whatever the reason, it is said where the result would be, and asked again by a button."""
    answers: dict[int, Any] = {
        404: 'no such model',
        408: 'the body did not arrive',
        421: 'no name of this service',
        422: [dict(msg='Input should be 1')],
        500: None,  # text of a server that failed
        503: 'the queue is full; try again',
        0: None,  # nobody is there
    }
    status, sent = 0, ''

    def answer(route: Any) -> None:
        if status:
            route.fulfill(status=status, body=sent)
        else:
            route.abort()

    page.route('**/v1/segment*', answer)
    upload(page, photograph)
    facts(page, 0, 'does not answer')
    for status, detail in answers.items():
        sent = json.dumps(dict(detail=detail)) if detail else 'Internal Server Error'
        said = detail[0]['msg'] if isinstance(detail, list) else detail
        column(page, 0).get_by_text('Try again').click()
        facts(page, 0, said or ('The service answers 500' if status else 'does not answer'))
        assert page.inner_text('#file-name') == 'my cat.png'
    page.unroute('**/v1/segment*')
    column(page, 0).get_by_text('Try again').click()
    facts(page, 0, '50.0%')
