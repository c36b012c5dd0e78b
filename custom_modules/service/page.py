"""A page to try models on: a photograph in, overlay, mask and cut-out out (Gradio)."""

import os
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fastapi import FastAPI

from ..datasets.drawn_sample import BREEDS, draw_pet
from ..prediction import Prediction
from ..prediction.outputs import KINDS
from .batcher import Batcher, OverloadedError
from .decoding import RefusedImageError, decode
from .settings import Limits

# Before Gradio is imported: it would tell its makers of every start.
os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
import gradio as gr

#: What can be shown, and the kind of prediction it is.
VIEWS = {'Overlay': 'overlay', 'Mask': 'mask', 'Cut-out': 'cutout', 'Probability': 'probability'}

#: Choice that shows all models.
SIDE_BY_SIDE = 'side by side'

#: Longest side of a shown picture in pixels; downloads have that of the photograph.
SHOWN = 1280

#: Seconds after which uploads and results are deleted.
KEPT = 1800

EXAMPLES = 6

CSS = """
.gradio-container { max-width: 1200px !important; margin: auto; }
.facts { min-height: 3em; }
"""


@dataclass(frozen=True)
class Column:
    """The parts of the page that belong to one model."""

    batcher: Batcher
    threshold: gr.Slider
    picture: gr.Image
    facts: gr.Markdown
    mask: gr.DownloadButton
    cutout: gr.DownloadButton
    block: gr.Column

    @property
    def outputs(self) -> list[Any]:
        return [self.picture, self.facts, self.mask, self.cutout]


def add_page(
    app: FastAPI,
    batchers: Mapping[str, Batcher],
    cards: Mapping[str, str],
    limits: Limits,
    folder: Path,
) -> FastAPI:
    """Return the service with the page at ``/``.

    Args:
        app: of ``build_app``.
        batchers: a model each, by name.
        cards: what is to be said of them, Markdown.
        limits: what is allowed.
        folder: for uploads and results; of this process alone.
    """
    os.environ['GRADIO_TEMP_DIR'] = str(folder)
    page = _page(batchers, cards, limits, draw_examples(folder / 'examples'))
    page.queue(max_size=limits.queue, default_concurrency_limit=4)
    return gr.mount_gradio_app(
        app,
        page,
        path='/',
        theme=gr.themes.Soft(
            primary_hue='emerald', font=['system-ui', 'sans-serif'], font_mono=['monospace']
        ),
        css=CSS,
        # The form around a photograph needs some bytes too.
        max_file_size=max(1, limits.request_bytes - 16384),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        pwa=False,
    )


def draw_examples(folder: Path) -> list[Path]:
    """Draw photographs to try, and return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(EXAMPLES):
        name, species, fur = BREEDS[number % len(BREEDS)]
        image, _ = draw_pet(np.random.RandomState(number), species, fur)
        paths.append(folder / f'{name}_{number}.png')
        cv2.imwrite(str(paths[-1]), cv2.resize(image, None, fx=3, fy=3))
    return paths


def _page(
    batchers: Mapping[str, Batcher],
    cards: Mapping[str, str],
    limits: Limits,
    examples: Sequence[Path],
) -> gr.Blocks:
    deletion = (min(60, KEPT), KEPT)  # how often, and what is older
    with gr.Blocks(title='PetSeg', analytics_enabled=False, delete_cache=deletion) as page:
        gr.Markdown(
            '# PetSeg\nDrop a photograph, or choose one below. It stays on the machine that serves '
            'this page and is deleted after half an hour. [For programs](docs).'
        )
        with gr.Row():
            with gr.Column(min_width=280):
                photograph = _photograph()
                view = gr.Radio(list(VIEWS), value='Overlay', label='Show', elem_id='view')
                models = gr.Radio(
                    [*batchers, SIDE_BY_SIDE],
                    value=SIDE_BY_SIDE,
                    label='Model',
                    visible=len(batchers) > 1,
                    elem_id='model',
                )
            with gr.Column(scale=2, min_width=280), gr.Row():
                columns = {
                    name: _column(number, name, batcher, cards.get(name))
                    for number, (name, batcher) in enumerate(batchers.items())
                }

        gr.Examples(
            [[str(path)] for path in examples],
            [photograph],
            label='Drawn by PetSeg',
            api_visibility='private',
        )

        def check(path: str | None) -> None:
            _decoded(path, limits)

        checked = photograph.change(check, photograph, None, **_QUIET)
        checked.failure(lambda: None, None, photograph, **_QUIET)
        for column in columns.values():
            inputs = [photograph, column.threshold, view]
            show = _show(column.batcher, limits)
            checked.success(show, inputs, column.outputs, **_QUIET)
            for moved in (column.threshold.input, view.input):
                moved(show, inputs, column.outputs, trigger_mode='always_last', **_QUIET)
        models.input(
            lambda choice: [gr.update(visible=choice in (name, SIDE_BY_SIDE)) for name in columns],
            models,
            [column.block for column in columns.values()],
            **_QUIET,
        )
    return page


#: Of every event: programs have an interface of their own.
_QUIET: dict[str, Any] = dict(api_visibility='private', show_progress='minimal')


def _photograph() -> gr.Image:
    """Return an input that hands on the path of an upload, which nobody has decoded yet.

    Gradio itself would fetch what a client gives as the address of another machine, and copy any
    file of this machine of which it gives the path. (Methods of one object, because Gradio writes a
    stub file beside the source of every class that is derived from one of its own.)
    """
    image: Any = gr.Image(
        label='Photograph',
        sources=['upload', 'clipboard'],
        type='filepath',
        elem_id='photograph',
        height=320,
        buttons=[],
        alt_text='The photograph as it was given',
    )

    def uploaded(path: str | Path | None) -> str | None:
        if path is None:
            return None
        file = Path(path).resolve()
        if not file.is_relative_to(Path(image.GRADIO_CACHE).resolve()) or not file.is_file():
            raise _refusal('only uploaded photographs are taken')
        image.temp_files.add(str(file))  # to be deleted in its time
        return str(file)

    async def uploaded_async(path: str | Path | None) -> str | None:
        return uploaded(path)

    image.move_resource_to_block_cache = uploaded
    image.async_move_resource_to_block_cache = uploaded_async
    image.preprocess = lambda payload: payload and payload.path
    return image


def _column(number: int, name: str, batcher: Batcher, card: str | None) -> Column:
    with gr.Column(min_width=280, elem_id=f'model-{number}') as block:
        picture = gr.Image(
            label=name,
            format='png',
            interactive=False,
            height=320,
            buttons=['fullscreen'],
            elem_id=f'picture-{number}',
            alt_text=f'What {name} finds',
        )
        facts = gr.Markdown(elem_id=f'facts-{number}', elem_classes='facts')
        threshold = gr.Slider(
            0,
            1,
            batcher.predictor.threshold,
            step=0.01,
            label='Threshold',
            info='A pixel is foreground if its probability is greater.',
            elem_id=f'threshold-{number}',
        )
        with gr.Row():
            mask = _download_button('mask', number)
            cutout = _download_button('cutout', number)
        if card:
            with gr.Accordion(f'About {name}', open=False):
                gr.Markdown(_without_front_matter(card))
    return Column(batcher, threshold, picture, facts, mask, cutout, block)


def _download_button(kind: str, number: int) -> gr.DownloadButton:
    what = 'mask' if kind == 'mask' else 'cut-out'
    return gr.DownloadButton(
        f'Save {what}', interactive=False, size='md', min_width=120, elem_id=f'{kind}-{number}'
    )


def _show(batcher: Batcher, limits: Limits) -> Any:
    """Return what fills a column."""

    def show(path: str | None, threshold: float, view: str) -> list[Any]:
        image = _decoded(path, limits)
        if image is None:
            return _nothing()
        started = time.perf_counter()
        try:
            prediction = batcher.submit(image).result()
        except OverloadedError as error:
            raise _refusal(f'{error}; try again') from None
        seconds = time.perf_counter() - started
        prediction = replace(prediction, threshold=threshold)
        mask, cutout = (_download(prediction, kind, str(path)) for kind in ('mask', 'cutout'))
        return [
            _small(prediction, VIEWS[view]),
            f'{_facts(prediction)} {seconds:.2f} s, {batcher.predictor.network.description}.',
            gr.update(value=mask, interactive=True),
            gr.update(value=cutout, interactive=True),
        ]

    return show


def _nothing() -> list[Any]:
    return [None, '', *(gr.update(value=None, interactive=False) for _ in range(2))]


def _decoded(path: str | None, limits: Limits) -> np.ndarray | None:
    if path is None:
        return None
    try:
        return decode(Path(path).read_bytes(), limits)
    except RefusedImageError as error:
        raise _refusal(f'{Path(path).name}: {error}') from None


def _refusal(message: str) -> gr.Error:
    """Return what the page says; it is nothing for the log."""
    return gr.Error(message, print_exception=False)


def _facts(prediction: Prediction) -> str:
    height, width = prediction.mask.shape
    if not prediction.area:
        return f'Nothing found in {width}x{height} pixels.'
    assert prediction.box is not None
    left, top, wide, high = prediction.box
    return (
        f'**{prediction.share:.1%}** of {width}x{height} pixels, in a box of {wide}x{high} at '
        f'({left}, {top}); mean probability {prediction.confidence:.2f}.'
    )


def _small(prediction: Prediction, kind: str) -> np.ndarray:
    """Return the picture of a kind, uint8, small enough to be shown."""
    picture = KINDS[kind][2](prediction)
    if picture.dtype == np.uint16:
        picture = (picture // 257).astype(np.uint8)
    scale = SHOWN / max(picture.shape[:2])
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return picture


def _download(prediction: Prediction, kind: str, path: str) -> str:
    """Write a picture at the photograph's own size, and return its path."""
    picture = KINDS[kind][2](prediction)
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA)
    folder = tempfile.mkdtemp(dir=os.environ['GRADIO_TEMP_DIR'])
    stem = re.sub(r'[^\w.-]+', '_', Path(path).stem)[:80] or 'photograph'
    made = Path(folder, f'{stem}_{kind}.png')
    made.write_bytes(cv2.imencode('.png', picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes())
    return str(made)


def _without_front_matter(card: str) -> str:
    """Return a card without the lines for machines, its headings two levels lower."""
    text = re.sub(r'\A---\n.*?\n---\n', '', card, flags=re.DOTALL)
    return re.sub(r'^#', '###', text, flags=re.MULTILINE)
