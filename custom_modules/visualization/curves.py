"""The reports' training curves, from what ScalarsHook wrote."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..base.errors import UserError
from ..evaluation.metric_table import METRIC_TABLE, MetricInfo, over_epochs
from ..runs.named_runs import named_folders
from ..runs.scalars import read_epochs, read_own_metrics, unit_of
from .figure_file import save_figure

#: Okabe and Ito's colours for lines on white; their yellow is too light for that.
COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000')

#: Metrics whose panels are drawn even if no run has them.
_ALWAYS = ('loss', 'Dice')

#: Training and validation: prefix of the metric's name, style of its line.
STYLES: dict[str, Literal['--', '-']] = {'train': '--', 'valid': '-'}

#: How the best epoch is marked.
DOT: dict[str, Any] = dict(marker='o', linestyle='', markeredgecolor='white', markersize=7)


@dataclass(frozen=True)
class Run:
    """The epochs of one run.

    Attributes:
        label: name of the run in the legend.
        epochs: number of the epoch -> its metrics, ``train/loss`` and so on; ascending.
        own: name of a metric that is not in the table -> what is known of it.
        unit: what the numbers of ``epochs`` count, 'epoch' or 'step'.
    """

    label: str
    epochs: Mapping[int, Mapping[str, float]]
    own: Mapping[str, MetricInfo] = field(default_factory=dict)
    unit: str = 'epoch'

    @classmethod
    def of_folder(cls, label: str, folder: Path) -> 'Run':
        """Return what a run left in its folder.

        Raises:
            UserError: the folder is no run, or has no whole epoch yet.
        """
        epochs = read_epochs(folder)
        return cls(label, epochs, read_own_metrics(folder), unit_of(epochs))

    def curve(self, name: str) -> tuple[list[int], list[float]]:
        """Return the epochs that have the metric ``name``, and its values."""
        points = {n: row[name] for n, row in self.epochs.items() if name in row}
        return list(points), list(points.values())

    def best_epoch(self) -> int | None:
        """Return the first epoch with the highest validation Dice; None without a validation."""
        epochs, values = self.curve('valid/dice')
        scored = [(value, -epoch) for epoch, value in zip(epochs, values, strict=True)]
        scored = [pair for pair in scored if not math.isnan(pair[0])]
        return -max(scored)[1] if scored else None


def find_runs(arguments: Sequence[str]) -> list[Run]:
    """Read the runs that the command line names.

    Args:
        arguments: words of a command line that name runs, see ``named_folders``.

    Raises:
        UserError: a folder is missing or no run, a run has no whole epoch, two runs have one label,
            or there are more runs than colours.
    """
    if len(arguments) > len(COLOURS):
        raise UserError(
            f'{len(arguments)} runs: at most {len(COLOURS)} can be told apart; draw two pictures'
        )
    return [Run.of_folder(label, folder) for label, folder in named_folders(arguments)]


def panels(runs: Sequence[Run], all_of_them: bool = False) -> dict[str, str]:
    """Return name, without its stage, -> title of what there is to draw over the epochs.

    First come loss, headlines and loss terms, then what the table of metrics does not know.

    Args:
        runs: runs to draw.
        all_of_them: whether to take whatever the runs have; False leaves out metrics that are no
            headlines.
    """
    present = {
        name.partition('/')[2]
        for run in runs
        for row in run.epochs.values()
        for name in row
        if name.startswith(tuple(f'{stage}/' for stage in STYLES))
    }
    known = METRIC_TABLE | {name: info for run in runs for name, info in run.own.items()}
    infos = {info.scalar: info for info in over_epochs(known.values())}
    found = {
        name: info.short_title
        for name, info in infos.items()
        if (name in present and (all_of_them or info.level == 'headline' or info.is_loss_term))
        or (info.name in _ALWAYS and not all_of_them)
    }
    return found | {name: name for name in sorted(present - infos.keys())}


def save_curves(runs: Sequence[Run], path: Path) -> None:
    """Write a picture with the ``panels`` of the runs.

    Training is dashed, validation solid, each run has a colour, and a dot marks its epoch with the
    highest validation Dice.

    Raises:
        UserError: ``path`` cannot be written.
    """
    names = panels(runs)
    columns = 2 if len(names) in (2, 4) else 3
    rows = math.ceil(len(names) / columns)
    colours, styles = _legends(runs)
    legend_height = 0.21 * max(len(colours), len(styles)) + 0.15
    height = 3.0 * rows + legend_height
    figure = Figure(figsize=(9.6, height), dpi=120)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, (name, title) in zip(axes, names.items(), strict=False):
        _draw_panel(axis, runs, name, title)
    for axis in axes[len(names) :]:
        axis.set_axis_off()
    top = legend_height / height
    for handles, left in ((colours, 0.03), (styles, 0.64)):
        figure.legend(
            handles=handles,
            loc='upper left',
            bbox_to_anchor=(left, top),
            borderaxespad=0,
            frameon=False,
            fontsize=9.5,
        )
    figure.tight_layout(rect=(0, top, 1, 1))
    save_figure(figure, path)


def draw_curves(
    axis: Axes, runs: Sequence[Run], name: str, colours: Sequence[str], dot: Mapping[str, Any]
) -> None:
    """Draw a figure over the epochs: training dashed, validation solid, the best epoch dotted.

    Args:
        axis: axes of Matplotlib to draw on.
        runs: runs to draw, each with a line for training and one for validation.
        name: name of the metric, without the stage: ``loss``, ``dice``.
        colours: colours of the runs, in their order.
        dot: arguments of ``Axes.plot`` that mark the epoch of the highest validation Dice.
    """
    for run, colour in zip(runs, colours, strict=False):
        for stage, style in STYLES.items():
            epochs, values = run.curve(f'{stage}/{name}')
            # One epoch alone is no line.
            marker = '.' if len(epochs) == 1 else ''
            axis.plot(epochs, values, style, color=colour, linewidth=1.6, marker=marker)
            best = run.best_epoch()
            if stage == 'valid' and best in epochs:
                axis.plot(best, values[epochs.index(best)], color=colour, **dot)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def units(runs: Sequence[Run]) -> str:
    """Return what is across a figure of these runs: 'epoch', 'step' or 'epoch or step'."""
    return ' or '.join(sorted({run.unit for run in runs})) or 'epoch'


def _draw_panel(axis: Axes, runs: Sequence[Run], name: str, title: str) -> None:
    draw_curves(axis, runs, name, COLOURS, DOT)
    axis.set_title(title, fontsize=11, parse_math=False)
    axis.set_xlabel(units(runs))
    axis.grid(alpha=0.25)
    axis.spines[['top', 'right']].set_visible(False)


def _legends(runs: Sequence[Run]) -> tuple[list[Line2D], list[Line2D]]:
    """Return what the colours mean and what the styles mean."""
    colours = []
    for run, colour in zip(runs, COLOURS, strict=False):
        best = run.best_epoch()
        note = ''
        if best is not None:
            place = f'in epoch {best}' if run.unit == 'epoch' else f'at step {best}'
            note = f' (Dice {run.epochs[best]["valid/dice"]:.4f} {place})'
        colours.append(Line2D([], [], color=colour, linewidth=3, label=run.label + note))
    styles = [
        Line2D([], [], color='grey', linestyle=STYLES['train'], label='training'),
        Line2D([], [], color='grey', linestyle=STYLES['valid'], label='validation'),
        Line2D([], [], color='grey', label=f'{units(runs)} of the highest validation Dice', **DOT),
    ]
    return colours, styles
