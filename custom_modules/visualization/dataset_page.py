"""The same as the sheet of a data set, as one HTML file that needs nothing else."""

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import jinja2
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..base.paths import make_writable
from ..base.whole_file import whole_file
from ..datasets.statistics import Survey
from .dataset_sheet import IGNORED, Sample, draw_shares, draw_sizes

#: Longest side of an image on the page, in pixels.
LARGEST = 384

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / 'templates'),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
)


def save_dataset_page(
    samples: Sequence[Sample], surveys: Sequence[Survey], path: Path, title: str
) -> None:
    """Write the page; it is the same to the byte for the same data.

    Raises:
        UserError: ``path`` cannot be written.
    """
    page = _TEMPLATES.get_template('dataset.html').render(
        title=title,
        surveys=surveys,
        charts=[_chart(draw, surveys) for draw in (draw_shares, draw_sizes)],
        median=np.median,
        ignored='#{:02x}{:02x}{:02x}'.format(*IGNORED),
        samples=[dict(name=sample.name) | _picture(sample) for sample in samples],
    )
    make_writable(path.resolve().parent, '--out')
    with whole_file(path) as file:
        file.write(page)


def _picture(sample: Sample) -> dict[str, Any]:
    """Return image and masked image side by side as the address of a JPEG, and its size."""
    pair = np.hstack([sample.image, sample.masked()])
    shrink = min(1.0, LARGEST / max(sample.image.shape[:2]))
    if shrink < 1:
        pair = cv2.resize(pair, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode('.jpg', pair[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 88))
    source = f'data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}'
    return dict(source=source, width=pair.shape[1], height=pair.shape[0])


def _chart(draw: Callable[[Axes, Sequence[Survey]], None], surveys: Sequence[Survey]) -> str:
    """Return a chart as SVG that can be read on light and dark ground."""
    grey = '#888888'
    parts = ('axes.edge', 'axes.label', 'text.', 'xtick.', 'ytick.', 'legend.label')
    colours: Any = {f'{part}color': grey for part in parts}
    with mpl.rc_context(colours | {'svg.hashsalt': 'petseg'}):
        figure = Figure(figsize=(4.8, 2.8), layout='constrained')
        axis = figure.subplots()
        draw(axis, surveys)
        axis.patch.set_visible(False)
        axis.spines[['top', 'right']].set_visible(False)
        text = io.StringIO()
        figure.savefig(text, format='svg', transparent=True, metadata={'Date': None})
    return text.getvalue()[text.getvalue().index('<svg') :]
