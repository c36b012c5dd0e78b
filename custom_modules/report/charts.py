"""Charts as SVG inside the page: lines and text take the page's colours, light or dark."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..visualization.curves import COLOURS, Run, draw_curves, units

#: Stands for the colour of the page's text while Matplotlib draws.
_INK = '#010203'

#: Black is no colour on a dark page.
SERIES = tuple(_INK if colour == '#000000' else colour for colour in COLOURS)

_SETTINGS: Any = {
    'svg.fonttype': 'none',
    'text.parse_math': False,  # a name may hold a dollar
    'text.color': _INK,
    'axes.edgecolor': _INK,
    'axes.labelcolor': _INK,
    'axes.facecolor': 'none',
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.linewidth': 0.6,
    'axes.grid': True,
    'grid.color': _INK,
    'grid.alpha': 0.13,
    'grid.linewidth': 0.6,
    'xtick.color': _INK,
    'ytick.color': _INK,
    'xtick.major.width': 0.6,
    'ytick.major.width': 0.6,
    'axes.titlesize': 10,
    'axes.titleweight': 'bold',
    'axes.titlelocation': 'left',
    'font.size': 8.5,
}

_SIZE = (4.4, 2.75)  # inches of a panel


def curve(runs: Sequence[Run], name: str, title: str) -> Markup:
    """Return a figure over epochs or steps: training dashed, validation solid, the best dotted."""
    with rc_context(_SETTINGS):
        figure, axis = _panel(title, units(runs))
        draw_curves(axis, runs, name, SERIES, dict(marker='o', markersize=5))
        return _svg(figure, f'{title} over the {units(runs)}s')


def lines(
    series: Sequence[tuple[Sequence[float], Sequence[float]]],
    title: str,
    across: str,
    marks: Sequence[float | None] = (),
    diagonal: bool = False,
) -> Markup:
    """Return a chart of one line per run.

    Args:
        series: x and y values of each run; both empty where a run has none.
        title: title above the chart.
        across: label of the x-axis.
        marks: x of a vertical line for each run; None where a run has none.
        diagonal: whether to draw the line y = x, and points on the lines.
    """
    with rc_context(_SETTINGS):
        figure, axis = _panel(title, across)
        if diagonal:
            axis.plot([0, 1], [0, 1], ':', color=_INK, linewidth=0.9)
        for (x, y), colour in zip(series, SERIES, strict=False):
            axis.plot(x, y, color=colour, linewidth=1.5, marker='o' if diagonal else '', ms=3.5)
        for mark, colour in zip(marks, SERIES, strict=False):
            if mark is not None:
                axis.axvline(mark, color=colour, linestyle=':', linewidth=1.1)
        return _svg(figure, title)


def groups(
    runs: Sequence[Mapping[str, Mapping]],
    names: Sequence[str],
    title: str,
    notes: Sequence[str],
    limits: tuple[float, float],
) -> Markup:
    """Return the Dice of groups of images, a row per group, with intervals.

    Args:
        runs: metrics of the groups by name, a mapping for each run, with ``Dice`` and
            ``Dice_interval``.
        names: names of the groups, from the top.
        title: title above the chart.
        notes: text beside each name, such as the number of images.
        limits: lower and upper limit of the x-axis.
    """
    height = 0.75 + len(names) * max(0.26, 0.1 + 0.11 * len(runs))
    with rc_context(_SETTINGS):
        figure, axis = _panel(title, 'Dice, mean over images', (4.4, height))
        for number, (run, colour) in enumerate(zip(runs, SERIES, strict=False)):
            offset = (number - (len(runs) - 1) / 2) * 0.7 / max(1, len(runs))
            for place, name in enumerate(names):
                if name not in run:
                    continue
                low, high = run[name].get('Dice_interval', [run[name]['Dice']] * 2)
                axis.plot([low, high], [place + offset] * 2, color=colour, lw=2.4, alpha=0.45)
                axis.plot(run[name]['Dice'], place + offset, 'o', color=colour, markersize=4)
        labels = [f'{name}  ({note})' for name, note in zip(names, notes, strict=True)]
        axis.set_yticks(range(len(names)), labels)
        axis.set_xlim(*limits)
        axis.xaxis.set_major_locator(MaxNLocator(4))  # long names leave little room
        axis.set_ylim(len(names) - 0.4, -0.6)
        axis.grid(axis='y', visible=False)
        return _svg(figure, f'{title}: Dice of each group')


def _panel(title: str, across: str, size: tuple[float, float] = _SIZE) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout='constrained')
    axis = figure.subplots()
    axis.set_title(title)
    axis.set_xlabel(across)
    return figure, axis


def _svg(figure: Figure, label: str) -> Markup:
    """Return the picture without what only a file of its own needs."""
    stream = io.StringIO()
    # Names inside the picture are made from the salt: no two pictures of a page share one.
    with rc_context({'svg.hashsalt': label}):
        figure.savefig(stream, format='svg', transparent=True, metadata={'Date': None})
    text = stream.getvalue()
    text = text[text.index('<svg') :]
    text = re.sub(r'<metadata>.*?</metadata>', '', text, flags=re.DOTALL)
    text = re.sub(r'<style type="text/css">.*?</style>', '', text, flags=re.DOTALL)
    text = text.replace(_INK, 'currentColor')
    used = set(re.findall(r'#([\w.-]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else '', text)
    text = re.sub(r'<!--.*?-->\n?', '', text, flags=re.DOTALL)
    opening = re.match(r'<svg[^>]*>', text)
    assert opening is not None
    box = re.search(r'viewBox="[^"]*"', opening[0])
    assert box is not None
    head = f'<svg {box[0]} role="img" aria-label="{escape(label)}">'
    return Markup(head + text[opening.end() :])
